"""What an administrator has answered so far before partners are let in; the default of documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010_letting_partners_in"
down_revision = "0009_mail_texts"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ORGANISATION = sa.table("organisation", sa.column("id", sa.Integer), sa.column("defaults", JSON))


def upgrade() -> None:
    op.create_table(
        "enabling_draft",
        sa.Column("user_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("seen", JSON, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_enabling_draft_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_enabling_draft")),
    )
    _change_defaults(lambda defaults: {**defaults, "document": {"internal": "read", "external": "private"}})


def downgrade() -> None:
    _change_defaults(
        lambda defaults: {thing: sides for thing, sides in defaults.items() if thing != "document"}
    )
    op.drop_table("enabling_draft")


def _change_defaults(change) -> None:  # type: ignore[no-untyped-def]
    connection = op.get_bind()
    for key, defaults in connection.execute(sa.select(ORGANISATION.c.id, ORGANISATION.c.defaults)).all():
        connection.execute(
            sa.update(ORGANISATION).where(ORGANISATION.c.id == key).values(defaults=change(dict(defaults)))
        )
