"""Documents, their versions, tags and stored contents."""

import sqlalchemy as sa
from alembic import op

revision = "0015_documents"
down_revision = "0014_account_relations"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
LIVE, DELETED = sa.text("deleted_at IS NULL"), sa.text("deleted_at IS NOT NULL")
KINDS = ("lead", "account", "contact", "case")
ONE = " + ".join(f"CASE WHEN {kind}_id IS NULL THEN 0 ELSE 1 END" for kind in KINDS)
LIBRARY = sa.text(
    "deleted_at IS NULL AND lead_id IS NULL AND account_id IS NULL AND contact_id IS NULL AND case_id IS NULL"
)
LIVE_INDEXES = {
    "ix_document_created": ["created_at", "id"],
    "ix_document_updated": ["updated_at", "id"],
    "ix_document_name": ["name_fold", "id"],
    "ix_document_size": ["size_bytes", "id"],
    "ix_document_author": ["created_by_id", "created_at", "id"],
    "ix_document_company": ["company_id", "created_at", "id"],
}


def upgrade() -> None:
    op.create_table(
        "document_blob",
        sa.Column("id", KEY, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("stored_at", MOMENT, nullable=False),
        sa.Column("unused_since", MOMENT, nullable=True),
        sa.Column("scan_at", MOMENT, nullable=True),
        sa.Column("scanned_at", MOMENT, nullable=True),
        sa.Column("note", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_blob")),
        sa.UniqueConstraint("digest", name=op.f("uq_document_blob_digest")),
    )
    op.create_index("ix_document_blob_unused", "document_blob", ["unused_since"])
    op.create_index("ix_document_blob_scan", "document_blob", ["state", "scan_at"])
    _create_document()
    _create_parts()


def _create_document() -> None:
    op.create_table(
        "document",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_fold", sa.String(length=200), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        *(sa.Column(f"{kind}_id", sa.BigInteger(), nullable=True) for kind in KINDS),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_type", sa.String(length=12), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("id", KEY, nullable=False),
        sa.Column("ref", sa.String(length=40), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(f"({ONE}) <= 1", name=op.f("ck_document_one_record")),
        *(
            sa.ForeignKeyConstraint([f"{kind}_id"], [f"{kind}.id"], name=op.f(f"fk_document_{kind}_id"))
            for kind in KINDS
        ),
        sa.ForeignKeyConstraint(["company_id"], ["account.id"], name=op.f("fk_document_company_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_document_created_by_id")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_document_updated_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("ref", name=op.f("uq_document_ref")),
    )
    for name, columns in LIVE_INDEXES.items():
        op.create_index(name, "document", columns, postgresql_where=LIVE, sqlite_where=LIVE)
    op.create_index(
        "ix_document_library",
        "document",
        ["created_at", "id"],
        postgresql_where=LIBRARY,
        sqlite_where=LIBRARY,
    )
    for kind in KINDS:
        op.create_index(f"ix_document_{kind}", "document", [f"{kind}_id", "created_at", "id"])
    op.create_index(
        "ix_document_deleted", "document", ["deleted_at"], postgresql_where=DELETED, sqlite_where=DELETED
    )


def _create_parts() -> None:
    op.create_table(
        "document_version",
        sa.Column("id", KEY, nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_type", sa.String(length=12), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("restored_from", sa.Integer(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["blob_id"], ["document_blob.id"], name=op.f("fk_document_version_blob_id")),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["user.id"], name=op.f("fk_document_version_created_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_version_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_version")),
        sa.UniqueConstraint("document_id", "number", name=op.f("uq_document_version_document_id_number")),
    )
    op.create_index("ix_document_version_blob", "document_version", ["blob_id"])
    op.create_table(
        "document_tag",
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_fold", sa.String(length=40), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_tag_document_id")),
        sa.PrimaryKeyConstraint("document_id", "tag_fold", name=op.f("pk_document_tag")),
    )
    op.create_index("ix_document_tag_fold", "document_tag", ["tag_fold", "document_id"])
    op.create_table(
        "document_word",
        sa.Column("document_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("word", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_word_document_id")),
        sa.PrimaryKeyConstraint("document_id", "word", name=op.f("pk_document_word")),
    )
    op.create_index(
        "ix_document_word_word",
        "document_word",
        ["word", "document_id"],
        postgresql_ops={"word": "text_pattern_ops"},
    )


def downgrade() -> None:
    for table in ("document_word", "document_tag", "document_version", "document", "document_blob"):
        op.drop_table(table)
