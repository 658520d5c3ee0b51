"""Whether what is counted is what is there: every lead against its fact, every count against the facts."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.reports.counting import live_facts, zone_of
from app.reports.cuts import COLUMNS, Counts, add_fact
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.steps import MEASURES


def differences(session: Session) -> Iterator[str]:
    """A line for each lead that is counted otherwise than it is, though it is not noted as changed, and for each wrong count."""
    noted = set(session.scalars(select(ReportChange.lead_id)))
    counts: Counts = {}
    facts: dict[int, tuple[Any, ...]] = {}
    columns = [getattr(ReportFact, name) for name in COLUMNS]
    for row in session.execute(select(ReportFact.lead_id, *columns)):
        facts[row[0]] = tuple(row[1:])
        add_fact(counts, dict(zip(COLUMNS, row[1:], strict=True)), 1)
    for row in session.execute(live_facts(zone_of(session))):
        counted = facts.pop(row[0], None)
        if counted != tuple(row[1:]) and row[0] not in noted:
            yield f"lead {row[0]} is {tuple(row[1:])}, counted as {counted}"
    yield from (f"lead {key} is gone, counted as {fact}" for key, fact in facts.items() if key not in noted)
    kept = [ReportCount.cut, ReportCount.month, ReportCount.a, ReportCount.b]
    measures = [getattr(ReportCount, name) for name in MEASURES]
    rows: Any = session.execute(select(*kept, *measures))
    stored: Counts = {(row[0], row[1], row[2], row[3]): list(row[4:]) for row in rows}
    for key in sorted({*counts, *stored}):
        if counts.get(key) != stored.get(key):
            yield f"count {key} is {counts.get(key)}, stored as {stored.get(key)}"


def waiting(session: Session) -> int:
    """How many changes are noted and not worked off."""
    return len(session.scalars(select(ReportChange.id)).all())
