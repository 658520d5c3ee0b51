"""Notes on a lead that partner and vendor share; the leads that a member of a round robin takes turns for."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036_lead_comments"
down_revision = "0035_erasures"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SHARED = sa.text("shared_with_id IS NOT NULL")


def upgrade() -> None:
    key = sa.ForeignKey("account.id", name=op.f("fk_activity_shared_with_id"))
    op.add_column(
        "activity", sa.Column("shared_with_id", sa.BigInteger(), key, nullable=True), inline_references=True
    )
    op.create_index(
        "ix_activity_shared",
        "activity",
        ["shared_with_id", "lead_id"],
        postgresql_where=SHARED,
        sqlite_where=SHARED,
    )


    op.add_column(
        "round_robin_member", sa.Column("match", JSON, nullable=False, server_default=sa.text("'{}'"))
    )


def downgrade() -> None:
    with op.batch_alter_table("round_robin_member") as batch:
        batch.drop_column("match")
    op.drop_index("ix_activity_shared", table_name="activity")
    with op.batch_alter_table("activity") as batch:
        batch.drop_constraint("fk_activity_shared_with_id", type_="foreignkey")
        batch.drop_column("shared_with_id")
