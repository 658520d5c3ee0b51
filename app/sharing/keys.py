"""Keys taken in advance, for inserting rows of several tables that name one another in few statements."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.db import Base, is_sqlite
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

# Looks at the highest key of a table and at nothing else.
_COUNTING = Actor.system("keys")


def reserve_keys(session: Session, model: type[Base], count: int) -> range | list[int]:
    """That many unused keys of the model's table, in rising order.

    PostgreSQL: from the table's sequence.  SQLite: after the highest key, which nobody else can take
    while this writing transaction holds the lock.
    """
    if count == 0:
        return []
    table = model.__tablename__
    if is_sqlite(session):
        key = model.__table__.c.id
        highest = select(key).order_by(key.desc()).limit(1)
        if table in SHARED_TABLES:
            highest = highest.where(scope(model, _COUNTING))
        first = (session.scalar(highest) or 0) + 1
        return range(first, first + count)
    numbers = func.generate_series(1, count).table_valued("n")
    sequence = func.pg_get_serial_sequence(f'"{table}"', "id")
    return sorted(session.scalars(select(func.nextval(sequence)).select_from(numbers)))
