"""Documents carry the tags that other records carry; each version is scanned, and shown, for itself.

An external id is refused where it is known to who gives it, and no longer by the table itself.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0023_document_tags"
down_revision = "0022_bulk_undo"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WAITING = sa.text("state = 'waiting'")
_NAMED = ("account", "contact", "case")
_SCANNED = ("state", "scan_at", "scanned_at", "note")


def upgrade() -> None:
    _scan_versions()
    _move_tags()
    for table in _NAMED:
        op.drop_index(f"uq_{table}_external_id", table_name=table)
        op.create_index(f"ix_{table}_external_id", table, ["external_id"])


def _scan_versions() -> None:
    false = sa.false()
    op.add_column(
        "document_version", sa.Column("is_internal", sa.Boolean(), nullable=False, server_default=false)
    )
    op.add_column(
        "document_version", sa.Column("state", sa.String(length=30), nullable=False, server_default="clean")
    )
    op.add_column("document_version", sa.Column("scan_at", MOMENT, nullable=True))
    op.add_column("document_version", sa.Column("scanned_at", MOMENT, nullable=True))
    op.add_column("document_version", sa.Column("note", sa.String(length=255), nullable=True))
    told = ", ".join(
        f"{name} = (SELECT b.{name} FROM document_blob b WHERE b.id = document_version.blob_id)"  # noqa: S608
        for name in _SCANNED
    )
    op.execute(f"UPDATE document_version SET {told}")  # noqa: S608 - names of columns alone
    # Of what was made for partners before nobody knows any more which versions they were not shown.
    op.execute(
        "UPDATE document_version SET is_internal ="
        " (SELECT d.is_internal FROM document d WHERE d.id = document_version.document_id)"
    )
    op.create_index(
        "ix_document_version_scan",
        "document_version",
        ["scan_at"],
        postgresql_where=_WAITING,
        sqlite_where=_WAITING,
    )
    op.drop_index("ix_document_blob_scan", table_name="document_blob")
    for name in _SCANNED:
        op.drop_column("document_blob", name)


def _move_tags() -> None:
    connection = op.get_bind()
    used = connection.execute(
        sa.text(
            "SELECT t.tag_fold, MIN(t.tag), MIN(d.created_at) FROM document_tag t"
            " JOIN document d ON d.id = t.document_id"
            " WHERE t.tag_fold NOT IN (SELECT name_fold FROM tag) GROUP BY t.tag_fold ORDER BY t.tag_fold"
        )
    ).all()
    insert = sa.text("INSERT INTO tag (ref, name, name_fold, created_at) VALUES (:ref, :name, :fold, :at)")
    for folded, name, at in used:
        ref = "tag_" + "".join(secrets.choice(_LETTERS) for _ in range(22))
        connection.execute(insert, {"ref": ref, "name": name, "fold": folded, "at": at})
    op.execute(
        "INSERT INTO record_tag (kind, record_id, tag_id, created_at)"
        " SELECT 'document', t.document_id, g.id, d.created_at FROM document_tag t"
        " JOIN tag g ON g.name_fold = t.tag_fold JOIN document d ON d.id = t.document_id"
    )
    op.drop_table("document_tag")


def downgrade() -> None:
    for table in _NAMED:
        op.execute(
            f'UPDATE "{table}" SET external_id = NULL WHERE EXISTS (SELECT 1 FROM "{table}" AS o'  # noqa: S608
            f' WHERE o.external_id = "{table}".external_id AND o.id < "{table}".id)'
        )
        op.drop_index(f"ix_{table}_external_id", table_name=table)
        op.create_index(f"uq_{table}_external_id", table, ["external_id"], unique=True)
    _restore_tags()
    _scan_contents()


def _restore_tags() -> None:
    op.create_table(
        "document_tag",
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("tag_fold", sa.String(length=40), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_tag_document_id")),
        sa.PrimaryKeyConstraint("document_id", "tag_fold", name=op.f("pk_document_tag")),
    )
    op.create_index("ix_document_tag_fold", "document_tag", ["tag_fold", "document_id"])
    op.execute(
        "INSERT INTO document_tag (document_id, tag_fold, tag)"
        " SELECT r.record_id, SUBSTR(g.name_fold, 1, 40), MIN(SUBSTR(g.name, 1, 40)) FROM record_tag r"
        " JOIN tag g ON g.id = r.tag_id WHERE r.kind = 'document' GROUP BY r.record_id, SUBSTR(g.name_fold, 1, 40)"
    )
    op.execute("DELETE FROM record_tag WHERE kind = 'document'")


def _scan_contents() -> None:
    op.add_column(
        "document_blob", sa.Column("state", sa.String(length=30), nullable=False, server_default="clean")
    )
    op.add_column("document_blob", sa.Column("scan_at", MOMENT, nullable=True))
    op.add_column("document_blob", sa.Column("scanned_at", MOMENT, nullable=True))
    op.add_column("document_blob", sa.Column("note", sa.String(length=255), nullable=True))
    # What one version waits for or was refused for holds for its content again.
    for state in ("waiting", "refused"):
        op.execute(
            f"UPDATE document_blob SET state = '{state}' WHERE id IN"  # noqa: S608
            f" (SELECT blob_id FROM document_version WHERE state = '{state}')"
        )
    op.create_index("ix_document_blob_scan", "document_blob", ["state", "scan_at"])
    op.drop_index("ix_document_version_scan", table_name="document_version")
    for name in ("is_internal", *_SCANNED):
        op.drop_column("document_version", name)
