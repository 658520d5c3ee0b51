"""The rows of a list: a page by key, or batch after batch for exports and changes of many.

A page is two statements (three of SQLite) and one more for each column that names other records, whatever the number of rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor
from app.lists.catalogue import ListField
from app.lists.found import Found, count_rows, list_ids, window_at, window_of
from app.lists.models import RecentRecord
from app.lists.moment_text import as_text, is_moment
from app.lists.narrowest import led_by, narrowest
from app.lists.query import ListQuery
from app.sharing.merge import Window, merged_ids, order_of
from app.sharing.scope import scope
from app.sharing.walking import names_rows, walked_by

# Somebody's recently viewed records are so many.
MOST_RECENT = 50
# So many records of a list are looked at to say how many match a filter.
LOOKED_AT = 1000
# Before the fields of a row stand its key, public name, version, level and sort value.
_FIRST = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A record in a list.  cells: field → what the cell shows.  given: how much of it the reader has.

    version: 0 on a page of an object that is read beside its rows; beside: what was.  is_closed: it is changed no more.
    """

    id: int
    ref: str
    version: int
    given: Level
    cells: Mapping[str, Any]
    beside: Any = None
    is_closed: bool = False


def list_rows(
    session: Session,
    actor: Actor,
    query: ListQuery,
    fields: Sequence[ListField],
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Row]:
    """A page of what the actor may read.  fields: those whose cells are wanted.  Raises BadCursor."""
    if query.object.beside is not None:
        page = list_ids(session, actor, query, cursor=cursor, limit=limit)
        return Page(_beside(session, actor, query, fields, page.items), page.older, page.newer)
    window, back = window_at(actor, query, cursor, limit)
    if query.is_void:
        return Page([])
    conditions = led_by(query.conditions, narrowest(session, actor, query))
    walked = walked_by(session, actor, query.object.model, conditions)
    ids = merged_ids(
        query.object.model, actor, window, conditions, level=query.object.level, walked=walked
    ).subquery("page")
    statement = _select(query, fields, ids).order_by(*order_of(window, ids)).limit(limit + 1)
    found = session.execute(statement).all()
    more, found = len(found) > limit, found[:limit]
    if back:
        found = found[::-1]
    if not found:
        return Page([])

    def at(row: Any, *, back: bool) -> str:
        return make_cursor(actor.user_id, query.shape, row.sort_value, row.id, back=back)

    older = at(found[-1], back=False) if (back or more) else None
    newer = at(found[0], back=True) if (more if back else cursor is not None) else None
    return Page(shown(session, actor, fields, found), older, newer)


def _beside(
    session: Session, actor: Actor, query: ListQuery, fields: Sequence[ListField], found: Sequence[Found]
) -> list[Row]:
    """Rows of an object that is read beside them; of a preview no cell but those that previews show."""
    object_ = query.object
    assert object_.beside is not None
    if not found:
        return []
    read = object_.beside(session, actor, [(each.id, each.given) for each in found])
    columns = [field for field in fields if field.of is None]
    cells: dict[int, dict[str, Any]] = {each.id: {} for each in found}
    for is_preview in (False, True):
        keys = [each.id for each in found if (each.given < Level.READ) is is_preview]
        shown_ones = [
            each for each in columns if not is_preview or (object_.sight and object_.sight.shows(actor, each))
        ]
        for key, values in _cells(session, actor, object_.model, shown_ones, keys).items():
            cells[key] = values
    return [
        Row(
            each.id, read[each.id].ref, 0, each.given,
            {f.name: cells[each.id].get(f.name) if f.of is None else f.of(read[each.id]) for f in fields},
            read[each.id],
            object_.is_closed is not None and object_.is_closed(read[each.id]),
        )
        for each in found
        if each.id in read
    ]  # fmt: skip


