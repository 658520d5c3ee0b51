"""Inserting rows of one table as fast as each database takes them.

SQLAlchemy's own executemany prepares every value of every row in Python; for wide rows that costs more
than the database does.  Here values are prepared by column, constants once, and handed over as they are:
SQLite by one prepared statement, PostgreSQL by COPY.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, Column, Insert, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.kernel.db import Base, Moment

Convert = Callable[[Any], Any]


def insert_rows(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows in the session's transaction.  Does not flush or commit.

    rows: column name → value, all with the same names; a column that is left out gets the database's own
    default, not the model's.  Values are of the model's types: aware moments, JSON-able values, enums.

    Raises the errors of sqlalchemy, after which the transaction can only be rolled back.
    """
    if not rows:
        return
    table = model.__table__
    assert isinstance(table, Table)
    names = tuple(rows[0])
    connection = session.connection()
    dialect = connection.dialect.name
    converters = _converters(table, names, dialect)
    values = map(_values_of(names), rows)
    prepared = [_converted(list(row), converters) for row in values]
    raw: Any = connection.connection.driver_connection
    statement = _statement(table, names, dialect)
    try:
        if dialect == "sqlite":
            raw.executemany(statement, prepared)
        else:
            with raw.cursor() as cursor, cursor.copy(statement) as copy:
                for row in prepared:
                    copy.write_row(row)
    except Exception as error:
        driver: Any = connection.dialect.dbapi
        if isinstance(error, driver.Error):
            raise DBAPIError.instance(
                statement, None, error, driver.Error, dialect=connection.dialect
            ) from error
        raise


def insert_row(session: Session, model: type[Base], values: dict[str, Any]) -> int:
    """Insert one row in the session's transaction; its key.  Does not flush or commit.

    For rows that nobody needs as an object, on paths where many wait for the same lock: it costs a
    fraction of what the unit of work does.  values: of the model's types; its defaults apply.
    """
    return int(session.connection().execute(_one(model), values).scalar_one())


@lru_cache(maxsize=64)
def _one(model: type[Base]) -> Insert:
    table = model.__table__
    assert isinstance(table, Table)
    return table.insert().returning(table.c.id)


def _converted(row: list[Any], converters: Sequence[tuple[int, Convert]]) -> list[Any]:
    for place, convert in converters:
        value = row[place]
        if value is not None:
            row[place] = convert(value)
    return row


@lru_cache(maxsize=64)
def _values_of(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    getter = itemgetter(*names)
    return getter if len(names) > 1 else lambda row: (getter(row),)


@lru_cache(maxsize=64)
def _statement(table: Table, names: tuple[str, ...], dialect: str) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    if dialect == "sqlite":
        return f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(names))})'  # noqa: S608 - our own names
    return f'COPY "{table.name}" ({columns}) FROM STDIN'


@lru_cache(maxsize=64)
def _converters(table: Table, names: tuple[str, ...], dialect: str) -> tuple[tuple[int, Convert], ...]:
    """(place, how) of the columns whose values the driver would not store as they are."""
    found = ((place, _converter(table.c[name], dialect)) for place, name in enumerate(names))
    return tuple((place, convert) for place, convert in found if convert)


def _converter(column: Column[Any], dialect: str) -> Convert | None:
    if isinstance(column.type, Moment):
        return _sqlite_moment if dialect == "sqlite" else _moment
    if isinstance(column.type, JSON):
        return _json
    if column.type.__class__.__name__ == "Enum":
        return _enum
    return None


@lru_cache(maxsize=4096)
def _sqlite_moment(value: datetime) -> str:
    return _moment(value).replace(tzinfo=None).isoformat(" ", "microseconds")


def _moment(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(f"naive moment {value!r}")
    return value.astimezone(UTC)


def _json(value: Any) -> str:
    # Most rows hold nothing here.
    return json.dumps(value) if value else "{}" if isinstance(value, dict) else json.dumps(value)


def _enum(value: Any) -> str:
    return str(value.value)
