"""Whom the administrator of a session looks at Canal as."""

import sqlalchemy as sa
from alembic import op

revision = "0007_viewing_as"
down_revision = "0006_live_leads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.add_column(sa.Column("viewing_as_id", sa.BigInteger(), nullable=True))
        batch_op.create_foreign_key(op.f("fk_user_session_viewing_as_id"), "user", ["viewing_as_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("user_session") as batch_op:
        batch_op.drop_constraint(op.f("fk_user_session_viewing_as_id"), type_="foreignkey")
        batch_op.drop_column("viewing_as_id")
