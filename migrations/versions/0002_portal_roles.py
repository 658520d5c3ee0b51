"""Which partner roles are members of the portal; who may invite colleagues at each partner."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_portal_roles"
down_revision = "0001_first_release"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
# Nothing changes for those who are there: every role was a member, and nobody at a partner could invite.
ADDED = (
    ("organisation", "portal_roles", JSON, '["user", "manager", "executive"]'),
    ("partner_account", "may_invite", sa.String(length=30), "nobody"),
)


def upgrade() -> None:
    # Plain additions, for which SQLite need not copy a table and lose its checks; it keeps the default.
    for table, column, kind, filled in ADDED:
        op.add_column(table, sa.Column(column, kind, server_default=filled, nullable=False))
        if op.get_bind().dialect.name != "sqlite":
            op.alter_column(table, column, server_default=None)


def downgrade() -> None:
    for table, column, _kind, _filled in reversed(ADDED):
        op.drop_column(table, column)
