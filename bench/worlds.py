"""A database of so many leads with the people who look at them: made from a seed, used, thrown away."""

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from flask import Flask, g
from flask import session as cookie_session
from flask_migrate import upgrade
from flask_wtf.csrf import generate_csrf
from psycopg import sql
from sqlalchemy import Connection, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app import create_app
from app.campaigns.models import Campaign
from app.identity.models import User, UserSession
from app.identity.queries import digest
from app.kernel import clock, refs
from app.kernel.bulk import insert_rows
from app.kernel.db import Base, db, set_reading, transaction
from app.leads.models import Lead, LeadSource, LeadStatus
from app.reports.counting import rebuild
from app.search.upkeep import enter_values
from app.settings import ROOT, Settings
from bench.company import Company, found_company
from bench.leads import HISTORY, SPELLING, Lists, lead_rows, spread
from tests.databases import server_url

SECRET = "benchmarks-sign-with-this-key-and-nobody-else"
SEED = 20261121
CHUNK = 20_000
_LOADED = (
    "lead",
    "assignment",
    "event",
    "activity",
    "notification",
    "offer",
    "opportunity",
    "conversion",
    "search_entry",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in.  cookie: what their browser sends.  csrf: the token of their forms."""

    id: int
    ref: str
    cookie: str
    csrf: str


@dataclass(frozen=True, slots=True)
class World:
    """A loaded database.  marks: keys of queues and round robins that rounds use."""

    engine: str
    size: int
    url: str
    folder: str
    people: dict[str, Person]
    marks: dict[str, int] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        return Path(self.folder, "world.json")

    def environ(self) -> dict[str, str]:
        """What a process of Canal on this database is started with."""
        return {
            **os.environ,
            "CANAL_DATABASE_URL": self.url,
            "CANAL_DATA": self.folder,
            "CANAL_SECRET_KEY": SECRET,
            "CANAL_RATE_LIMITS": "off",
            "CANAL_SECOND_FACTOR_ROLES": "",
            "BENCH_WORLD": str(self.file),
        }

    def app(self) -> Flask:
        """The application on this database, in this process."""
        return create_app(
            Settings(  # type: ignore[arg-type]  # pydantic takes plain strings
                data=Path(self.folder), database_url=self.url, secret_key=SECRET, rate_limits=False,
                log_level="error", second_factor_roles="",
            )
        )  # fmt: skip

    @classmethod
    def read(cls, path: str | Path | None = None) -> "World":
        """The world that a process was started for."""
        kept = json.loads(Path(path or os.environ["BENCH_WORLD"]).read_text())
        people = {name: Person(**person) for name, person in kept.pop("people").items()}
        return cls(**kept, people=people)


Found = Callable[[Session, int, Random], Company]
Fill = Callable[[str, int, Company, Random], None]


def make_world(engine: str, size: int, folder: Path, *, seed: int = SEED) -> World:
    """Make a database of so many leads.  folder: for its files; SQLite's database is among them."""
    return make_filled(engine, size, folder, found_company, _fill_with_leads, seed=seed)


def make_filled(engine: str, size: int, folder: Path, found: Found, fill: Fill, *, seed: int = SEED) -> World:
    """Make a database with the people that `found` writes, and let `fill` load the rest."""
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder / 'canal.db'}" if engine == "sqlite" else _new_database(size)
    empty = World(engine, size, url, str(folder), {})
    try:
        company, people = _filled(empty, found, fill, Random(seed))
    except BaseException:
        drop_world(empty)
        raise
    return _written(World(engine, size, url, str(folder), people, company.marks))


def _filled(empty: World, found: Found, fill: Fill, random: Random) -> tuple[Company, dict[str, Person]]:
    engine, size, app = empty.engine, empty.size, empty.app()
    with app.app_context():
        set_reading(False)
        upgrade(directory=str(ROOT / "migrations"))
        with refs.seeded(random):
            with transaction() as session:
                company = found(session, size, random)
                people = {name: _sign_in(app, session, user) for name, user in company.people.items()}
            fill(engine, size, company, random)
        db.session.remove()
        db.engine.dispose()
    return company, people


def _written(world: World) -> World:
    """The world, which processes can now be started for: its file is there."""
    world.file.write_text(json.dumps(asdict(world)))
    return world


def is_there(folder: Path) -> bool:
    """Whether a whole world is in the folder, and its database on the server."""
    if not Path(folder, "world.json").exists():
        return False
    world = World.read(Path(folder, "world.json"))
    if world.engine == "sqlite":
        return Path(folder, "canal.db").exists()
    with _server() as server:
        name = make_url(world.url).database
        return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def copy_world(kept: Path, folder: Path) -> World:
    """A world of its own as the kept one is, with people who have just signed in."""
    world = World.read(Path(kept, "world.json"))
    shutil.copytree(kept, folder)
    if world.engine == "sqlite":
        url = f"sqlite:///{folder / 'canal.db'}"
    else:
        url = _new_database(world.size, template=make_url(world.url).database or "")
    copy = replace(world, url=url, folder=str(folder))
    app = copy.app()
    with app.app_context():
        with transaction() as session:
            people = {
                name: _sign_in(app, session, session.get_one(User, person.id))
                for name, person in world.people.items()
            }
        db.session.remove()
        db.engine.dispose()
    return _written(replace(copy, people=people))


