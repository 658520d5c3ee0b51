"""The vendor's own words for objects and fields."""

import secrets

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032_words"
down_revision = "0031_search_leads"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column(
        "organisation", sa.Column("field_names", JSON, nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column(
        "organisation", sa.Column("words_key", sa.String(40), nullable=False, server_default=sa.text("''"))
    )
    # Objects could be renamed before; what is in `names` counts from here on by its key.
    key = sa.text("UPDATE organisation SET words_key = :key WHERE CAST(names AS TEXT) <> '{}'")
    op.execute(key.bindparams(key=secrets.token_hex(16)))


def downgrade() -> None:
    with op.batch_alter_table("organisation") as batch:
        batch.drop_column("words_key")
        batch.drop_column("field_names")
