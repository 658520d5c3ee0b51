"""Counting for somebody: from the counts for those who see every lead, or from the facts where nothing is counted
beforehand of what they ask for; else lead by lead among those they see.

All give the same: how many leads there are of each pair of values, in each of `steps.MEASURES`.  From the counts
one statement reads what is counted, and what changed since as it was counted and as it is, so that it tells what is
true at one moment.  Longer than other modules, since all of these ways tell leads by the same few functions at its end.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    any_,
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
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.lists.catalogue import Condition, objects
from app.lists.filter_text import write_filter
from app.lists.query import ListQuery, parse_list
from app.opportunities.models import Opportunity
from app.reports.asked import Asked, came_to
from app.reports.cuts import Cut, cut_of, fact_columns, find_cut, measures_of
from app.reports.models import BY_WHAT, BY_WHO, HOW_FAR, OF_OWNER, ReportChange, ReportCount, ReportFact
from app.reports.owned import Owned, find_owned
from app.reports.picking import COLUMN_OF, count_months, fact_months, fewest_months, keys_asked
from app.reports.steps import KEYS, MEASURES
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
    keys: values of a that are told alone; () for all.  is_packed: for `count_classes`.
    """

    a: str = ""
    b: str = ""
    needs: str = ""
    days: tuple[tuple[int, str], ...] = ()
    keys: tuple[str, ...] = ()
    is_packed: bool = False

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


@dataclass(slots=True)
class Classes:
    """How many leads of one value of a are in each class: those counted, packed as "300,300 4,900"; and by how many they are more or fewer since.

    count: of all of them.
    """

    count: int = 0
    packed: list[str] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)

    def unpacked(self) -> dict[str, int]:
        """Class → how many."""
        found = dict(self.since)
        for text in self.packed:
            for each, times in Counter(text.split(_BETWEEN)).items():
                class_, _space, count = each.partition(" ")
                found[class_] = found.get(class_, 0) + times * int(count or 1)
        return found


_BETWEEN = ","


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
    rows = _rows(session, actor, asked, wanted)
    if isinstance(rows, TooMany):
        return rows
    cells: Cells = {}
    for times, a, b, *row in rows:
        _put(cells, a, b, _measured(row[:3], wanted) if times else row[3:], times or 1)
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
        found: Sequence[Any] | TooMany | None = _counted(session, actor, asked, wanted, query)
        if found is None:
            found = _from_facts(session, actor, asked, wanted, query)
        if found is not None:
            return found
    if _is_told_of_owned(asked, wanted):
        owned = find_owned(session, actor)
        if owned is not None:
            return _of_owned(session, asked, wanted, query, owned)
    return _live(session, actor, asked, wanted, query)


# From the counts


