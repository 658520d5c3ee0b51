"""A page of a shared table as the merge of each rule's first rows.

An OR of rules over a sorted list makes both databases read and sort everything that may be seen;
a UNION ALL of limited branches reads at most `limit` index entries a branch, so that a page costs
the same at ten thousand and ten million rows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.kernel.actor import Actor, Level
from app.sharing.models import SharingGrant
from app.sharing.rule import Followed, Grants, Rule
from app.sharing.rules import in_force
from app.sharing.scope import branches, scoped


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a sorted list is wanted.

    sort: the column sorted by; ties are broken by the key in the same direction.
    after: (sort value, key) of the last row of the page before, None for the first page; bound
    parameters may stand for them.
    limit: rows wanted; one more is read to know whether another page follows.
    empties: where rows stand that have nothing to sort by, by key; None where every row has something.  Then the
    values of `after` are no parameters that are bound later.  empty: what the column holds of these.
    """

    sort: ColumnElement[Any] | InstrumentedAttribute[Any]
    descending: bool
    limit: int
    after: tuple[Any, Any] | None = None
    empties: Literal["first", "last"] | None = None
    empty: str | None = None

    def is_empty(self, sort: Any) -> ColumnElement[bool]:
        """That a row has nothing to sort by.  sort: the column, or what a statement within called it."""
        found: ColumnElement[bool] = sort.is_(None) if self.empty is None else sort == self.empty
        return found

    def is_filled(self, sort: Any) -> ColumnElement[bool]:
        """The opposite; nothing is sorted before an empty text."""
        found: ColumnElement[bool] = sort.is_not(None) if self.empty is None else sort > self.empty
        return found


def merged_ids(
    model: Any,
    actor: Actor,
    window: Window,
    filters: Sequence[ColumnElement[bool]] = (),
    *,
    level: Level = Level.PREVIEW,
    causes: frozenset[str] | None = None,
    walked: Collection[Followed] = (),
    by_row: bool = False,
) -> Select[*tuple[Any, ...]]:
    """Select of (id, given, sort_value): the window's rows and the level the actor has of each.

    `by_row`: the filters leave few rows, so that each is asked for its grants: a list of all that is granted to the
    actor would take far longer.  `level` leaves out rows given at less, such as previews when a filter touches a hidden field;
    `causes` keeps only what is seen for one of these reasons; `walked`: see `sharing.walking`.
    Rows come in the window's order, as the database sorts.
    """
    rules = _rules(model, actor, level, causes, walked, by_row)
    selects = [each for rule in rules for each in _branches(model, rule, window, filters, level)]
    if not selects:
        nothing = scoped(model, model.id.is_(None))
        return select(model.id, model.version.label("given"), window.sort.label("sort_value")).where(nothing)
    if len(selects) == 1:
        return selects[0]
    merged = union_all(*(select(*s.subquery().c) for s in selects)).subquery("merged")
    sort = func.max(merged.c.sort_value)
    order = _order(window, sort, merged.c.id)
    return (
        select(merged.c.id, func.max(merged.c.given).label("given"), sort.label("sort_value"))
        .group_by(merged.c.id)
        .order_by(*order)
        .limit(window.limit + 1)
    )


def order_of(window: Window, ids: Any) -> tuple[ColumnElement[Any], ...]:
    """The order of the window's rows.  ids: as `merged_ids` selects them, in a subquery."""
    return _order(window, ids.c.sort_value, ids.c.id)


def _order(window: Window, sort: Any, key: Any) -> tuple[ColumnElement[Any], ...]:
    order = (sort.desc(), key.desc()) if window.descending else (sort.asc(), key.asc())
    if window.empties is None:
        return order
    is_empty = window.is_empty(sort)
    return (is_empty.desc() if window.empties == "first" else is_empty.asc(), *order)


def conditions_of(
    model: Any,
    actor: Actor,
    level: Level = Level.PREVIEW,
    causes: frozenset[str] | None = None,
    walked: Collection[Followed] = (),
    by_row: bool = False,
) -> list[ColumnElement[bool]]:
    """What gives the actor records at that level at least, each condition written so that it fits an index."""
    rules = _rules(model, actor, level, causes, walked, by_row)
    return [condition for rule in rules for condition in _conditions(model, rule, level)]


def seen_ids(
    model: Any, actor: Actor, filters: Sequence[ColumnElement[bool]] = (), level: Level = Level.READ
) -> Any:
    """Select of the keys of all rows that the actor is given at that level at least, each once; for counting among them."""
    selects = [
        select(model.id).where(scoped(model, condition), *filters)
        for condition in conditions_of(model, actor, level)
    ]
    if not selects:
        return select(model.id).where(scoped(model, model.id.is_(None)))
    return selects[0] if len(selects) == 1 else union(*selects)


