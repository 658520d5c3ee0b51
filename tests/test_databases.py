"""The PostgreSQL that tests get: fresh databases, and nothing left when its owner ends in whatever way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests import databases, postgres_server

ROOT = Path(__file__).parent.parent


def connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
    )


def test_a_database_is_fresh_and_can_be_copied(worker_id):
    first = databases.postgres_url(worker_id)
    with connect(first) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)
        connection.execute("CREATE TABLE kept (id int)")
    copy, empty = databases.postgres_url(worker_id, template=first), databases.postgres_url(worker_id)
    with connect(copy) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    with connect(empty) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT count(*) FROM kept")
    assert len({first, copy, empty}) == 3


def test_a_dropped_database_is_gone(worker_id):
    url = databases.postgres_url(worker_id)
    with connect(url):  # also while someone is connected
        databases.drop_database(url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(url)


def test_the_extensions_that_search_needs_are_there(worker_id):
    with connect(databases.postgres_url(worker_id)) as connection:
        for name in ("pg_trgm", "unaccent"):
            connection.execute(f"CREATE EXTENSION {name}")
        assert connection.execute("SELECT unaccent('Peña') % 'pena'").fetchone() == (True,)


@pytest.mark.skipif(bool(os.environ.get(databases.GIVEN)), reason="a given server is not ours to end")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_its_owner(ending):
    program = "from tests import databases; print(databases.server_url(), flush=True); input()"
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTEST_XDIST_WORKER"},
    )  # fmt: skip
    with owner:
        assert owner.stdout
        socket = Path(str(make_url(owner.stdout.readline().strip()).query["host"]))
        folder = socket.parent
        assert (socket / ".s.PGSQL.5432").exists()
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        owner.send_signal(ending)
    give_up = time.monotonic() + 10
    while (folder.exists() or Path(f"/proc/{server}").exists()) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not folder.exists()
    assert not folder.with_name(f"{folder.name}.lock").exists()
    assert not Path(f"/proc/{server}").exists()


def test_debian_is_the_fallback_where_the_wheel_is_absent(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    found = postgres_server.binaries()
    assert found is None or found.is_relative_to("/usr/lib/postgresql")