def _cells(
    session: Session, actor: Actor, model: Any, fields: Sequence[ListField], keys: Sequence[int]
) -> Mapping[int, dict[str, Any]]:
    """Record → field → what its cell shows; a statement, and one for each field that names other records."""
    if not fields or not keys:
        return {}
    columns = [
        (model.id if field.column is None else field.column).label(f"f_{field.name}") for field in fields
    ]
    rows = session.execute(select(model.id, *columns).where(scope(model, actor), model.id.in_(keys))).all()
    cells: dict[int, dict[str, Any]] = {row.id: {} for row in rows}
    for place, field in enumerate(fields, 1):
        resolved: Mapping[Any, Any] = {}
        if field.resolve is not None:
            wanted = {row[place] for row in rows if row[place] is not None}
            resolved = field.resolve(session, actor, wanted) if wanted else {}
        for row in rows:
            cells[row.id][field.name] = row[place] if field.resolve is None else resolved.get(row[place])
    return cells


def recent_rows(session: Session, actor: Actor, query: ListQuery, fields: Sequence[ListField]) -> Page[Row]:
    """What the actor opened or made lately and may still read, the latest first."""
    model = query.object.model
    window = Window(query.object.sorts["created_at"], True, MOST_RECENT)
    lately = (
        select(RecentRecord.record_id, RecentRecord.at)
        .where(RecentRecord.user_id == actor.user_id, RecentRecord.kind == model.__tablename__)
        .order_by(RecentRecord.at.desc())
        .limit(MOST_RECENT)
        .subquery("lately")
    )
    mine = model.id.in_(select(lately.c.record_id))
    conditions, walked = (mine, *query.conditions), walked_by(session, actor, model)
    ids = merged_ids(
        model, actor, window, conditions, level=query.level, causes=query.causes, walked=walked
    ).subquery("page")
    if query.object.beside is not None:
        latest = (
            select(ids)
            .join(lately, lately.c.record_id == ids.c.id)
            .order_by(lately.c.at.desc(), ids.c.id.desc())
        )
        found_ids = [Found(row.id, Level(row.given), None) for row in session.execute(latest)]
        return Page(_beside(session, actor, query, fields, found_ids))
    statement = _select(query, fields, ids).join(lately, lately.c.record_id == ids.c.id)
    found = session.execute(statement.order_by(lately.c.at.desc(), ids.c.id.desc())).all()
    return Page(shown(session, actor, fields, found))


def count_near(session: Session, actor: Actor, query: ListQuery, *, cap: int = COUNT_CAP) -> tuple[int, bool]:
    """(how many match, whether there may be more), looking at the first records of the list.

    What a filter lets through is counted no further, so that it costs the same however many records there are.  What
    a text finds is known by its keys, and counted whole.
    """
    if not query.is_narrowed or names_rows(query.object.model, query.conditions):
        found = count_rows(session, actor, query, cap=cap)
        return min(found, cap), found > cap or query.is_cut_short
    model = query.object.model
    window = Window(query.sort_column, query.descending, LOOKED_AT - 1)
    held = () if query.empty is None else (query.sort_column.is_not(None),)  # as its index says it
    walked = walked_by(session, actor, model)
    ids = merged_ids(
        model, actor, window, held, level=query.level, causes=query.causes, walked=walked
    ).subquery("near")
    matching = func.sum(case((and_(*query.conditions), 1), else_=0))
    statement = select(func.count(), matching).select_from(ids).join(model, model.id == ids.c.id)
    looked_at, found = session.execute(statement).one()
    found = int(found or 0)
    return min(found, cap), looked_at >= LOOKED_AT or found > cap


def batches(
    session: Session,
    actor: Actor,
    query: ListQuery,
    fields: Sequence[ListField],
    *,
    after: tuple[Any, int] | None = None,
    level: Level | None = None,
    size: int,
) -> Iterator[tuple[list[Row], tuple[Any, int]]]:
    """All rows from a place on, so many at a time, each with the place it ends at.

    level: those that the actor has at least so much of.  Memory stays flat however long the list is.
    """
    for found, end in _found(session, actor, query, fields, after, level, size):
        yield shown(session, actor, fields, found), end


