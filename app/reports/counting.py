"""Keeping the counts right: leads that were noted as changed are taken out as they were counted and put in as they are.

The counts are at every commit those of the facts.  A change that is noted while this runs stays noted; whoever reads
meanwhile sees either all of a step or nothing of it (`reading`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.identity.models import Organisation
from app.kernel.actor import Actor
from app.kernel.bulk import insert_rows
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.reports.cuts import COLUMNS, CUTS, EVER, QUEUE, Counts, Cut, add_fact, fact_columns
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.steps import KEYS, MEASURES
from app.sharing.scope import scope

# Every lead is counted, whoever may see it; who reads the counts is `reading`'s matter.
COUNTING = Actor.system("report counts")
# Some tenths of a second over a million leads, for on SQLite whoever saves waits for it.
AT_ONCE = 300
KEY = ("cut", "month", "a", "b")
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
    rows: list[dict[str, Any]] = [
        {"cut": cut, "month": month, "a": a, "b": b, **dict(zip(MEASURES, found, strict=True))}
        for (cut, month, a, b), found in sorted(counts.items())
        if any(found)
    ]
    if not rows:
        return
    dialect: Any = sqlite if is_sqlite(session) else postgresql
    statement = dialect.insert(ReportCount)
    more = {name: getattr(ReportCount, name) + statement.excluded[name] for name in MEASURES}
    session.execute(statement.on_conflict_do_update(index_elements=KEY, set_=more), rows)
    fewer = [{f"{name}_": row[name] for name in KEY} for row in rows if row["captured"] < 0]
    if fewer:  # by their keys: looking for what is empty would read every count
        is_it = [getattr(ReportCount, name) == bindparam(f"{name}_") for name in KEY]
        session.connection().execute(
            delete(ReportCount.__table__).where(*is_it, ReportCount.captured == 0),  # type: ignore[arg-type]
            fewer,
        )


def rebuild(session: Session) -> int:
    """Count every lead from nothing, within the database; of how many leads.  Does not commit."""
    if is_sqlite(session):
        pass  # a writing transaction is alone already
    else:
        # Whoever changes a lead meanwhile waits to note it, and is counted by the next step.
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        session.execute(text("LOCK TABLE report_change IN SHARE ROW EXCLUSIVE MODE"))
    for model in (ReportCount, ReportFact, ReportChange):
        session.execute(delete(model))
    # As indexes have them, so that each grows at few places: in another order this takes nearly twice as long.
    facts = live_facts(zone_of(session)).order_by(Lead.partner_account_id, Lead.owner_user_id)
    session.execute(insert(ReportFact).from_select(["lead_id", *COLUMNS], facts))
    for cut in CUTS.values():
        for is_ever in (False, True):
            session.execute(insert(ReportCount).from_select([*KEY, *MEASURES], counts_of(cut, is_ever)))
    return session.scalar(select(func.count()).select_from(ReportFact)) or 0


def counts_of(cut: Cut, is_ever: bool) -> Select[*tuple[Any, ...]]:
    """Select of (cut, month, a, b, measures) of every fact.  is_ever: of all months together, else of each."""
    month = literal_column(str(EVER)) if is_ever else ReportFact.month
    a, b = (_together(names) for names in (cut.a, cut.b))
    stage = ReportFact.stage
    reached = [func.sum(case((stage >= place, 1), else_=0)) for place in range(len(KEYS))]
    name = literal(cut.name)
    found = select(
        name.concat(_column(cut.beside)) if cut.beside else name,
        month,
        a,
        b,
        *reached,
        func.sum(ReportFact.handed_over),
        func.sum(ReportFact.unqualified),
    )
    if cut.needs:
        found = found.where(_column(cut.needs) != "")
    beside = [_column(cut.beside)] if cut.beside else []
    apart = [*beside, *([] if is_ever else [month]), *([a] if cut.a else []), *([b] if cut.b else [])]
    # All as one are there only where there is one.
    return found.group_by(*apart) if apart else found.having(func.count() > 0)


# Written out, for a parameter would be another one where it is grouped by.
_IS_HELD = f"CASE WHEN substr(owner, 1, 1) = '{QUEUE}'"
_OF_OWNER = {"owner": f"{_IS_HELD} THEN '' ELSE owner END", "held": f"{_IS_HELD} THEN owner ELSE '' END"}


def _column(name: str) -> Any:
    return literal_column(_OF_OWNER[name]) if name in _OF_OWNER else getattr(ReportFact, name)


def _together(names: str) -> ColumnElement[str]:
    """SQL of what `cuts` tells apart by."""
    if not names:
        return literal_column("''")
    first, *more = (_column(name) for name in names.split("+"))
    for column in more:
        first = first.concat(literal_column("'/'")).concat(column)
    return first  # type: ignore[no-any-return]
