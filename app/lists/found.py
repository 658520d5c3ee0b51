"""Which records a list has: those of a page, and how many there are."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import Select, bindparam
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor, read_cursor
from app.lists.narrowest import led_by, narrowest
from app.lists.query import ListQuery
from app.sharing.merge import Window, capped_count, many_granted, merged_ids
from app.sharing.rule import Followed
from app.sharing.walking import walked_by


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a list has: its key, how much of it the reader is given, and what the list is sorted by."""

    id: int
    given: Level
    sort_value: Any


def list_ids(
    session: Session, actor: Actor, query: ListQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Found]:
    """The records of a page, previews too where the object has them; one statement.  Raises BadCursor."""
    given, after, back = {}, None, False
    if cursor:
        value, key, back = read_cursor(actor.user_id, query.shape, cursor)
        given, after = {"after_value": value, "after_key": key}, (value, key)
    if query.is_void:
        return Page([])
    leader = narrowest(session, actor, query)
    if query.is_lasting:
        statement = _page_ids(_Wanted(actor, query, query.descending != back, limit, bool(given), leader))
    else:
        statement, given = _ids_in(actor, query, window_of(query, limit, after, back=back), leader), {}
    rows = [Found(row.id, Level(row.given), row.sort_value) for row in session.execute(statement, given)]
    more, rows = len(rows) > limit, rows[:limit]
    if back:
        rows.reverse()
    if not rows:
        return Page([])

    def at(row: Found, *, back: bool) -> str:
        return make_cursor(actor.user_id, query.shape, row.sort_value, row.id, back=back)

    older = at(rows[-1], back=False) if (back or more) else None
    newer = at(rows[0], back=True) if (more if back else after) else None
    return Page(rows, older, newer)


def window_of(
    query: ListQuery, limit: int, after: tuple[Any, Any] | None = None, *, back: bool = False
) -> Window:
    """Which part of the list: so many rows after a place, or before it.  after: (sort value, key) of a row."""
    empties: Literal["first", "last"] | None = None
    if query.sorts_empty:
        empties = "first" if back else "last"
    return Window(query.sort_column, query.descending != back, limit, after, empties, query.empty)


def window_at(actor: Actor, query: ListQuery, cursor: str | None, limit: int) -> tuple[Window, bool]:
    """Which part of the list a cursor asks for, and whether it goes back.  Raises BadCursor."""
    if not cursor:
        return window_of(query, limit), False
    value, key, back = read_cursor(actor.user_id, query.shape, cursor)
    return window_of(query, limit, (value, key), back=back), back


def count_rows(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1."""
    if query.is_void:
        return 0
    walked = walked_by(session, actor, query.object.model, query.conditions)
    wanted = _Wanted(actor, query, query.descending, cap, False, walked=walked)
    if not query.conditions:
        many = _many_granted(wanted) if query.is_lasting else _make_many(wanted)
        if many is not None and session.scalar(many):
            return cap + 1
    statement = _count_of(wanted) if query.is_lasting else _make_count(wanted)
    return min(session.scalar(statement) or 0, cap + 1)


class _Wanted:
    """A statement before it is made; two are equal when the same statement serves both."""

    def __init__(
        self,
        actor: Actor,
        query: ListQuery,
        descending: bool,
        limit: int,
        goes_on: bool,
        leader: int | None = None,
        walked: frozenset[Followed] = frozenset(),
    ) -> None:
        self.actor, self.query, self.descending, self.limit = actor, query, descending, limit
        self.goes_on, self.leader, self.walked = goes_on, leader, walked
        filters = tuple((part.name, *part.values) for part in query.parts)
        seen = (query.level, query.causes, walked)
        self._key = (actor, query.object.name, query.sort, descending, limit, goes_on, leader, *seen, filters)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Wanted) and self._key == other._key


def _make_ids(wanted: _Wanted) -> Select[*tuple[Any, ...]]:
    query, sort = wanted.query, wanted.query.sort_column
    model = query.object.model
    after = (bindparam("after_value", type_=sort.type), bindparam("after_key", type_=model.id.type))
    window = Window(sort, wanted.descending, wanted.limit, after if wanted.goes_on else None)
    return _ids_in(wanted.actor, query, window, wanted.leader)


def _ids_in(actor: Actor, query: ListQuery, window: Window, leader: int | None) -> Select[*tuple[Any, ...]]:
    conditions = led_by(query.conditions, leader)
    return merged_ids(query.object.model, actor, window, conditions, level=query.level, causes=query.causes)


def _make_count(wanted: _Wanted) -> Select[int]:
    query = wanted.query
    return capped_count(
        query.object.model,
        wanted.actor,
        query.conditions,
        cap=wanted.limit,
        level=query.level,
        causes=query.causes,
        walked=wanted.walked,
    )


def _make_many(wanted: _Wanted) -> Select[bool] | None:
    query = wanted.query
    return many_granted(
        query.object.model, wanted.actor, cap=wanted.limit, level=query.level, causes=query.causes
    )


# Making a statement costs more than running it, so that those of the latest visitors are kept.
_page_ids = lru_cache(maxsize=128)(_make_ids)
_count_of = lru_cache(maxsize=128)(_make_count)
_many_granted = lru_cache(maxsize=128)(_make_many)
