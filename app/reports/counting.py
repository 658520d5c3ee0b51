"""Keeping the counts right: leads that were noted as changed are taken out as they were counted and put in as they are.

The counts are at every commit those of the facts.  A change that is noted while this runs stays noted; whoever reads
meanwhile sees either all of a step or nothing of it (`reading`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.kernel.actor import Actor
from app.kernel.bulk import insert_rows
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.reports.cuts import COLUMNS, Counts, add_fact, fact_columns
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.steps import MEASURES
from app.sharing.scope import scope

# Every lead is counted, whoever may see it; who reads the counts is `reading`'s matter.
COUNTING = Actor.system("report counts")
AT_ONCE = 1000
_REBUILT_AT_ONCE = 10_000
_LOCK = 7_203_033


def zone_of(session: Session) -> str:
    """The zone in which days and months of reports begin."""
    return session.scalar(select(Organisation.time_zone)) or "UTC"


def count_changes(session: Session, *, limit: int = AT_ONCE) -> int:
    """Count leads anew that changed; how many changes were worked off.  Does not commit."""
    if not is_sqlite(session):  # there a writing transaction is alone already
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    noted = session.execute(
        select(ReportChange.id, ReportChange.lead_id).order_by(ReportChange.id).limit(limit)
    ).all()
    if not noted:
        return 0
    ids = sorted({row.lead_id for row in noted})
    before, after = _facts(session, ids), _live(session, ids)
    counts: Counts = {}
    changed = [key for key in ids if before.get(key) != after.get(key)]
    for key in changed:
        for found, times in ((before.get(key), -1), (after.get(key), 1)):
            if found is not None:
                add_fact(counts, found, times)
    _add(session, counts)
    gone = [key for key in changed if key in before]
    if gone:
        session.execute(delete(ReportFact).where(ReportFact.lead_id.in_(gone)))
    insert_rows(session, ReportFact, [{"lead_id": key, **after[key]} for key in changed if key in after])
    session.execute(delete(ReportChange).where(ReportChange.id.in_([row.id for row in noted])))
    return len(noted)


def _facts(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    columns = [getattr(ReportFact, name) for name in COLUMNS]
    rows = session.execute(select(ReportFact.lead_id, *columns).where(ReportFact.lead_id.in_(ids)))
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}


def _live(session: Session, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    rows = session.execute(live_facts(zone_of(session)).where(Lead.id.in_(ids)))
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows}


def live_facts(zone: str) -> Any:
    """Select of (key, columns of the fact) of every lead as it is now."""
    columns = fact_columns(COUNTING, zone)
    return select(Lead.id, *(columns[name].label(name) for name in COLUMNS)).where(
        scope(Lead, COUNTING), Lead.deleted_at.is_(None)
    )


def _add(session: Session, counts: Counts) -> None:
    """Add to what is counted; rows in which nothing is counted any more go."""
    rows = [
        {"cut": cut, "month": month, "a": a, "b": b, **dict(zip(MEASURES, found, strict=True))}
        for (cut, month, a, b), found in sorted(counts.items())
        if any(found)
    ]
    if not rows:
        return
    dialect: Any = sqlite if is_sqlite(session) else postgresql
    statement = dialect.insert(ReportCount)
    key = [ReportCount.cut, ReportCount.month, ReportCount.a, ReportCount.b]
    more = {name: getattr(ReportCount, name) + statement.excluded[name] for name in MEASURES}
    session.execute(statement.on_conflict_do_update(index_elements=key, set_=more), rows)
    session.execute(delete(ReportCount).where(ReportCount.captured == 0))


def rebuild(session: Session) -> int:
    """Count every lead from nothing; of how many leads.  Does not commit."""
    if is_sqlite(session):
        pass  # a writing transaction is alone already
    else:
        # Whoever changes a lead meanwhile waits to note it, and is counted by the next step.
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        session.execute(text("LOCK TABLE report_change IN SHARE ROW EXCLUSIVE MODE"))
    for model in (ReportCount, ReportFact, ReportChange):
        session.execute(delete(model))
    zone, counts, last, total = zone_of(session), Counts(), 0, 0
    while True:
        rows = session.execute(
            live_facts(zone).where(Lead.id > last).order_by(Lead.id).limit(_REBUILT_AT_ONCE)
        ).all()
        if not rows:
            break
        facts = [dict(zip(COLUMNS, row[1:], strict=True)) for row in rows]
        for fact in facts:
            add_fact(counts, fact, 1)
        insert_rows(
            session, ReportFact, [{"lead_id": row[0], **fact} for row, fact in zip(rows, facts, strict=True)]
        )
        last, total = rows[-1][0], total + len(rows)
    _add(session, counts)
    return total
