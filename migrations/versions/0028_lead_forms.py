"""Forms that capture leads, and what was posted to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028_lead_forms"
down_revision = "0027_qualification"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "lead_form",
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("heading", sa.String(120), nullable=True),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("hidden", JSON, nullable=False),
        sa.Column("thank_you_url", sa.String(500), nullable=True),
        sa.Column("thank_you_text", sa.Text(), nullable=True),
        sa.Column("frame_sites", JSON, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_lead_form_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_lead_form_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_form")),
        sa.UniqueConstraint("key", name=op.f("uq_lead_form_key")),
        sa.UniqueConstraint("ref", name=op.f("uq_lead_form_ref")),
    )
    op.create_table(
        "lead_form_post",
        sa.Column("form_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("state", sa.String(30), nullable=False),
        sa.Column("cause", sa.String(30), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("values", JSON, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["form_id"], ["lead_form.id"], name=op.f("fk_lead_form_post_form_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_form_post")),
        sa.UniqueConstraint("digest", name=op.f("uq_lead_form_post_digest")),
        sa.UniqueConstraint("ref", name=op.f("uq_lead_form_post_ref")),
    )
    op.create_index("ix_lead_form_post_at", "lead_form_post", ["at", "id"])
    op.create_index("ix_lead_form_post_state", "lead_form_post", ["state", "id"])
    op.create_index("ix_lead_form_post_form", "lead_form_post", ["form_id", "state", "id"])


def downgrade() -> None:
    op.drop_table("lead_form_post")
    op.drop_table("lead_form")
