"""The engines of both databases: how their connections are set up, begin, and are looked after.

On SQLite a writing transaction takes the write lock when it begins (BEGIN IMMEDIATE): Python's driver would otherwise
let two requests read the same row and the later silently overwrite the earlier.
"""

import random
import sqlite3
import time
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from threading import Lock
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExecutionContext
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from app.kernel.db import PLANNED_ONCE, is_reading

SQLITE_WAIT_SECONDS = 10.0


class Line:
    """A lock for threads that is given in the order in which it was asked for: whoever lets go does not get it again first."""

    def __init__(self) -> None:
        self._own, self._is_taken, self._waiting = Lock(), False, deque[Lock]()

    def acquire(self, timeout: float) -> bool:
        """Whether it was given within so many seconds."""
        with self._own:
            if not self._is_taken:
                self._is_taken = True
                return True
            turn = Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._own:
            if turn not in self._waiting:  # it was given just now
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Give it to whoever waits longest."""
        with self._own:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False


def prepare_engine(engine: Engine) -> None:
    """Set up the engine's connections, beyond what its URL and options say."""
    if engine.dialect.name != "sqlite":
        _keep_long_statements()
        _keep_plans(engine)
        _ask_rested(engine)
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins, see _begin
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")
        connection.create_function("canal_local_day", 2, _local_day, deterministic=True)

    # Writers of this process stand in line; only those of others have to be tried for.
    line = Line()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if is_reading():
            connection.exec_driver_sql("BEGIN")
            return
        give_up = time.monotonic() + SQLITE_WAIT_SECONDS
        if not line.acquire(SQLITE_WAIT_SECONDS):
            raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
        try:
            _begin_immediate(connection, give_up)
        except BaseException:
            line.release()
            raise
        connection.info[_WRITES] = True

    def _leave(info: MutableMapping[Any, Any]) -> None:
        if info.pop(_WRITES, False):
            line.release()

    @event.listens_for(engine, "commit")
    def _commit(connection: Connection) -> None:
        # Written to the disk while this one still stands in line: the next would find SQLite's lock held, and sleep.
        if connection.info.get(_WRITES):
            with suppress(sqlite3.Error):  # tried again by the engine, which says so
                cast("sqlite3.Connection", connection.connection.driver_connection).commit()
            _leave(connection.info)

    event.listen(engine, "rollback", lambda connection: _leave(connection.info))
    # A connection that was dropped in mid-transaction is rolled back by the pool.
    event.listen(engine, "checkin", lambda _raw, record: _leave(record.info))
    event.listen(engine, "invalidate", lambda _raw, record, _error: _leave(record.info))


_WRITES = "canal_writes"


@lru_cache(maxsize=4096)
def _local_day_of_hour(hour: str, zone: str) -> int:
    moment = datetime.strptime(hour, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    return moment.year * 10_000 + moment.month * 100 + moment.day


def _local_day(moment: str | None, zone: str) -> int | None:
    """What PostgreSQL says by AT TIME ZONE: the day of a stored moment in that zone, as 20261122.

    Zones are apart by quarters of an hour, so that a moment's quarter tells its day.
    """
    if moment is None:
        return None
    return _local_day_of_hour(f"{moment[:14]}{int(moment[14:16]) // 15 * 15:02}", zone)


def _keep_long_statements() -> None:
    """Let psycopg remember how it read long statements too.

    It reads each text in Python to find its parameters, and keeps the outcome of texts up to 4 kB only; a
    list's statement names the columns of wide tables several times, and cost a millisecond each time.
    """
    from psycopg import _queries

    _queries.MAX_CACHED_STATEMENT_LENGTH = 32_768
    _queries.MAX_CACHED_STATEMENT_PARAMS = 500


def _keep_plans(engine: Engine) -> None:
    """Let what is `planned_once` stay prepared on its connection, and nothing else that only reads.

    After a rollback psycopg forgets what it has prepared, for a statement may name what is gone with it.  What only reads
    therefore ends by committing nothing instead of rolling nothing back, and the database sees to it that it writes nothing.
    """
    from psycopg.pq import TransactionStatus

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        raw: Any = connection.connection.driver_connection
        raw.read_only = True if is_reading() else None  # None: as the server has it

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: Any, statement: str, given: Any, context: ExecutionContext | None) -> bool:
        if not cursor.connection.read_only:
            return False  # the driver's own way
        is_once = context is not None and bool(context.execution_options.get(PLANNED_ONCE))
        # None: prepared once it has come often enough.
        cursor.execute(statement, given, prepare=None if is_once else False)
        return True

    @event.listens_for(engine, "rollback")
    def _rollback(connection: Connection) -> None:
        if connection.invalidated:  # the server hung up: there is nothing to end
            return
        raw: Any = connection.connection.driver_connection
        if raw.read_only and raw.info.transaction_status == TransactionStatus.INTRANS:
            raw.commit()


# A connection that was in use so lately stands: it is not asked again, which would take as long as a statement.
RESTED_SECONDS = 1.0
_RESTS_SINCE = "canal_rests_since"


def _ask_rested(engine: Engine) -> None:
    """Ask a connection that rested in the pool whether it still stands, before it is used; all are made anew if not."""

    @event.listens_for(engine, "checkin")
    def _checkin(_raw: object, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _checkout(raw: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        now = time.monotonic()
        if now - record.info.get(_RESTS_SINCE, now) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(raw)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _begin_immediate(connection: Connection, give_up: float) -> None:
    """Take SQLite's write lock, trying often for a short while each, until the clock says `give_up`.

    SQLite's own busy handler sleeps up to 100 ms between tries, so that under load some writer
    waits for seconds while others overtake it; short random sleeps keep the wait even.
    """
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) and "busy" not in str(error):
                    raise OperationalError("BEGIN IMMEDIATE", None, error) from error
                if time.monotonic() > give_up:
                    raise OperationalError("BEGIN IMMEDIATE", None, error) from error
                time.sleep(random.uniform(0.0005, 0.003))  # noqa: S311 - jitter, no secret
    finally:
        raw.execute("PRAGMA busy_timeout=5000")
