"""The database: declarative base, column types, the one way to open a transaction.

SQLite and PostgreSQL are both first class; what their engines need stands in `engines`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Enum,
    Executable,
    Integer,
    MetaData,
    String,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
    """An aware UTC moment.  A naive value is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive moment {value!r}")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer, "sqlite")
Json = JSON().with_variant(JSONB, "postgresql")

# Enumerations are kept as text, by value, so that a new member needs no migration of a type.
EnumText = Enum(StrEnum, native_enum=False, length=30, values_callable=lambda e: [m.value for m in e])

Key = Annotated[int, mapped_column(BigKey, primary_key=True)]
Ref = Annotated[str, mapped_column(String(40), unique=True)]
At = Annotated[datetime, mapped_column(Moment)]


class Base(DeclarativeBase):
    """Root of all tables.  Constraint names are fixed so that SQLite migrations can drop them."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        datetime: Moment,
        dict[str, Any]: Json,
        list[Any]: Json,
        str: Text,
        StrEnum: EnumText,
    }


# Models derive from Base, whose type map Flask-SQLAlchemy could not inherit; they meet in the metadata.
db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})

_Statement = TypeVar("_Statement", bound=Executable)

# Whether the current thread of work only reads.  Web requests with a safe method do; everything
# else is taken to write, so that nothing has to remember to ask for the lock.
_reading: ContextVar[bool] = ContextVar("canal_reading", default=False)


def set_reading(value: bool) -> None:
    """Say whether the transactions that begin from here on only read."""
    _reading.set(value)


def is_reading() -> bool:
    """Whether they do."""
    return _reading.get()


# Whether the door holds one transaction around several, see `join_transactions`.
_joined: ContextVar[bool] = ContextVar("canal_joined", default=False)


def join_transactions(value: bool) -> bool:
    """Let `transaction` not commit from here on: the caller does, for all of them.  An error ends it.

    For a door that must commit its own answer together with what the operation did.  Whether it was so before.
    """
    before = _joined.get()
    _joined.set(value)
    return before


def begin_writing() -> Session:
    """The session, in a transaction that may write; what it has read so far is let go if it could not."""
    session = db.session()
    if _reading.get():
        session.rollback()  # a reading transaction cannot take the write lock any more
        _reading.set(False)
    return session


@contextmanager
def transaction() -> Iterator[Session]:
    """The one way in which a door changes data: commits at the end, rolls back on any error."""
    if _joined.get():
        try:
            yield db.session()
            db.session().flush()
        except BaseException:
            # Nothing of it stays, as ever; what comes after is by itself.
            _joined.set(False)
            db.session().rollback()
            _reading.set(True)
            raise
        return
    session = begin_writing()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _reading.set(True)


def let_go() -> None:
    """End what the session is in the middle of, before long work that needs no database.

    On SQLite a request that may write holds the only writer's lock from its beginning.  Nothing that was
    changed is kept.  Within joined transactions it does nothing.
    """
    if not _joined.get():
        db.session().rollback()
        _reading.set(True)


@contextmanager
def reading() -> Iterator[Session]:
    """A look into the database that takes no lock; for the worker, whose threads would write by default."""
    set_reading(True)
    session = db.session()
    try:
        yield session
    finally:
        session.rollback()


@contextmanager
def aside() -> Iterator[Session]:
    """A look into the database beside whatever the session at hand is about to do: it takes no lock and begins nothing."""
    before = _reading.get()
    _reading.set(True)
    try:
        with Session(db.engine) as session:
            yield session
    finally:
        _reading.set(before)


PLANNED_ONCE = "planned_once"


def planned_once(statement: _Statement) -> _Statement:
    """The statement, to be planned once for all values where the database can: PostgreSQL, for what only reads.

    For long statements whose rows are found by keys, which take ten times as long to plan as to run, with limits that are
    `fixed`: of a bound one the planner supposes a tenth of all rows, and finds each plan for certain values better.  Not for
    lists and counts that are narrowed: how their rows are best found depends on the values.
    """
    return statement.execution_options(**{PLANNED_ONCE: True})


def is_sqlite(session: Session) -> bool:
    """Whether the session talks to SQLite, where a writing transaction is alone already."""
    return session.get_bind().dialect.name == "sqlite"