def column_batches(
    session: Session,
    actor: Actor,
    query: ListQuery,
    fields: Sequence[ListField],
    *,
    after: tuple[Any, int] | None = None,
    level: Level | None = None,
    size: int,
) -> Iterator[tuple[list[list[Any]], tuple[Any, int]]]:
    """The same, column by column: the records' public names, then what the cells of each field show.

    For files of many rows, which take more than twice as long row by row; moments are text as files hold it.
    """
    for found, end in _found(session, actor, query, fields, after, level, size, for_file=True):
        columns = list(zip(*found, strict=True))
        shown_columns: list[list[Any]] = [list(columns[1])]
        for place, field in enumerate(fields, _FIRST):
            values = columns[place]
            if field.resolve is None:
                shown_columns.append(list(values))
                continue
            keys = {key for key in values if key is not None}
            resolved = field.resolve(session, actor, keys) if keys else {}
            shown_columns.append([resolved.get(key) for key in values])
        yield shown_columns, end


def _found(
    session: Session,
    actor: Actor,
    query: ListQuery,
    fields: Sequence[ListField],
    after: tuple[Any, int] | None,
    level: Level | None,
    size: int,
    *,
    for_file: bool = False,
) -> Iterator[tuple[Sequence[Any], tuple[Any, int]]]:
    walked = walked_by(session, actor, query.object.model, query.conditions)
    level = level or query.object.level
    while True:
        window = window_of(query, size - 1, after)
        ids = merged_ids(
            query.object.model, actor, window, query.conditions, level=level, walked=walked
        ).subquery("page")
        statement = _select(query, fields, ids, for_file=for_file)
        found = session.execute(statement.order_by(*order_of(window, ids))).all()
        if not found:
            return
        after = (found[-1].sort_value, found[-1].id)
        yield found, after
        if len(found) < size:
            return


def rows_of(
    session: Session, actor: Actor, query: ListQuery, fields: Sequence[ListField], refs: Sequence[str]
) -> list[Row]:
    """Those of the records named that the actor may read, by age; the query's filters do not matter."""
    model = query.object.model
    window = Window(query.object.sorts["created_at"], False, len(refs))
    named = (model.ref.in_(refs),)
    walked = walked_by(session, actor, model, named)
    ids = merged_ids(model, actor, window, named, level=query.object.level, walked=walked).subquery("page")
    return shown(
        session, actor, fields, session.execute(_select(query, fields, ids).order_by(ids.c.id)).all()
    )


def shown(session: Session, actor: Actor, fields: Sequence[ListField], found: Sequence[Any]) -> list[Row]:
    """Rows with what their cells show: raw values as they are, those that name others as these are called."""
    resolved: dict[str, Mapping[Any, Any]] = {}
    for place, field in enumerate(fields, _FIRST):
        if field.resolve is not None:
            keys = {row[place] for row in found if row[place] is not None}
            resolved[field.name] = field.resolve(session, actor, keys) if keys else {}
    rows = []
    for row in found:
        cells = {
            field.name: resolved[field.name].get(value) if field.name in resolved else value
            for field, value in zip(fields, row[_FIRST:], strict=True)
        }
        rows.append(Row(row.id, row.ref, row.version, Level(row.given), cells))
    return rows


def _select(
    query: ListQuery, fields: Sequence[ListField], ids: Any, *, for_file: bool = False
) -> Select[*tuple[Any, ...]]:
    model = query.object.model

    def column(field: ListField) -> Any:
        if for_file and is_moment(field):
            return as_text(field)
        return model.id if field.column is None else field.column

    columns = [column(field).label(f"f_{field.name}") for field in fields]
    return select(ids.c.id, model.ref, model.version, ids.c.given, ids.c.sort_value, *columns).join(
        ids, ids.c.id == model.id
    )
