"""Mail in the organisation's own words, which text a mail took, the daily digest, what was told of a record."""

import sqlalchemy as sa
from alembic import op

revision = "0009_mail_texts"
down_revision = "0008_lead_fields"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
# Plain additions, for which SQLite need not copy a table and lose its checks.
NEW = (
    ("delivery", "template_id", "mail_template"),
    ("delivery", "text_id", "mail_text"),
    ("delivery", "digest_id", "delivery"),
    ("rule_entry", "template_id", "mail_template"),
)


def upgrade() -> None:
    op.create_table(
        "mail_template",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("key", sa.String(length=140), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_mail_template_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_mail_template_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_template_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_mail_template_ref")),
    )
    op.create_table(
        "mail_text",
        sa.Column("id", KEY, nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["template_id"], ["mail_template.id"], name=op.f("fk_mail_text_template_id")),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_mail_text_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_text")),
    )
    with op.batch_alter_table("mail_text") as batch_op:
        batch_op.create_index("uq_mail_text_number", ["template_id", "language", "number"], unique=True)
    for table, column, other in NEW:
        key = sa.ForeignKey(f"{other}.id", name=op.f(f"fk_{table}_{column}"))
        op.add_column(table, sa.Column(column, sa.BigInteger(), key, nullable=True), inline_references=True)
    op.create_index(
        "ix_delivery_digest",
        "delivery",
        ["digest_id"],
        postgresql_where=sa.text("digest_id IS NOT NULL"),
        sqlite_where=sa.text("digest_id IS NOT NULL"),
    )
    op.create_index("ix_notification_record", "notification", ["record_kind", "record_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_notification_record", "notification")
    op.drop_index("ix_delivery_digest", "delivery")
    for table, column, _other in reversed(NEW):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column(column)
    op.drop_table("mail_text")
    op.drop_table("mail_template")
