"""Imports: a file, its mapping, how far it got, and the rows that were refused or warned about."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.records import Named


class ImportState(StrEnum):
    DRAFT = "draft"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Import(Named, Base):
    """One file being taken in.  `done` and the leads of a batch are committed together, so that an
    interrupted import goes on after the last whole batch and doubles nothing.

    digest: SHA-256 of the file, to recognise one that was fully imported before.
    mapping: header → field name, or None for kept-only columns.
    """

    __tablename__ = "import"
    __table_args__ = (
        Index("ix_import_state", "state", "id"),
        Index("ix_import_digest", "digest", "object"),
        Index("ix_import_created_by", "created_by_id", "id"),
    )

    object: Mapped[str] = mapped_column(String(20), default="lead")
    filename: Mapped[str] = mapped_column(String(255))
    path: Mapped[str] = mapped_column(String(1000))
    digest: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[ImportState] = mapped_column(default=ImportState.DRAFT)
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    rows: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    detail: Mapped[str | None]
    lease: Mapped[str | None] = mapped_column(String(40))
    leased_until: Mapped[datetime | None]


class ImportIssue(Base):
    """A row that was refused, or taken with a warning: its line in the file and why.

    kind: "refused", "warning", or "later": what `record_later` still has to look up.
    """

    __tablename__ = "import_issue"
    __table_args__ = (Index("ix_import_issue_import", "import_id", "kind", "id"),)

    id: Mapped[Key]
    import_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("import.id"))
    kind: Mapped[str] = mapped_column(String(10))
    line: Mapped[int]
    reason: Mapped[str]
    cells: Mapped[dict[str, Any]] = mapped_column(default=dict)


class RememberedColumns(Base):
    """What somebody chose for a set of columns, offered when a file has the same ones again.

    headers: SHA-256 of the columns' names, in any order.  chosen: `mapping` and the other choices of the page.
    """

    __tablename__ = "import_columns"
    __table_args__ = (Index("uq_import_columns", "user_id", "object", "headers", unique=True),)

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    object: Mapped[str] = mapped_column(String(20))
    headers: Mapped[str] = mapped_column(String(64))
    chosen: Mapped[dict[str, Any]] = mapped_column(default=dict)
    chosen_at: Mapped[datetime]
