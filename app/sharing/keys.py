"""Keys of new rows: taken in advance, for inserting rows of several tables that name one another in few statements; and
never those of records that are gone.

Events, notices and what was told about somebody name records by their keys for ever.  PostgreSQL counts on; SQLite gives
the key after the highest that is there, which is that of the last record again where that one has gone.
"""

from functools import cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, inspect, select
from sqlalchemy.orm import Session

from app.events.models import Event
from app.kernel.actor import Actor
from app.kernel.db import Base, is_sqlite
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

# Looks at the highest key of a table and at nothing else.
_COUNTING = Actor.system("keys")
# Kinds of records that can go while others are told of by kind and key.
_NAMED = SHARED_TABLES | {"activity"}


def number_new(session: Session, _context: Any, _instances: Any) -> None:
    """Listener of `before_flush`: new records have no key that one which is gone had.  On SQLite alone.

    One statement for each kind that is new, whatever their number.
    """
    if not is_sqlite(session):
        return
    new: dict[str, list[Any]] = {}
    for each in session.new:
        name = getattr(each, "__tablename__", "")
        if name in _NAMED and each.id is None:
            new.setdefault(name, []).append(each)
    for rows in new.values():
        highest, told = _last(session, type(rows[0]))
        if told > highest:
            for key, each in enumerate(sorted(rows, key=_made), told + 1):
                each.id = key


def _made(row: Any) -> int:
    """Its place among what was added to the session."""
    return int(inspect(row).insert_order)


def _last(session: Session, model: type[Base]) -> tuple[int, int]:
    """(the highest key that is there, the highest that was ever told of), 0 for none."""
    highest, told = session.execute(_last_keys(model)).one()
    return highest or 0, told or 0


@cache
def _last_keys(model: type[Base]) -> Select[Any]:
    there = select(model.__table__.c.id)
    if model.__tablename__ in SHARED_TABLES:
        there = there.where(scope(model, _COUNTING))
    told = select(Event.record_id).where(Event.record_kind == model.__tablename__)
    return select(_highest(there, model.__table__.c.id), _highest(told, Event.record_id))


def _highest(keys: Select[Any], column: Any) -> ScalarSelect[Any]:
    """By the end of an index."""
    return keys.order_by(column.desc()).limit(1).scalar_subquery()


def reserve_keys(session: Session, model: type[Base], count: int) -> range | list[int]:
    """That many unused keys of the model's table, in rising order.

    PostgreSQL: from the table's sequence.  SQLite: after the highest key that was ever there, which nobody else can
    take while this writing transaction holds the lock.
    """
    if count == 0:
        return []
    table = model.__tablename__
    if is_sqlite(session):
        first = max(_last(session, model)) + 1
        return range(first, first + count)
    numbers = func.generate_series(1, count).table_valued("n")
    sequence = func.pg_get_serial_sequence(f'"{table}"', "id")
    return sorted(session.scalars(select(func.nextval(sequence)).select_from(numbers)))
