"""Reports read from leads as they were counted last: of who sees every lead, and of a partner's people."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.lists.query import ListQuery
from app.reports.asked import Asked
from app.reports.changed import since
from app.reports.models import BY_WHAT, BY_WHO, HOW_FAR, OF_OWNER, ReportCount, ReportFact
from app.reports.owned import Owned, along_owners
from app.reports.picking import COLUMN_OF, count_months, fact_months, keys_asked
from app.reports.telling import (
    BETWEEN,
    MOST_LIVE,
    TooMany,
    Wanted,
    columns_of,
    live_columns,
    needed_of,
    summed,
    told_of,
)
from app.sharing.scope import scope

MOST_FACTS = 2_000_000


def read_facts(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Sequence[Any] | TooMany | None:
    """Leads as they were counted last, one by one; those that changed since as they are.

    None where something is asked for that facts do not tell.
    """
    if any(name not in COLUMN_OF for name in asked.given):
        return None
    in_months = select(func.sum(ReportCount.captured)).where(ReportCount.cut == "all", *count_months(asked))
    if (session.scalar(in_months) or 0) > MOST_FACTS:
        return TooMany(MOST_FACTS)
    keys = keys_asked(session, actor, asked)
    counted = _of_facts(asked, wanted, keys)
    changed = since(session, actor, asked, wanted, query, keys)
    return session.execute(union_all(counted, *changed)).all()


def _of_facts(asked: Asked, wanted: Wanted, keys: Mapping[str, Sequence[str]]) -> Select[*tuple[Any, ...]]:
    """Select of what is counted of facts, as `reading` has it: first as they stand together in an index, then summed up."""
    picked = [getattr(ReportFact, name).in_(some) for name, some in keys.items()]
    # No bare column beside what is picked, or months are looked for by an index that has nothing else.
    months = fact_months(asked, ReportFact.month + 0 if picked else ReportFact.month)
    if "owner" in keys and not (wanted.b or wanted.is_number):
        return _told_as_all(along_owners(wanted.a, [*months, *picked]))
    fact = {name: getattr(ReportFact, name) for name in columns_of(wanted)}
    key_a, key_b, *far = (each.label(f"t{place}") for place, each in enumerate(told_of(fact, wanted)))
    names = dict.fromkeys((*_before(asked, wanted), wanted.a, *(() if wanted.is_number else HOW_FAR)))
    together = [getattr(ReportFact, name) for name in names if name]
    told_b: Any = key_b
    if wanted.is_packed:
        told_b = func.aggregate_strings(key_b, BETWEEN).label("t1")
    elif wanted.b:
        together.append(key_b if wanted.days else fact[wanted.b])
    told = (
        select(key_a, told_b, *far, func.count().label("n"))
        .where(*months, *picked, *needed_of(fact, wanted))
        .group_by(*together)
    )
    if wanted.is_number and [*names] == [wanted.a]:  # each stands in one place already
        return select(literal(0), *told.subquery("told").c)
    return summed(told.subquery("told"), wanted)


def _before(asked: Asked, wanted: Wanted) -> Sequence[str]:
    """What stands before a in the index by which the facts that are asked for are read, or also before how far they came."""
    if "owner" in map(COLUMN_OF.get, asked.given):  # by that one index
        return OF_OWNER[: OF_OWNER.index(wanted.a)] if wanted.a in OF_OWNER else ()
    for order in (BY_WHO, *([BY_WHAT] if "partner" in asked.given else [])):
        if wanted.a in order:
            return order[: order.index(wanted.a)] if wanted.is_number else order
    return ()


def _told_as_all(counted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """As `reading` has it.  counted: as `along_owners` has it."""
    told, *measures = counted.subquery("counted").c
    return select(literal(0), told, literal(""), *[literal(0)] * 3, *measures)


def is_told_of_owned(asked: Asked, wanted: Wanted) -> bool:
    told = {*OF_OWNER, ""}
    is_known = all(COLUMN_OF.get(name) in told for name in asked.given)
    return is_known and wanted.a in told and not (wanted.b or wanted.is_number)


def read_owned(
    session: Session, asked: Asked, wanted: Wanted, query: ListQuery, whose: Owned
) -> Sequence[Any] | TooMany:
    """Leads of theirs as they were counted last; those that changed since, or are given to them beside, as they are."""
    actor = whose.actor
    keys = keys_asked(session, actor, asked)
    # What is given them beside is somebody else's.
    is_given = "owner" not in keys or not whose.are_all(keys["owner"])
    given = whose.how_many_given(query.conditions, MOST_LIVE) if is_given else None
    if given is not None and (session.scalar(given) or 0) > MOST_LIVE:
        return TooMany()
    fact = {name: getattr(ReportFact, name) for name in columns_of(wanted)}
    conditions = [*fact_months(asked), *needed_of(fact, wanted)]
    picked = (getattr(ReportFact, name).in_(some) for name, some in keys.items())
    counted = _told_as_all(whose.counted(wanted.a, [*conditions, *picked]))
    nothing = [literal(0) for _name in wanted.measures]
    before = select(literal(-1), *told_of({**fact, "handed_over": literal(0)}, wanted), *nothing).where(
        *whose.not_as_counted(),
        *conditions,
        *(func.coalesce(getattr(ReportFact, name), "").in_(some) for name, some in keys.items()),
    )
    live = live_columns(actor, asked, wanted)
    now = select(literal(1), *told_of(live, wanted), *nothing).where(
        scope(Lead, actor, Level.READ),
        Lead.id.in_(whose.others(given=is_given)),
        *query.conditions,
        *needed_of(live, wanted),
    )
    return session.execute(union_all(counted, before, now)).all()