def capped_count(
    model: Any,
    actor: Actor,
    filters: Sequence[ColumnElement[bool]] = (),
    *,
    cap: int,
    level: Level = Level.PREVIEW,
    causes: frozenset[str] | None = None,
    walked: Collection[Followed] = (),
    by_row: bool = False,
) -> Select[int]:
    """Select of how many rows `merged_ids` would list in all, at most `cap` + 1: nothing is sorted or read beyond.

    One rule that gives more than `cap` by itself is enough; else all are looked at, and what several give is
    counted once.
    """
    selects = [
        select(model.id).where(scoped(model, condition), *filters).limit(cap + 1)
        for condition in conditions_of(model, actor, level, causes, walked, by_row)
    ]
    if not selects:
        return select(literal(0))
    if len(selects) == 1:
        return _how_many(selects[0])
    every = union_all(*(select(*s.subquery().c) for s in selects)).subquery()
    distinct = select(every.c.id).distinct().limit(cap + 1)
    enough = [(_how_many(s).scalar_subquery() > cap, literal(cap + 1)) for s in selects]
    return select(case(*enough, else_=_how_many(distinct).scalar_subquery()))


def many_granted(
    model: Any, actor: Actor, *, cap: int, level: Level = Level.PREVIEW, causes: frozenset[str] | None = None
) -> Select[bool] | None:
    """Select of whether some principal of the actor is granted more than `cap` records; None without grants.

    Where it is, `capped_count` need not be asked: reading and planning that takes far longer.  Only grants are
    read, not the records; what is deleted has none but those made by hand.
    """
    kind, at, key = model.__tablename__, SharingGrant.record_created_at, SharingGrant.record_id
    granted = [
        select(key)
        .where(in_force([principal_id], kind, level, without=rule.grants.without))
        .group_by(at, key)  # along the index, so that it ends with the last one that is wanted
        .order_by(at, key)
        .limit(cap + 1)
        for rule in _rules(model, actor, level, causes)
        if rule.grants is not None
        for principal_id in rule.grants.principal_ids
    ]
    if not granted:
        return None
    return select(
        case(*((_how_many(each).scalar_subquery() > cap, true()) for each in granted), else_=false())
    )


def _how_many(found: Select[int]) -> Select[int]:
    return select(func.count()).select_from(found.subquery())


def _rules(
    model: Any,
    actor: Actor,
    level: Level,
    causes: frozenset[str] | None,
    walked: Collection[Followed] = (),
    by_row: bool = False,
) -> Sequence[Rule]:
    rules = branches(model, actor, level)
    if by_row:
        rules = [replace(rule, grants=None, by_index=None) for rule in rules]
    if causes is not None:
        rules = [rule for rule in rules if rule.cause in causes]
    rules = [rule for rule in rules if rule.covered is None or rule.covered < level]
    # Where one rule gives every live record, the others add no rows to a list.
    whole = [rule for rule in rules if rule.is_whole][:1]
    if whole:
        return whole
    along = {rule.followed: rule for rule in rules if rule.followed is not None and rule.followed in walked}
    found = [rule.as_listed() for rule in rules if rule.followed not in along]
    # First what gives most: whoever counts so far has often counted enough.
    return [_together(list(along.values()), next(iter(along)).live), *found] if along else found


def _together(rules: Sequence[Rule], live: ColumnElement[bool]) -> Rule:
    """Rules of which the rows are walked once for all; each gives the same level or else reading."""
    where, level = and_(live, or_(*(rule.where for rule in rules))), max(rule.level for rule in rules)
    cause = rules[0].cause if len(rules) == 1 else ""
    if all(rule.level == level and rule.unless is None for rule in rules):
        return Rule(cause, level, where)
    most = or_(*(rule.at_least(level) for rule in rules if rule.can_give(level)))
    return Rule(cause, level, where, unless=not_(most), otherwise=Level.READ)


def _branches(
    model: Any, rule: Rule, window: Window, filters: Sequence[ColumnElement[bool]], level: Level
) -> list[Select[*tuple[Any, ...]]]:
    """The rule's first rows: one select, or one for each principal whose grants it reads."""
    if rule.grants is not None and getattr(window.sort, "key", None) == "created_at":
        return [
            _along_grants(model, rule, rule.grants, principal_id, window, filters, level)
            for principal_id in rule.grants.principal_ids
        ]
    return [
        _branch(model, rule, condition, part, filters)
        for condition in _conditions(model, rule, level)
        for part in _parts(window)
    ]


