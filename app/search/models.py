"""What is searched by: the words of records, and how their words may be misspelt."""

from sqlalchemy import BigInteger, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base

LONGEST = 64
# Compared byte by byte, so that a prefix is a range of the index whatever the database's language.
Bytewise = String(LONGEST).with_variant(String(LONGEST, collation="C"), "postgresql")


class SearchEntry(Base):
    """A way in which a record begins: a name from each of its words on, an address, a number.

    Kept right by `upkeep` on every write.  It tells nothing of who may see the record: every question
    joins the record under its scope.  kind: see `words.KINDS`.
    """

    __tablename__ = "search_entry"
    __table_args__ = (
        Index("ix_search_entry_record", "kind", "record_id", "text"),
        {"sqlite_with_rowid": False},
    )

    kind: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Bytewise, primary_key=True)
    record_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class Spelling(Base):
    """A word that records hold, under itself and under itself less one letter, whichever.

    Two words that differ by one letter left out, put in, changed or swapped have a variant in common.
    """

    __tablename__ = "spelling"
    __table_args__ = ({"sqlite_with_rowid": False},)

    variant: Mapped[str] = mapped_column(Bytewise, primary_key=True)
    word: Mapped[str] = mapped_column(Bytewise, primary_key=True)
