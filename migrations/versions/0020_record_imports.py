"""Files of accounts and contacts together; what people chose for the columns of their files."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020_record_imports"
down_revision = "0019_live_grants"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("import") as table:
        table.alter_column(
            "object", type_=sa.String(length=20), existing_type=sa.String(length=10), existing_nullable=False
        )
    op.create_table(
        "import_columns",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("headers", sa.String(length=64), nullable=False),
        sa.Column("chosen", JSON, nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_import_columns_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_columns")),
    )
    op.create_index("uq_import_columns", "import_columns", ["user_id", "object", "headers"], unique=True)


def downgrade() -> None:
    op.drop_table("import_columns")
    op.execute("DELETE FROM import_issue WHERE kind = 'later'")
    with op.batch_alter_table("import") as table:
        table.alter_column(
            "object", type_=sa.String(length=10), existing_type=sa.String(length=20), existing_nullable=False
        )
