"""Counting for somebody: from the counts for those who see every lead, or from the facts where nothing is counted
beforehand of what they ask for; else lead by lead among those they see.

All give the same: how many leads there are of each pair of values, in each of `steps.MEASURES`.  From the counts
one statement reads what is counted, and what changed since as it was counted and as it is, so that it tells what is
true at one moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.lists.catalogue import objects
from app.lists.filter_text import write_filter
from app.lists.query import ListQuery, parse_list
from app.opportunities.models import Opportunity
from app.reports.asked import Asked, came_to
from app.reports.cuts import QUEUE
from app.reports.from_counts import read_counts
from app.reports.from_facts import is_told_of_owned, read_facts, read_owned
from app.reports.owned import find_owned
from app.reports.telling import (
    BETWEEN,
    MOST_LIVE,
    Cells,
    Classes,
    TooMany,
    Wanted,
    live_columns,
    measured,
    needed_of,
    summed,
    told_of,
)
from app.sharing.merge import capped_count, seen_ids
from app.sharing.scope import branches, scope


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

    Leads that queues own are told apart from no owner's at most.
    Raises Invalid for filters that are not known.
    """
    rows = _rows(session, actor, asked, wanted)
    if isinstance(rows, TooMany):
        return rows
    cells: Cells = {}
    for times, a, b, *row in rows:
        apart = "" if wanted.a == "owner" and a.startswith(QUEUE) else a
        _put(cells, apart, b, measured(row[:3], wanted) if times else row[3:], times or 1)
    return cells


def count_classes(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted
) -> Mapping[str, Classes] | TooMany:
    """a → how many leads there are of each b, those without any missing; for values of b without commas.

    As `count_cells`, with a row of the database for each a.
    """
    rows = _rows(session, actor, asked, replace(wanted, is_packed=True))
    if isinstance(rows, TooMany):
        return rows
    found: dict[str, Classes] = {}
    for times, a, b, *row in rows:
        of = found.setdefault(a, Classes())
        if times:
            of.count += times
            of.since[b] = of.since.get(b, 0) + times
        else:
            of.count += row[3]
            of.packed.append(b)
    return {a: of for a, of in found.items() if of.count}


def _rows(session: Session, actor: Actor, asked: Asked, wanted: Wanted) -> Sequence[Any] | TooMany:
    """(times, a, b, stage, handed over, unqualified, measures wanted): with times 0 what is counted, once for each a and b, else a lead
    that counts so many times more, and its measures say nothing.
    """
    query = leads_asked(session, actor, asked)
    if sees_all(actor):
        found: Sequence[Any] | TooMany | None = read_counts(session, actor, asked, wanted, query)
        if found is None:
            found = read_facts(session, actor, asked, wanted, query)
        if found is not None:
            return found
    if is_told_of_owned(asked, wanted):
        owned = find_owned(session, actor)
        if owned is not None:
            return read_owned(session, asked, wanted, query, owned)
    return _live(session, actor, asked, wanted, query)


def _live(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Sequence[Any] | TooMany:
    how_many = capped_count(Lead, actor, query.conditions, cap=MOST_LIVE, level=Level.READ)
    if (session.scalar(how_many) or 0) > MOST_LIVE:
        return TooMany()
    ids = seen_ids(Lead, actor, query.conditions)
    columns = live_columns(actor, asked, wanted)
    told = (
        select(*(each.label(f"t{place}") for place, each in enumerate(told_of(columns, wanted))))
        .where(scope(Lead, actor, Level.READ), Lead.id.in_(ids), *needed_of(columns, wanted))
        .subquery("told")
    )
    a, b, *far = told.c
    told_b = func.aggregate_strings(b, BETWEEN).label("t1") if wanted.is_packed else b
    of_each = select(a, told_b, *far, func.count().label("n")).group_by(
        a, *([] if wanted.is_packed else [b]), *far
    )
    return session.execute(summed(of_each.subquery("of_each"), wanted)).all()


def _put(cells: Cells, a: str, b: str, counts: Sequence[int], times: int) -> None:
    found = cells.get((a, b))
    if found is not None:
        cells[a, b] = [sum_ + times * each for sum_, each in zip(found, counts, strict=True)]
    else:
        cells[a, b] = list(counts) if times == 1 else [-each for each in counts]
