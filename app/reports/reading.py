"""Counting for somebody: from the counts for those who see every lead, or from the facts where nothing is counted
beforehand of what they ask for; else lead by lead among those they see.

All give the same: how many leads there are of each pair of values, in each of `steps.MEASURES`.  From the counts
one statement reads what is counted, and what changed since as it was counted and as it is, so that it tells what is
true at one moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.lists.catalogue import Condition, objects
from app.lists.filter_text import write_filter
from app.lists.query import ListQuery, parse_list
from app.opportunities.models import Opportunity
from app.reports.asked import Asked, came_to
from app.reports.cuts import CUTS, Cut, cut_of, fact_columns, measures_of
from app.reports.models import ReportChange, ReportCount, ReportFact
from app.reports.picking import COLUMN_OF, count_months, fact_months, picks
from app.reports.steps import MEASURES
from app.sharing.merge import capped_count, seen_ids
from app.sharing.scope import branches, scope

# More leads than these nobody counts one by one; who sees all has them as they were counted last, which is faster.
MOST_LIVE, MOST_FACTS = 50_000, 2_000_000
Cells = dict[tuple[str, str], list[int]]


@dataclass(frozen=True, slots=True)
class TooMany:
    """There are more leads than are counted one by one; counted are none.  most: how many would be."""

    most: int = MOST_LIVE


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is told apart: columns of facts, "" for nothing.  needs: the column without which a lead is left out.

    Then how many there are is told alone.  days: where b is a day, (first day, key) of what is told apart instead, the latest first; "" for what is before.
    keys: values of a that are told alone; () for all.
    """

    a: str = ""
    b: str = ""
    needs: str = ""
    days: tuple[tuple[int, str], ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def measures(self) -> Sequence[str]:
        return MEASURES[:1] if self.needs else MEASURES

    def key_b(self, column: Any) -> ColumnElement[Any]:
        """SQL of the second key.  Written out, for a parameter would be another one where it is grouped by."""
        if not self.days:
            return column  # type: ignore[no-any-return]
        text = literal_column
        return case(
            *((column >= text(f"'{day}'"), text(f"'{key}'")) for day, key in self.days), else_=text("''")
        )


def sees_all(actor: Actor) -> bool:
    """Whether every lead, and every opportunity that may be made of one, is theirs to see: what is counted is theirs."""
    return actor.is_internal and all(
        any(rule.is_whole for rule in branches(model, actor, Level.READ)) for model in (Lead, Opportunity)
    )


def leads_asked(session: Session, actor: Actor, asked: Asked) -> ListQuery:
    """The list of the leads that are asked for.  Raises Invalid."""
    filter_ = write_filter({"all": [*asked.criteria, came_to("captured")]})
    return parse_list(session, actor, objects()["lead"], {"filter": [filter_]})


def count_cells(session: Session, actor: Actor, asked: Asked, wanted: Wanted) -> Cells | TooMany:
    """(a, b) → how many leads in each of the measures wanted; pairs without leads may be missing or zero.

    Raises Invalid for filters that are not known.
    """
    query = leads_asked(session, actor, asked)
    if sees_all(actor):
        found: Cells | TooMany | None = _counted(session, actor, asked, wanted, query)
        if found is None:
            found = _from_facts(session, actor, asked, wanted, query)
        if found is not None:
            return found
    return _live(session, actor, asked, wanted, query)


# From the counts


def _counted(session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery) -> Cells | None:
    """None where what is asked for is not counted beforehand."""
    place = _cut_for(asked, wanted)
    if place is None:
        return None
    cut, is_turned, beside = place
    a, b = (ReportCount.b, ReportCount.a) if is_turned else (ReportCount.a, ReportCount.b)
    # One value of what stands beside is picked, so that it need not be told apart.
    picked = b if wanted.a not in ("", "month", COLUMN_OF.get(beside)) else a
    picked_ones = [picks(session, actor, beside, asked.given[beside], picked)] if beside else []
    fact_picks = (
        [picks(session, actor, beside, asked.given[beside], getattr(ReportFact, COLUMN_OF[beside]))]
        if beside
        else []
    )
    key_a = cast(ReportCount.month, String) if wanted.a == "month" else (a if wanted.a else literal(""))
    key_b = wanted.key_b(b) if wanted.b else literal("")
    nothing = [literal(0) for _name in wanted.measures]
    counted = (
        select(literal(0), key_a, key_b, *[literal(0)] * 3, *(func.sum(getattr(ReportCount, m)) for m in wanted.measures))
        .where(
            ReportCount.cut == cut.name, *count_months(asked, apart=wanted.a == "month"), *picked_ones,
            *([a.in_(wanted.keys)] if wanted.keys else []),
        )
        .group_by(*({"a": a, "b": key_b, "month": ReportCount.month}[k] for k in _grouped(wanted)))
    )  # fmt: skip
    changed = select(ReportChange.lead_id)
    fact = {name: getattr(ReportFact, name) for name in _columns(wanted)}
    before = select(literal(-1), *_told(fact, wanted), *nothing).where(
        ReportFact.lead_id.in_(changed),
        *fact_months(asked),
        *fact_picks,
        *_needed(fact, wanted),
    )
    live = _live_columns(actor, asked, wanted)
    now = select(literal(1), *_told(live, wanted), *nothing).where(
        scope(Lead, actor, Level.READ), Lead.deleted_at.is_(None), Lead.id.in_(changed), *query.conditions,
        *_needed(live, wanted),
    )  # fmt: skip
    cells: Cells = {}
    rows: Sequence[Any] = session.execute(union_all(counted, before, now)).all()
    for row in rows:
        if row[0] == 0:
            _put(cells, row[1], row[2], [int(each or 0) for each in row[6:]], 1)
        else:
            _put(cells, row[1], row[2], _measured(row[3:6], wanted), row[0])
    return {key: found for key, found in cells.items() if any(found)}


def _cut_for(asked: Asked, wanted: Wanted) -> tuple[Cut, bool, str] | None:
    """(cut, whether it stands the other way round, the filter that stands beside) of what is counted beforehand."""
    if any(name not in COLUMN_OF for name in asked.given) or len(asked.given) > 1:
        return None
    beside = next(iter(asked.given), "")
    if wanted.b:
        found = [
            cut for cut in CUTS.values() if (cut.a, cut.b, cut.needs) == (wanted.a, wanted.b, wanted.needs)
        ]
        is_picked = not beside or COLUMN_OF[beside] == wanted.a
        return (found[0], False, beside) if found and is_picked else None
    by = "" if wanted.a == "month" else wanted.a
    other = COLUMN_OF.get(beside, "")
    if other == by:
        other = ""
    place = cut_of(by, other) if by else cut_of(other, "")
    if place is None:
        return None
    # Where nothing else is told apart, what is picked stands first.
    return place[0], place[1], beside


def _grouped(wanted: Wanted) -> list[str]:
    found = ["month" if wanted.a == "month" else "a"] if wanted.a else []
    return [*found, *(["b"] if wanted.b else [])]


# From the facts


def _from_facts(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Cells | TooMany | None:
    """Leads as they were counted last, one by one; those that changed since as they are.

    None where something is asked for that facts do not tell.
    """
    if any(name not in COLUMN_OF for name in asked.given):
        return None
    in_months = select(func.sum(ReportCount.captured)).where(ReportCount.cut == "all", *count_months(asked))
    if (session.scalar(in_months) or 0) > MOST_FACTS:
        return TooMany(MOST_FACTS)
    fact = {name: getattr(ReportFact, name) for name in _columns(wanted)}
    changed = select(ReportChange.lead_id)
    told = (
        select(*(each.label(f"t{place}") for place, each in enumerate(_told(fact, wanted))))
        .where(
            *fact_months(asked),
            *(
                picks(session, actor, name, values, getattr(ReportFact, COLUMN_OF[name]))
                for name, values in asked.given.items()
            ),
            *_needed(fact, wanted),
            ReportFact.lead_id.not_in(changed),
        )
        .subquery("told")
    )
    counted = select(*told.c, func.count()).group_by(*told.c)
    live = _live_columns(actor, asked, wanted)
    now = select(*_told(live, wanted), literal(1)).where(
        scope(Lead, actor, Level.READ), Lead.deleted_at.is_(None), Lead.id.in_(changed), *query.conditions,
        *_needed(live, wanted),
    )  # fmt: skip
    cells: Cells = {}
    rows: Sequence[Any] = session.execute(union_all(counted, now)).all()
    for *row, times in rows:
        _put(cells, row[0], row[1], _measured(row[2:], wanted), times)
    return cells


# Lead by lead


def _live(session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery) -> Cells | TooMany:
    how_many = capped_count(Lead, actor, query.conditions, cap=MOST_LIVE, level=Level.READ)
    if (session.scalar(how_many) or 0) > MOST_LIVE:
        return TooMany()
    ids = seen_ids(Lead, actor, query.conditions)
    columns = _live_columns(actor, asked, wanted)
    told = (
        select(*(each.label(f"t{place}") for place, each in enumerate(_told(columns, wanted))))
        .where(scope(Lead, actor, Level.READ), Lead.id.in_(ids), *_needed(columns, wanted))
        .subquery("told")
    )
    cells: Cells = {}
    for *row, times in session.execute(select(*told.c, func.count()).group_by(*told.c)):
        _put(cells, row[0], row[1], _measured(row[2:], wanted), times)
    return cells


def _columns(wanted: Wanted) -> list[str]:
    return [name for name in (wanted.a, wanted.b, "stage", "handed_over", "unqualified") if name]


def _live_columns(actor: Actor, asked: Asked, wanted: Wanted) -> dict[str, ColumnElement[Any]]:
    """What is selected of a lead; when leads were handed over is the vendor's to know."""
    every = fact_columns(actor, asked.zone)
    found = {name: every[name] for name in _columns(wanted)}
    return {**found, "handed_over": literal(0)} if actor.is_partner else found


def _told(columns: Any, wanted: Wanted) -> list[ColumnElement[Any]]:
    """(a, b, stage, handed over, unqualified) of one lead."""
    key_a, key_b = (cast(columns[name], String) if name else literal("") for name in (wanted.a, wanted.b))
    return [key_a, wanted.key_b(key_b), columns["stage"], columns["handed_over"], columns["unqualified"]]


def _needed(columns: Any, wanted: Wanted) -> list[Condition]:
    found = [columns[wanted.needs] != ""] if wanted.needs else []
    return [*found, *([columns[wanted.a].in_(wanted.keys)] if wanted.keys else [])]


def _measured(row: Sequence[int], wanted: Wanted) -> Sequence[int]:
    measured = measures_of({"stage": row[0], "handed_over": row[1], "unqualified": row[2]})
    return measured[: len(wanted.measures)]


def _put(cells: Cells, a: str, b: str, counts: Sequence[int], times: int) -> None:
    found = cells.get((a, b))
    if found is None:
        cells[a, b] = [times * each for each in counts]
        return
    for place, each in enumerate(counts):
        found[place] += times * each
