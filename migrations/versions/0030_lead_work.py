"""Until when a lead that somebody took is to be touched."""

import sqlalchemy as sa
from alembic import op

revision = "0030_lead_work"
down_revision = "0029_campaigns"
branch_labels = None
depends_on = None

INDEXES = {"ix_lead_touch_due": "touch_due_at", "ix_lead_touch_warn": "touch_warn_at"}
OPEN = "is_open AND deleted_at IS NULL AND owner_user_id IS NOT NULL"
OPEN_SQLITE = "is_open = 1 AND deleted_at IS NULL AND owner_user_id IS NOT NULL"


def upgrade() -> None:
    op.create_index(
        "ix_lead_open_updated",
        "lead",
        ["updated_at", "id"],
        postgresql_where=sa.text(OPEN),
        sqlite_where=sa.text(OPEN_SQLITE),
    )
    for table in ("queue", "partner_level"):
        op.add_column(table, sa.Column("touch_within_hours", sa.Integer(), nullable=True))
    for name, column in INDEXES.items():
        op.add_column("lead", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
        where = sa.text(f"{column} IS NOT NULL AND deleted_at IS NULL")
        op.create_index(name, "lead", [column, "id"], postgresql_where=where, sqlite_where=where)


def downgrade() -> None:
    for name in ("ix_lead_open_updated", *INDEXES):
        op.drop_index(name, table_name="lead")
    with op.batch_alter_table("lead") as batch:
        for column in INDEXES.values():
            batch.drop_column(column)
    for table in ("partner_level", "queue"):
        with op.batch_alter_table(table) as batch:
            batch.drop_column("touch_within_hours")
