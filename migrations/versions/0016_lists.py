"""Saved views, what people choose for their lists, tags, recently viewed records, exports and changes of many."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016_lists"
down_revision = "0015_documents"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=False),
        sa.Column("audience", sa.String(length=30), nullable=False),
        sa.Column("principal_id", sa.BigInteger(), nullable=True),
        sa.Column("query", JSON, nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(audience = 'group') = (principal_id IS NOT NULL)", name=op.f("ck_saved_view_group")
        ),
        sa.ForeignKeyConstraint(["owner_user_id"], ["user.id"], name=op.f("fk_saved_view_owner_user_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_saved_view_principal_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_saved_view_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_saved_view_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("ref", name=op.f("uq_saved_view_ref")),
    )
    op.create_index("ix_saved_view_owner", "saved_view", ["owner_user_id", "object"])
    op.create_index("ix_saved_view_audience", "saved_view", ["object", "audience"])
    op.create_table(
        "list_choice",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("columns", JSON, nullable=False),
        sa.Column("start_view", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_list_choice_user_id")),
        sa.PrimaryKeyConstraint("user_id", "object", name=op.f("pk_list_choice")),
    )
    op.create_table(
        "tag",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_fold", sa.String(length=60), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_tag_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("ref", name=op.f("uq_tag_ref")),
        sa.UniqueConstraint("name_fold", name=op.f("uq_tag_name_fold")),
    )
    op.create_table(
        "record_tag",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_record_tag_tag_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_record_tag_created_by_id")),
        sa.PrimaryKeyConstraint("kind", "record_id", "tag_id", name=op.f("pk_record_tag")),
    )
    op.create_index("ix_record_tag_tag", "record_tag", ["tag_id", "kind", "record_id"])
    op.create_table(
        "recent_record",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_id", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_recent_record_user_id")),
        sa.PrimaryKeyConstraint("user_id", "kind", "record_id", name=op.f("pk_recent_record")),
    )
    op.create_index("ix_recent_record_at", "recent_record", ["user_id", "kind", "at"])
    op.create_table(
        "list_job",
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("object", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("query", JSON, nullable=False),
        sa.Column("task", JSON, nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("reached", JSON, nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("lease", sa.String(length=40), nullable=True),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_list_job_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_job")),
        sa.UniqueConstraint("ref", name=op.f("uq_list_job_ref")),
    )
    op.create_index("ix_list_job_state", "list_job", ["state", "id"])
    op.create_index("ix_list_job_user", "list_job", ["user_id", "id"])
    op.create_index("ix_list_job_expires", "list_job", ["expires_at"])
    op.create_table(
        "list_job_refusal",
        sa.Column("id", KEY, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("record_ref", sa.String(length=40), nullable=False),
        sa.Column("record_name", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["list_job.id"], name=op.f("fk_list_job_refusal_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list_job_refusal")),
    )
    op.create_index("ix_list_job_refusal_job", "list_job_refusal", ["job_id", "id"])


def downgrade() -> None:
    for table in (
        "list_job_refusal",
        "list_job",
        "recent_record",
        "record_tag",
        "tag",
        "list_choice",
        "saved_view",
    ):
        op.drop_table(table)
