"""Documents: what people attached to a record or keep in the library, their versions, and the stored contents."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import deleted_index, live_index, partial_index
from app.kernel.records import Named, Stamped


class ScanState(StrEnum):
    """Whether a content may be downloaded: not before a scanner, where there is one, has let it pass."""

    WAITING = "waiting"
    CLEAN = "clean"
    REFUSED = "refused"


class DocumentBlob(Base):
    """A stored content, once whatever number of documents holds it; its place follows from its digest.

    unused_since: since when no version holds it, None while one does; the worker removes it some time after.
    """

    __tablename__ = "document_blob"
    __table_args__ = (Index("ix_document_blob_unused", "unused_since"),)

    id: Mapped[Key]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    stored_at: Mapped[datetime]
    unused_since: Mapped[datetime | None]


_ONE = " + ".join(
    f"CASE WHEN {kind}_id IS NULL THEN 0 ELSE 1 END"
    for kind in ("lead", "account", "contact", "case", "opportunity")
)
_LIBRARY = (
    "deleted_at IS NULL AND lead_id IS NULL AND account_id IS NULL AND contact_id IS NULL AND case_id IS NULL"
    " AND opportunity_id IS NULL"
)


class Document(Named, Stamped, Base):
    """A file with its details, on one record at most; without one it belongs to the library.

    name: as it is shown and downloaded.  company_id: the partner account of whoever attached it; another
    company never sees it.  is_internal: partners never see it.  number: of its present version, of which
    file_type and size_bytes are copies, so that lists filter and sort by them.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint(f"({_ONE}) <= 1", name="one_record"),
        live_index("ix_document_created", "created_at", "id"),
        live_index("ix_document_updated", "updated_at", "id"),
        live_index("ix_document_name", "name_fold", "id"),
        live_index("ix_document_size", "size_bytes", "id"),
        live_index("ix_document_author", "created_by_id", "created_at", "id"),
        live_index("ix_document_company", "company_id", "created_at", "id"),
        partial_index("ix_document_library", "created_at", "id", where=_LIBRARY),
        Index("ix_document_lead", "lead_id", "created_at", "id"),
        Index("ix_document_account", "account_id", "created_at", "id"),
        Index("ix_document_contact", "contact_id", "created_at", "id"),
        Index("ix_document_case", "case_id", "created_at", "id"),
        Index("ix_document_opportunity", "opportunity_id", "created_at", "id"),
        deleted_index("ix_document_deleted"),
    )

    name: Mapped[str] = mapped_column(String(200))
    name_fold: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None]
    is_internal: Mapped[bool] = mapped_column(default=False)
    lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("case.id"))
    opportunity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("opportunity.id"))
    company_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    number: Mapped[int] = mapped_column(default=1)
    file_type: Mapped[str] = mapped_column(String(12))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    deleted_at: Mapped[datetime | None]


class DocumentVersion(Base):
    """One content of a document.  number: from 1.  restored_from: the number of the version it repeats.

    is_internal: it became a former version, or was the present one, while partners saw none of the document; they
    do not see it afterwards either.  state: a scanner looks at each version, whether or not the same content is
    there already, which nobody is to learn from it.  scan_at: when a waiting one is to be scanned next.
    scanned_at: None where no scanner has looked at it.  note: what the scanner said.
    """

    __tablename__ = "document_version"
    __table_args__ = (
        UniqueConstraint("document_id", "number"),
        Index("ix_document_version_blob", "blob_id"),
        partial_index("ix_document_version_scan", "scan_at", where="state = 'waiting'"),
    )

    id: Mapped[Key]
    document_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("document.id"))
    number: Mapped[int]
    blob_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("document_blob.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    file_type: Mapped[str] = mapped_column(String(12))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    restored_from: Mapped[int | None]
    is_internal: Mapped[bool] = mapped_column(default=False)
    state: Mapped[ScanState] = mapped_column(default=ScanState.CLEAN)
    scan_at: Mapped[datetime | None]
    scanned_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class DocumentWord(Base):
    """A word of a document's name or description, by which it is found.

    holder_id: the partner that holds the lead or opportunity which the document is on, see `documents.holding`.
    """

    __tablename__ = "document_word"
    __table_args__ = (
        Index("ix_document_word_word", "word", "document_id", postgresql_ops={"word": "text_pattern_ops"}),
        Index(
            "ix_document_word_holder",
            "holder_id",
            "word",
            "document_id",
            postgresql_ops={"word": "text_pattern_ops"},
            postgresql_where=text("holder_id IS NOT NULL"),
            sqlite_where=text("holder_id IS NOT NULL"),
        ),
    )

    document_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("document.id"), primary_key=True, autoincrement=False
    )
    word: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
