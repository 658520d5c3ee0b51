"""The application under test on each database, and a clean slate between tests.

An application is made once per worker and database; between tests its rows are put back to what the
migrations leave.  SQLite: the file is replaced by a copy.  PostgreSQL: rows are deleted with triggers
off, for the append-only tables refuse it otherwise, and the first rows are written again.
"""

import gc
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, event, text
from sqlalchemy.engine import Connection

from app import create_app
from app.kernel.db import Base, db, set_reading
from app.settings import ROOT, Settings
from app.web.limits import limiter
from tests import databases

SECRET = "tests-sign-with-this-key-and-nobody-else-does"
ENGINES = ("sqlite", "postgresql")


def make_app(folder: Path, database_url: str = "", **settings: Any) -> Flask:
    """An application on that database (a SQLite file in `folder` when none is named), not migrated.

    settings: override those of the tests, for example `rate_limits=True`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given: dict[str, Any] = {
        "data": folder,
        "database_url": database_url,
        "mail_url": "file:",
        "secret_key": SECRET,
        "rate_limits": False,
        "log_level": "error",
        "demo": False,
        "second_factor_roles": "",
    }
    app = create_app(Settings(**{**given, **settings}))
    # Bugs surface in the test with their traceback instead of as a page with 500.
    app.config.update(TESTING=True, PROPAGATE_BUGS=True)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _wait_for_no_disk)
    return app


def _wait_for_no_disk(connection: sqlite3.Connection, _record: object) -> None:
    """A commit reaches other processes and survives this one's end, but not the machine's: ten times as fast."""
    connection.execute("PRAGMA synchronous=OFF")


def migrate(app: Flask) -> None:
    """Bring the application's database to the newest migration."""
    set_reading(False)  # as the last request of a test before may have left it
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        db.engine.dispose()


class Worlds:
    """The applications of this worker, made when a test first asks for them."""

    def __init__(self, folder: Path, worker_id: str) -> None:
        self.folder = folder
        self.worker_id = worker_id
        self._apps: dict[str, Flask] = {}

    def app(self, engine: str) -> Flask:
        """The application on `sqlite` or `postgresql`, with the first rows and nothing else."""
        if engine not in self._apps:
            self._apps[engine] = self._make(engine)
            gc.collect()
            gc.freeze()  # what an application is made of outlives all tests: the collector need not look at it
        self.reset(self._apps[engine])
        return self._apps[engine]

    def another(self, app: Flask, **settings: Any) -> Flask:
        """A second application on the same database, as a second process would be: one for each way of setting it."""
        address = app.config["SQLALCHEMY_DATABASE_URI"]
        name = f"another on {address} {sorted(settings.items())}"
        if name not in self._apps:
            self._apps[name] = make_app(self.folder / f"another{len(self._apps)}", address, **settings)
        limiter.reset()  # it counts for the whole process, and people have the same numbers in every test
        return self._apps[name]

    def close(self) -> None:
        """Close every connection of the worker's applications."""
        for app in self._apps.values():
            with app.app_context():
                db.engine.dispose()

    def reset(self, app: Flask) -> None:
        """Put every row back to what the migrations leave.  Nobody may be in a transaction."""
        set_reading(False)  # as above
        for other in self._apps.values():
            with other.app_context():
                if db.engine.dialect.name == "sqlite":
                    db.engine.dispose()  # one that held the file open would read what is not there any more
        with app.app_context():
            db.session.remove()
            if db.engine.dialect.name == "sqlite":
                self._copy_template(db.engine)
            else:
                with db.engine.begin() as connection:
                    connection.execute(text("SELECT first_rows.put_back()"))

    def _make(self, engine: str) -> Flask:
        if engine == "sqlite":
            app = make_app(self.folder / engine)
            migrate(app)
            shutil.copy(self.folder / engine / "canal.db", self.folder / "template.db")
            return app
        app = make_app(self.folder / engine, databases.postgres_url(self.worker_id))
        migrate(app)
        with app.app_context(), db.engine.begin() as connection:
            _keep_first_rows(connection)
        return app

    def _copy_template(self, engine: Engine) -> None:
        file = Path(str(engine.url.database))
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        # Another file under the name, not the same one written over: what a test left open keeps its own.
        # Nor one put in its place, which some file systems would write to the disk at once.
        file.unlink(missing_ok=True)
        shutil.copy(self.folder / "template.db", file)


def _keep_first_rows(connection: Connection) -> None:
    """Make `first_rows.put_back()`, which deletes every row, with triggers off, and writes the first ones again."""
    connection.execute(text("CREATE SCHEMA first_rows"))
    tables = [table.name for table in Base.metadata.sorted_tables]
    deletes = [f'DELETE FROM public."{name}";' for name in tables]
    inserts = []
    for name in tables:
        if connection.execute(text(f'SELECT EXISTS (SELECT FROM "{name}")')).scalar():
            connection.execute(text(f'CREATE TABLE first_rows."{name}" AS TABLE public."{name}"'))
            inserts.append(f'INSERT INTO public."{name}" SELECT * FROM first_rows."{name}";')
    body = "\n".join(["BEGIN", *deletes, *inserts, "END"])
    connection.exec_driver_sql(
        "CREATE FUNCTION first_rows.put_back() RETURNS void LANGUAGE plpgsql"
        f" SET session_replication_role = replica AS $put_back$ {body} $put_back$"
    )


class Queries(list[str]):
    """The statements that were executed, in order."""

    def __str__(self) -> str:
        return "\n".join(f"{number}. {statement}" for number, statement in enumerate(self, 1))


def listen(into: Queries) -> Iterator[Queries]:
    """Collect what is executed on any engine; the beginning of a transaction is no query."""

    def note(_c: Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":
            into.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield into
    finally:
        event.remove(Engine, "before_cursor_execute", note)


# A test that asks for one of these goes through pages, which read and write through what others test on both.
_DOORS = frozenset({"client", "new_client", "signed_in", "browse", "api"})


def engines_of(definition: Any, fixtures: Collection[str], *, pages_on_both: bool) -> tuple[str, ...]:
    """Which databases a test runs on: both, unless it is marked `race` or `databases("…")`, or goes through a door."""
    if definition.get_closest_marker("race"):
        return ("postgresql",)
    mark: pytest.Mark | None = definition.get_closest_marker("databases")
    if mark:
        return tuple(mark.args)
    return ENGINES if pages_on_both or not _DOORS & set(fixtures) else ENGINES[:1]