def _counted(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Sequence[Any] | None:
    """None where what is asked for is not counted beforehand."""
    place = _cut_for(asked, wanted)
    if place is None:
        return None
    cut, is_turned, beside = place
    a, b = (ReportCount.b, ReportCount.a) if is_turned else (ReportCount.a, ReportCount.b)
    keys = keys_asked(session, actor, asked)
    which = [ReportCount.cut == cut.name]
    if cut.beside:
        which = [ReportCount.cut.in_([cut.name + key for key in keys[cut.beside]])]
    elif beside:
        # One value of what stands beside is picked, so that it need not be told apart.
        picked = b if wanted.a not in ("", "month", COLUMN_OF.get(beside)) else a
        which.append(picked.in_(keys[COLUMN_OF[beside]]))
    key_a = cast(ReportCount.month, String) if wanted.a == "month" else (a if wanted.a else literal(""))
    key_b = wanted.key_b(b) if wanted.b else literal("")
    months, signed = fewest_months(session, asked, apart=wanted.a == "month")
    sums = [func.coalesce(func.sum(signed(getattr(ReportCount, name))), 0) for name in wanted.measures]
    told_b = _pack(key_b, signed(ReportCount.captured)) if wanted.is_packed else key_b
    counted = (
        select(literal(0), key_a, told_b, *[literal(0)] * 3, *sums)
        .where(*which, *months, *([a.in_(wanted.keys)] if wanted.keys else []))
        .group_by(*({"a": a, "b": key_b, "month": ReportCount.month}[k] for k in _grouped(wanted)))
    )  # fmt: skip
    since = _since(session, actor, asked, wanted, query, keys)
    return session.execute(union_all(counted, *since)).all()


def _since(
    session: Session,
    actor: Actor,
    asked: Asked,
    wanted: Wanted,
    query: ListQuery,
    keys: Mapping[str, Sequence[str]],
) -> Sequence[Select[*tuple[Any, ...]]]:
    """Selects of the leads that changed since they were counted: as they were, to be taken out, and as they are."""
    is_changed = _is_changed(session)
    nothing = [literal(0) for _name in wanted.measures]
    fact = {name: getattr(ReportFact, name) for name in _columns(wanted)}
    before = select(literal(-1), *_told(fact, wanted), *nothing).where(
        is_changed(ReportFact.lead_id),
        *fact_months(asked),
        # No bare columns, for these few are found by their keys and not by an index of them.
        *(func.coalesce(getattr(ReportFact, name), "").in_(some) for name, some in keys.items()),
        *_needed(fact, wanted),
    )
    live = _live_columns(actor, asked, wanted)
    now = select(literal(1), *_told(live, wanted), *nothing).where(
        scope(Lead, actor, Level.READ), Lead.deleted_at.is_(None), is_changed(Lead.id), *query.conditions,
        *_needed(live, wanted),
    )  # fmt: skip
    return before, now


def _is_changed(session: Session) -> Callable[[Any], Condition]:
    """That a key is of a lead that changed, so that the few are looked up by it.

    PostgreSQL would join with them, and walk along all leads to where the last of them stands.
    """
    changed = select(ReportChange.lead_id)
    if is_sqlite(session):
        return lambda key: key.in_(changed)
    return lambda key: key == any_(func.array(changed.scalar_subquery()))


def _cut_for(asked: Asked, wanted: Wanted) -> tuple[Cut, bool, str] | None:
    """(cut, whether it stands the other way round, the filter that stands beside) of what is counted beforehand."""
    if any(name not in COLUMN_OF for name in asked.given) or len(asked.given) > 1:
        return None
    beside = next(iter(asked.given), "")
    other = COLUMN_OF.get(beside, "")
    exact = find_cut(wanted.a, wanted.b, wanted.needs, beside=other)
    if exact is None and wanted.b and other == wanted.a:
        exact = find_cut(wanted.a, wanted.b, wanted.needs)
    if exact is not None or wanted.b:
        return (exact, False, beside) if exact else None
    by = "" if wanted.a == "month" else wanted.a
    if other == by:
        other = ""
    place = cut_of(by, other) if by else cut_of(other, "")
    if place is None:
        return None
    # Where nothing else is told apart, what is picked stands first.
    return place[0], place[1], beside


def _grouped(wanted: Wanted) -> list[str]:
    found = ["month" if wanted.a == "month" else "a"] if wanted.a else []
    return [*found, *(["b"] if wanted.b and not wanted.is_packed else [])]


def _pack(b: Any, count: Any) -> ColumnElement[str]:
    """SQL of all values of b with how many of each, as `Classes.unpacked` reads them: one stands alone, as most do in months."""
    more = b.concat(" ").concat(cast(count, String))
    return func.aggregate_strings(case((count == 1, b), else_=more), _BETWEEN)


# From the facts


def _from_facts(
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
    since = _since(session, actor, asked, wanted, query, keys)
    return session.execute(union_all(counted, *since)).all()


def _of_facts(asked: Asked, wanted: Wanted, keys: Mapping[str, Sequence[str]]) -> Select[*tuple[Any, ...]]:
    """Select of what is counted of facts, as `_rows` has it: first as they stand together in an index, then summed up."""
    fact = {name: getattr(ReportFact, name) for name in _columns(wanted)}
    key_a, key_b, *far = (each.label(f"t{place}") for place, each in enumerate(_told(fact, wanted)))
    names = dict.fromkeys((*_before(asked, wanted), wanted.a, *(() if wanted.needs else HOW_FAR)))
    together = [getattr(ReportFact, name) for name in names if name]
    told_b: Any = key_b
    if wanted.is_packed:
        told_b = func.aggregate_strings(key_b, _BETWEEN).label("t1")
    elif wanted.b:
        together.append(key_b if wanted.days else fact[wanted.b])
    picked = [getattr(ReportFact, name).in_(some) for name, some in keys.items()]
    # No bare column beside what is picked, or months are looked for by an index that has nothing else.
    month: Any = ReportFact.month + 0 if picked else ReportFact.month
    told = (
        select(key_a, told_b, *far, func.count().label("n"))
        .where(*fact_months(asked, month), *picked, *_needed(fact, wanted))
        .group_by(*together)
    )
    if wanted.needs and [*names] == [wanted.a]:  # each stands in one place already
        return select(literal(0), *told.subquery("told").c)
    return _summed(told.subquery("told"), wanted)


def _before(asked: Asked, wanted: Wanted) -> Sequence[str]:
    """What stands before a in the index by which the facts that are asked for are read, or also before how far they came."""
    for order in (BY_WHO, *([BY_WHAT] if "partner" in asked.given else [])):
        if wanted.a in order:
            return order[: order.index(wanted.a)] if wanted.needs else order
    return ()


def _summed(told: Any, wanted: Wanted) -> Select[*tuple[Any, ...]]:
    """Select of what is counted, as `_rows` has it, of leads that are told as `_told` has it with how many there are of each."""
    a, b, stage, handed_over, unqualified, n = told.c
    reached = (case((stage >= place, n), else_=0) for place in range(len(KEYS)))
    measures = [n] if wanted.needs else [*reached, handed_over * n, unqualified * n]
    sums = [cast(func.coalesce(func.sum(each), 0), Integer) for each in measures]
    if wanted.is_packed:
        return select(literal(0), a, func.aggregate_strings(b, _BETWEEN), *[literal(0)] * 3, *sums).group_by(
            a
        )
    return select(literal(0), a, b, *[literal(0)] * 3, *sums).group_by(a, b)


# For a partner's people


def _is_told_of_owned(asked: Asked, wanted: Wanted) -> bool:
    told = {*OF_OWNER, ""}
    is_known = all(name == "owner" or COLUMN_OF.get(name) in told for name in asked.given)
    return is_known and wanted.a in told and not (wanted.b or wanted.needs)


def _of_owned(
    session: Session, asked: Asked, wanted: Wanted, query: ListQuery, whose: Owned
) -> Sequence[Any] | TooMany:
    """Leads of theirs as they were counted last; those that changed since, or are given to them beside, as they are."""
    actor = whose.actor
    given = whose.how_many_given(query.conditions, MOST_LIVE)
    if given is not None and (session.scalar(given) or 0) > MOST_LIVE:
        return TooMany()
    fact = {name: getattr(ReportFact, name) for name in _columns(wanted)}
    keys = {**keys_asked(session, actor, asked)}
    if "owner" in asked.given:
        keys["owner"] = whose.named(session, asked.given["owner"])
    conditions = [*fact_months(asked), *_needed(fact, wanted)]
    picked = (getattr(ReportFact, name).in_(some) for name, some in keys.items())
    told, *measures = whose.counted(wanted.a, [*conditions, *picked]).subquery("counted").c
    counted = select(literal(0), told, literal(""), *[literal(0)] * 3, *measures)
    nothing = [literal(0) for _name in wanted.measures]
    before = select(literal(-1), *_told({**fact, "handed_over": literal(0)}, wanted), *nothing).where(
        *whose.not_as_counted(),
        *conditions,
        *(func.coalesce(getattr(ReportFact, name), "").in_(some) for name, some in keys.items()),
    )
    live = _live_columns(actor, asked, wanted)
    now = select(literal(1), *_told(live, wanted), *nothing).where(
        scope(Lead, actor, Level.READ), Lead.id.in_(whose.others()), *query.conditions, *_needed(live, wanted)
    )
    return session.execute(union_all(counted, before, now)).all()


# Lead by lead


def _live(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted, query: ListQuery
) -> Sequence[Any] | TooMany:
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
    a, b, *far = told.c
    told_b = func.aggregate_strings(b, _BETWEEN).label("t1") if wanted.is_packed else b
    of_each = select(a, told_b, *far, func.count().label("n")).group_by(
        a, *([] if wanted.is_packed else [b]), *far
    )
    return session.execute(_summed(of_each.subquery("of_each"), wanted)).all()


def _columns(wanted: Wanted) -> list[str]:
    told = () if wanted.needs else ("stage", "handed_over", "unqualified")
    return [name for name in dict.fromkeys((wanted.a, wanted.b, wanted.needs, *told)) if name]


def _live_columns(actor: Actor, asked: Asked, wanted: Wanted) -> dict[str, ColumnElement[Any]]:
    """What is selected of a lead; when leads were handed over is the vendor's to know."""
    found = fact_columns(actor, asked.zone, _columns(wanted))
    return {**found, "handed_over": literal(0)} if actor.is_partner and "handed_over" in found else found


def _told(columns: Any, wanted: Wanted) -> list[ColumnElement[Any]]:
    """(a, b, stage, handed over, unqualified) of one lead."""
    key_a, key_b = (cast(columns[name], String) if name else literal("") for name in (wanted.a, wanted.b))
    further = ("stage", "handed_over", "unqualified")
    return [
        key_a,
        wanted.key_b(key_b),
        *(literal(0) if wanted.needs else columns[name] for name in further),
    ]


def _needed(columns: Any, wanted: Wanted) -> list[Condition]:
    found = [columns[wanted.needs] != ""] if wanted.needs else []
    return [*found, *([columns[wanted.a].in_(wanted.keys)] if wanted.keys else [])]


def _measured(row: Sequence[int], wanted: Wanted) -> Sequence[int]:
    if wanted.needs:
        return (1,)
    return measures_of({"stage": row[0], "handed_over": row[1], "unqualified": row[2]})


def _put(cells: Cells, a: str, b: str, counts: Sequence[int], times: int) -> None:
    found = cells.get((a, b))
    if found is not None:
        cells[a, b] = [sum_ + times * each for sum_, each in zip(found, counts, strict=True)]
    else:
        cells[a, b] = list(counts) if times == 1 else [-each for each in counts]
