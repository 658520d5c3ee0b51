"""The second factor: authenticators and recovery codes, sign-ins that wait for a code, whether this is the demo."""

import sqlalchemy as sa
from alembic import op

revision = "0005_second_factor"
down_revision = "0004_audit_log"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEW_OF_USER = (
    ("second_factor_nonce", sa.String(length=64)),
    ("second_factor_at", sa.DateTime(timezone=True)),
    ("second_factor_step", sa.BigInteger()),
)
# Addresses that can be nobody's but the demo's.
OF_THE_DEMO = "ada@adventure-works.example"


def upgrade() -> None:
    # Plain additions, for which SQLite need not copy a table and lose its checks; it keeps the default.
    for name, kind in NEW_OF_USER:
        op.add_column("user", sa.Column(name, kind, nullable=True))
    op.add_column("organisation", sa.Column("is_demo", sa.Boolean(), server_default=sa.false(), nullable=False))
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("organisation", "is_demo", server_default=None)
    _mark_the_demo()
    op.create_table(
        "recovery_code",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_recovery_code_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index("ix_recovery_code_user_id", ["user_id"], unique=False)
    op.create_table(
        "sign_in_step",
        sa.Column("id", KEY, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_sign_in_step_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_step")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_step_token_hash")),
    )
    with op.batch_alter_table("sign_in_step", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_step_user_id", ["user_id"], unique=False)


def _mark_the_demo() -> None:
    user = sa.table("user", sa.column("email_key"))
    organisation = sa.table("organisation", sa.column("is_demo"))
    there = sa.select(user.c.email_key).where(user.c.email_key == OF_THE_DEMO).exists()
    op.execute(organisation.update().values(is_demo=sa.true()).where(there))


def downgrade() -> None:
    op.drop_table("sign_in_step")
    op.drop_table("recovery_code")
    op.drop_column("organisation", "is_demo")
    for name, _kind in reversed(NEW_OF_USER):
        op.drop_column("user", name)
