"""Which job is making an account or contact one with others."""

import sqlalchemy as sa
from alembic import op

revision = "0037_imports"
down_revision = "0036_lead_comments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("account", "contact"):
        op.add_column(table, sa.Column("merging", sa.String(length=40), nullable=True))


def downgrade() -> None:
    for table in ("account", "contact"):
        op.drop_column(table, "merging")
