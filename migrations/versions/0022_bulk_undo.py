"""A change of many records can be taken back: what each was before is kept for a while."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022_bulk_undo"
down_revision = "0021_list_indexes"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("list_job", sa.Column("same", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("list_job") as table:
        table.add_column(sa.Column("undo_until", MOMENT, nullable=True))
        table.add_column(sa.Column("undone_at", MOMENT, nullable=True))
        table.alter_column("same", server_default=None)
    op.create_table(
        "list_job_change",
        sa.Column("id", KEY, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("record_ref", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["list_job.id"], name="fk_list_job_change_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_list_job_change"),
    )
    op.create_index("ix_list_job_change_job", "list_job_change", ["job_id", "id"])


def downgrade() -> None:
    op.drop_table("list_job_change")
    with op.batch_alter_table("list_job") as table:
        table.drop_column("undone_at")
        table.drop_column("undo_until")
        table.drop_column("same")
