"""Fields of a lead that partners never see, and what a partner level sees otherwise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008_lead_fields"
down_revision = "0007_viewing_as"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# What no partner saw so far stays hidden.
ADDED = (("organisation", "hidden_fields", '["campaign"]'), ("partner_level", "lead_fields", "{}"))


def upgrade() -> None:
    # Plain additions, for which SQLite need not copy a table and lose its checks; it keeps the default.
    for table, column, filled in ADDED:
        op.add_column(table, sa.Column(column, JSON, server_default=filled, nullable=False))
        if op.get_bind().dialect.name != "sqlite":
            op.alter_column(table, column, server_default=None)


def downgrade() -> None:
    for table, column, _filled in reversed(ADDED):
        op.drop_column(table, column)
