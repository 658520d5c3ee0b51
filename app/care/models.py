"""Records to be compared with all others, and the pairs that are probably one and the same."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.records import Named


class DuplicateCheck(Base):
    """An account or contact that was written and that the worker has not compared yet; it takes the row away.

    is_old: it was there before pairs were looked for, so that nobody is told of what is found.
    """

    __tablename__ = "duplicate_check"

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(10))
    record_id: Mapped[int] = mapped_column(BigInteger)
    is_old: Mapped[bool] = mapped_column(default=False)


class PairState(StrEnum):
    OPEN = "open"
    DISMISSED = "dismissed"
    MERGED = "merged"
    GONE = "gone"  # they are no longer alike, or one was deleted


class DuplicatePair(Named, Base):
    """Two accounts, or two contacts, that are probably the same.  kind: the table; one_id < other_id.

    reasons: codes, see `accounts.errors.REASONS`.  weight: how much they have in common, for sorting.
    Shown to people only as far as they may see both.
    """

    __tablename__ = "duplicate_pair"
    __table_args__ = (
        CheckConstraint("one_id < other_id", name="order"),
        Index("uq_duplicate_pair", "kind", "one_id", "other_id", unique=True),
        Index("ix_duplicate_pair_other", "kind", "other_id"),
        Index("ix_duplicate_pair_found", "kind", "state", "found_at", "id"),
        Index("ix_duplicate_pair_weight", "kind", "state", "weight", "id"),
    )

    kind: Mapped[str] = mapped_column(String(10))
    one_id: Mapped[int] = mapped_column(BigInteger)
    other_id: Mapped[int] = mapped_column(BigInteger)
    reasons: Mapped[list[Any]]
    weight: Mapped[int] = mapped_column(default=1)
    state: Mapped[PairState] = mapped_column(default=PairState.OPEN)
    found_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class Erasure(Base):
    """That one person's data was erased, by whom and why.  Append-only, and nothing in it says who the person was.

    records: public names of what was theirs.  counts: kind → how many were changed.
    """

    __tablename__ = "erasure"

    id: Mapped[Key]
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    reason: Mapped[str]
    records: Mapped[list[Any]]
    counts: Mapped[dict[str, Any]]


class ErasureGate(Base):
    """Stands within the transaction of an erasure alone: while it does, the guard of events lets marked texts pass.

    closed_id: of a row that is never there, asked at the commit; a gate that was left open lets nothing be committed.
    """

    __tablename__ = "erasure_gate"
    __table_args__ = (CheckConstraint("closed_id < 0", name="never"),)

    erasure_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("erasure.id"), primary_key=True, autoincrement=False
    )
    closed_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("erasure.id", deferrable=True, initially="DEFERRED")
    )