def _conditions(model: Any, rule: Rule, level: Level) -> list[ColumnElement[bool]]:
    """What gives the rule's rows, written so that each fits an index."""
    if rule.grants is None:
        return [rule.at_least(level)]
    kind = model.__tablename__
    return [
        and_(
            rule.grants.live,
            model.id.in_(
                select(SharingGrant.record_id).where(
                    in_force([principal_id], kind, level, without=rule.grants.without)
                )
            ),
        )
        for principal_id in rule.grants.principal_ids
    ]


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the window: of the rows with something to sort by, of those without, or (None) of all."""

    window: Window
    is_empty: bool | None = None


def _parts(window: Window) -> list[_Part]:
    """Rows with and without something to sort by are read apart, each along the index; what is passed already not."""
    if window.empties is None:
        return [_Part(window)]
    whole = replace(window, after=None)
    if window.after is None:
        return [_Part(whole, False), _Part(whole, True)]
    is_empty = window.after[0] == window.empty
    here = _Part(window, is_empty)
    goes_on = is_empty == (window.empties == "first")
    return [here, _Part(whole, not is_empty)] if goes_on else [here]


def _branch(
    model: Any,
    rule: Rule,
    condition: ColumnElement[bool],
    part: _Part,
    filters: Sequence[ColumnElement[bool]],
) -> Select[*tuple[Any, ...]]:
    window = part.window
    conditions: list[ColumnElement[bool]] = [scoped(model, condition), *filters]
    after, order = _keyset(window, window.sort, model.id)
    if part.is_empty is not None:
        conditions.append((window.is_empty if part.is_empty else window.is_filled)(window.sort))
    if part.is_empty:
        after, order = _keyset_of_keys(window, model.id)
    conditions += after
    return (
        select(model.id, rule.given().label("given"), window.sort.label("sort_value"))
        .where(and_(*conditions))
        .order_by(*order)
        .limit(window.limit + 1)
    )


def _along_grants(
    model: Any,
    rule: Rule,
    grants: Grants,
    principal_id: int,
    window: Window,
    filters: Sequence[ColumnElement[bool]],
    level: Level,
) -> Select[*tuple[Any, ...]]:
    """The first rows by creation of one principal, found by walking its grants, which are kept in that order.

    A record that several sets grant comes once: the rows of one record stand together in the index.
    """
    at, key = SharingGrant.record_created_at, SharingGrant.record_id
    held = in_force([principal_id], model.__tablename__, level, without=grants.without)
    joined = and_(model.id == key, held)
    conditions: list[ColumnElement[bool]] = [scoped(model, grants.live), *filters]
    after, order = _keyset(window, at, key)
    conditions += after
    highest = func.max(SharingGrant.level)
    given = case((highest > int(rule.level), int(rule.level)), else_=highest)
    return (
        select(key.label("id"), given.label("given"), at.label("sort_value"))
        .join(model, joined)
        .where(and_(*conditions))
        .group_by(at, key)
        .order_by(*order)
        .limit(window.limit + 1)
    )


def _keyset(
    window: Window, sort: ColumnElement[Any] | InstrumentedAttribute[Any], key: InstrumentedAttribute[Any]
) -> tuple[list[ColumnElement[bool]], tuple[ColumnElement[Any], ...]]:
    """(what comes after the page before, the order), by these columns: the record's own or those of its grants."""
    order = (sort.desc(), key.desc()) if window.descending else (sort.asc(), key.asc())
    if window.after is None:
        return [], order
    here = tuple_(sort, key)
    there = tuple_(*(_bound(value, column) for value, column in zip(window.after, (sort, key), strict=True)))
    return [here < there if window.descending else here > there], order


def _keyset_of_keys(
    window: Window, key: InstrumentedAttribute[Any]
) -> tuple[list[ColumnElement[bool]], tuple[ColumnElement[Any], ...]]:
    """The same of rows that have nothing to sort by."""
    order = (key.desc() if window.descending else key.asc(),)
    if window.after is None:
        return [], order
    there = _bound(window.after[1], key)
    return [key < there if window.descending else key > there], order


def _bound(value: Any, column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The value as a parameter of the column's type, unless it is one already."""
    return value if isinstance(value, BindParameter) else literal(value, column.type)


def fetch(session: Session, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows of a merged statement."""
    return session.execute(statement).all()
