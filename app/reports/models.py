"""What reports read at any size: each lead as it was counted last, the counts, and the leads that changed since.

Triggers of the database note a lead in `report_change` in the transaction that changes it, whoever does: rows are
only ever added there, so that nobody waits.  `app.reports.counting` brings the counts up to date; whoever reads
counts those that are noted themselves, so that a report is never behind.
"""

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key


class ReportChange(Base):
    """A lead that is to be counted anew; once for each change of it."""

    __tablename__ = "report_change"
    __table_args__ = (Index("ix_report_change_lead_id", "lead_id"),)

    id: Mapped[Key]
    lead_id: Mapped[int] = mapped_column(BigInteger)  # which may be gone


# In which order indexes of facts have what is told apart, after what is filtered by: leads of one value stand together,
# so that hundreds of thousands are counted as they are read.  Each has by itself all that a count of them needs.
BY_WHO = ("partner", "owner", "queue", "waits_in")
BY_WHAT = ("campaign", "product", "band")
HOW_FAR = ("stage", "handed_over", "unqualified")
_TIMES = ("taken_class", "touched_class", "waiting_day")
_FILTERS = ("month", "source", "campaign", "country", "product")


# In which order leads of an owner stand.  Of most owners those of one partner, or queue, are all; see `owned`.
OF_OWNER = ("owner", "partner", "queue", "waits_in", "stage", "month", "source", "country", "product")


def _index(name: str, *columns: str) -> Index:
    return Index(f"ix_report_fact_{name}", *dict.fromkeys(columns))


class ReportFact(Base):
    """A lead as it was counted last; there is none of leads that are deleted.

    month: in which it arrived, where the organisation is, as 202611.  band: of its score, the lowest that is in it.
    stage: how far it came, by `steps.STEPS`.  taken_class, touched_class: see `classes`; "" where nothing was measured.
    owner: a person, or the queue that has it with a "q" before its key.  queue: that it waits in or was taken from.
    waits_in, waiting_day: of those that nobody has, since when as 20261122; "" of others.  Keys of other records stand
    as text, "" for none.
    """

    __tablename__ = "report_fact"
    # By itself enough for how the leads of partners are mixed, see `app.scorecards`.
    __table_args__ = (
        Index("ix_report_fact_mix", "partner", "month", "source", "country", "product", "stage"),
        *(
            _index(name, name, *BY_WHO, *HOW_FAR, *_TIMES, *_FILTERS, "band")
            for name in ("partner", "source", "campaign", "country", "product")
        ),
        _index("what", "partner", *BY_WHAT, *HOW_FAR, *_FILTERS),
        _index("owner", *OF_OWNER, "unqualified", "lead_id", *HOW_FAR, *_TIMES, "campaign", "band"),
    )

    lead_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    month: Mapped[int]
    partner: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(20))
    campaign: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    product: Mapped[str] = mapped_column(String(120))
    owner: Mapped[str] = mapped_column(String(20))
    queue: Mapped[str] = mapped_column(String(20))
    band: Mapped[str] = mapped_column(String(20))
    stage: Mapped[int]
    handed_over: Mapped[int]
    unqualified: Mapped[int]
    taken_class: Mapped[str] = mapped_column(String(20))
    touched_class: Mapped[str] = mapped_column(String(20))
    waits_in: Mapped[str] = mapped_column(String(20))
    waiting_day: Mapped[str] = mapped_column(String(20))


class ReportCount(Base):
    """How many leads of a month have these two values.  cut: which two things are told apart, see `cuts`.  month: 0 for all
    of them together.

    A lead counts in a step that it came to or beyond.
    """

    __tablename__ = "report_count"

    cut: Mapped[str] = mapped_column(String(20), primary_key=True)
    month: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    a: Mapped[str] = mapped_column(String(120), primary_key=True)
    b: Mapped[str] = mapped_column(String(40), primary_key=True)
    captured: Mapped[int]
    assigned: Mapped[int]
    taken: Mapped[int]
    touched: Mapped[int]
    qualified: Mapped[int]
    converted: Mapped[int]
    won: Mapped[int]
    handed_over: Mapped[int]
    unqualified: Mapped[int]
