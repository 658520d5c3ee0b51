"""Whether what is counted is what is there: every lead against its fact, every count against the facts."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, except_, func, literal, select
from sqlalchemy.orm import Session

from app.leads.models import Lead
from app.reports.counting import KEY, counts_of, live_facts, zone_of
from app.reports.cuts import COLUMNS, CUTS, EVER, Cut
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.steps import MEASURES

_AT_ONCE = 10_000


def differences(session: Session) -> Iterator[str]:
    """A line for each lead that is counted otherwise than it is, though it is not noted as changed, and for each wrong count.

    Some thousand leads are in memory at a time; counts are compared within the database.
    """
    yield from _of_leads(session)
    for cut in CUTS.values():
        for is_ever in (False, True):
            yield from _of_counts(session, cut, is_ever)


def _of_leads(session: Session) -> Iterator[str]:
    columns = [getattr(ReportFact, name) for name in COLUMNS]
    last = 0
    while True:
        live = _by_key(session, live_facts(zone_of(session)), Lead.id, last, None)
        # Facts of leads that are gone lie between those that are there, or beyond the last of them.
        end = max(live) if len(live) == _AT_ONCE else None
        facts = _by_key(session, select(ReportFact.lead_id, *columns), ReportFact.lead_id, last, end)
        unlike = [key for key in sorted({*live, *facts}) if live.get(key) != facts.get(key)]
        if unlike:
            noted = set(
                session.scalars(
                    select(ReportChange.lead_id).where(ReportChange.lead_id.between(unlike[0], unlike[-1]))
                )
            )
            for key in unlike:
                if key not in noted:
                    yield f"lead {key} is {live.get(key)}, counted as {facts.get(key)}"
        if end is None:
            return
        last = end


def _by_key(
    session: Session, statement: Select[Any], key: Any, last: int, end: int | None
) -> dict[int, tuple[Any, ...]]:
    """Rows after `last`: up to `end`, or else so many."""
    rows = statement.where(key > last).order_by(key)
    rows = rows.where(key <= end) if end is not None else rows
    rows = rows.limit(_AT_ONCE) if key is Lead.id else rows
    return {row[0]: tuple(row[1:]) for row in session.execute(rows)}


def _of_counts(session: Session, cut: Cut, is_ever: bool) -> Iterator[str]:
    name = ReportCount.cut
    is_it = name.startswith(cut.name, autoescape=True) if cut.beside else name == cut.name
    stored = select(*(getattr(ReportCount, name) for name in (*KEY, *MEASURES))).where(
        is_it, ReportCount.month == EVER if is_ever else ReportCount.month > EVER
    )
    counted = counts_of(cut, is_ever)
    for says, rows in (("is", except_(counted, stored)), ("is stored as", except_(stored, counted))):
        for row in session.execute(rows):
            yield f"count {tuple(row[:4])} {says} {tuple(row[4:])}"


def waiting(session: Session) -> int:
    """How many changes are noted and not worked off."""
    return session.scalar(select(func.count(literal(1))).select_from(ReportChange)) or 0
