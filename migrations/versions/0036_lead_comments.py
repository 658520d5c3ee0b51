"""What partner and vendor say to each other on a lead: notes that name the partner they are shared with."""

import sqlalchemy as sa
from alembic import op

revision = "0036_lead_comments"
down_revision = "0035_erasures"
branch_labels = None
depends_on = None

SHARED = sa.text("shared_with_id IS NOT NULL")


def upgrade() -> None:
    key = sa.ForeignKey("account.id", name=op.f("fk_activity_shared_with_id"))
    op.add_column(
        "activity", sa.Column("shared_with_id", sa.BigInteger(), key, nullable=True), inline_references=True
    )
    op.create_index(
        "ix_activity_shared", "activity", ["shared_with_id", "lead_id"], postgresql_where=SHARED, sqlite_where=SHARED
    )


def downgrade() -> None:
    op.drop_index("ix_activity_shared", table_name="activity")
    with op.batch_alter_table("activity") as batch:
        batch.drop_constraint("fk_activity_shared_with_id", type_="foreignkey")
        batch.drop_column("shared_with_id")