def _fill_with_leads(engine: str, size: int, company: Company, random: Random) -> None:
    with transaction() as session:
        lists = read_lists(session)
        owners = spread(size, company.places, random)
    rows = lead_rows(owners, lists, random, clock.now())
    with loading(engine, _LOADED):
        _insert_leads(engine, rows)
        run_statements(engine, HISTORY)
    with transaction() as session:
        rebuild(session)
    settle(engine)


def _insert_leads(engine: str, rows: Iterator[dict[str, Any]]) -> None:
    """With what they are found by, which every lead has that the application itself has stored."""
    while chunk := list(islice(rows, CHUNK)):
        insert_in_chunks(engine, Lead, chunk)
        with transaction() as session:
            enter_values(session, (("lead", row["id"], row) for row in chunk))


def drop_world(world: World) -> None:
    """Remove what `make_world` made outside its folder."""
    if world.engine == "postgresql":
        with _server() as server:
            name = sql.Identifier(make_url(world.url).database or "")
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def read_lists(session: Session) -> Lists:
    """The administrator's lists, as the generator wants them."""
    statuses = {s.key: (s.id, s.category != "unqualified") for s in session.scalars(select(LeadStatus))}
    sources = list(session.scalars(select(LeadSource.id).order_by(LeadSource.id)))
    campaigns = session.execute(select(Campaign.id, Campaign.name).order_by(Campaign.id))
    return Lists(statuses, sources, [(row.id, row.name) for row in campaigns])


@contextmanager
def _server() -> Iterator["psycopg.Connection[Any]"]:
    address = make_url(server_url(durable=True)).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def _new_database(size: int, template: str = "template0") -> str:
    name = f"canal_bench_{size}_{os.getpid()}_{secrets.token_hex(3)}"
    with _server() as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return make_url(server_url(durable=True)).set(database=name).render_as_string(hide_password=False)


def _sign_in(app: Flask, session: Session, user: User) -> Person:
    """Begin a browser's session for the user, with the cookie that the application itself would send."""
    now = clock.now()
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            ref=refs.new_ref(refs.SESSION), token_hash=digest(token), user_id=user.id, created_at=now,
            last_seen_at=now + timedelta(hours=1), expires_at=now + timedelta(days=7),
        )
    )  # fmt: skip
    with app.test_request_context("/"):
        cookie_session["_user_id"] = token
        cookie_session["_fresh"] = True
        g.pop("csrf_token", None)  # of the person before: the application's context is the same
        csrf = generate_csrf()
        answer = app.make_response("")
        app.session_interface.save_session(app, cookie_session, answer)  # type: ignore[arg-type]
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    return Person(user.id, user.ref, cookie, csrf)


@contextmanager
def writing() -> Iterator[Connection]:
    """A transaction past the session, which may write whatever the one before it did."""
    set_reading(False)
    with db.engine.begin() as connection:
        yield connection


@contextmanager
def loading(engine: str, names: Sequence[str]) -> Iterator[None]:
    """While rows are loaded their tables have no indexes, which is several times faster."""
    tables = [Base.metadata.tables[name] for name in names]
    indexes = sorted(
        (index for table in tables for index in table.indexes), key=lambda index: str(index.name)
    )
    with db.engine.connect() as connection:
        if engine == "sqlite":
            _pragma(connection, "foreign_keys=OFF", "synchronous=OFF")
    with writing() as connection:
        for index in indexes:
            index.drop(connection)
    yield
    with writing() as connection:
        if engine == "postgresql":
            connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        for index in indexes:
            index.create(connection)
    settle(engine)


def insert_in_chunks(engine: str, model: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows as they come, some thousands in a transaction, without looking at foreign keys."""
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        with transaction() as session:
            if engine == "postgresql":
                session.execute(text("SET LOCAL session_replication_role = replica"))
            insert_rows(session, model, chunk)
    table = model.__tablename__
    if engine == "postgresql" and "id" in model.__table__.columns:
        with writing() as connection:
            connection.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM \"{table}\"))"))


def run_statements(engine: str, statements: Sequence[str]) -> None:
    """Run statements that write many rows, spelt for the database."""
    with writing() as connection:
        if engine == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            connection.exec_driver_sql(statement.format(**SPELLING[engine]))


def settle(engine: str) -> None:
    """Leave the database as one that has run for a while: with statistics, and nothing still to be written."""
    if engine == "sqlite":
        with writing() as connection:
            connection.exec_driver_sql("ANALYZE")
        with db.engine.connect() as connection:
            _pragma(connection, "wal_checkpoint(TRUNCATE)", "foreign_keys=ON", "synchronous=FULL")
        return
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _pragma(connection: Connection, *settings: str) -> None:
    raw: Any = connection.connection.driver_connection
    for setting in settings:
        raw.execute(f"PRAGMA {setting}")


def sleep_until_quiet(seconds: float = 0.2) -> None:
    """Let what was started before settle."""
    time.sleep(seconds)
