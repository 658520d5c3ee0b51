"""What all tests share: the application on both databases, four people and their companies, clients.

A test that takes `app`, `session` or a person runs on SQLite and on PostgreSQL; one that goes through pages or the API
(`client`, `signed_in`, `api`) on SQLite, and on PostgreSQL too with `--pages-on-both`.  Marks narrow that: `race`
(PostgreSQL, real connections), `databases("sqlite")`, and `long_on("postgresql")` for what would take long on both.
Browser tests are marked `browser`, the invariants at their full figures `long`, those that need the true costs of
passwords `real_hashes`.
"""

import gc
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.identity import passwords, recovery_codes
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import db, set_reading
from app.partners.models import PartnerAccount
from app.sharing import building, grant_sets
from tests import people
from tests.chromium import browser_type_launch_args  # noqa: F401 - a fixture, asked for by name
from tests.factories import make_partner, make_user
from tests.worlds import Queries, Worlds, engines_of, listen

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# Applications and their databases


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pages-on-both",
        action="store_true",
        help="tests of pages and of the API on PostgreSQL too, not on SQLite alone",
    )


def pytest_configure() -> None:
    """Look for cycles seldom: what a test leaves is little, and a whole look took a fifth of a second, twice a second."""
    gc.set_threshold(20_000, 20, 100)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        both = metafunc.config.getoption("--pages-on-both")
        engines = engines_of(metafunc.definition, metafunc.fixturenames, pages_on_both=both)
        late = {name for mark in metafunc.definition.iter_markers("long_on") for name in mark.args}
        asked = [pytest.param(each, marks=pytest.mark.long) if each in late else each for each in engines]
        metafunc.parametrize("engine", asked, indirect=True)


# The longest first, whatever the order of the rest: else one worker waits at the end for what the other began late.
LONGEST = (
    "test_a_rival_learns_nothing", "test_partners_are_let_in", "test_pages_of_the_", "test_killed_again_and_again",
    "test_a_process_without_migrations", "test_worlds_that_share",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests; `make test-browser` looks for tests in one folder alone."""
    astray = [i.nodeid for i in items if i.get_closest_marker("browser") and "browser" not in i.path.parts]
    if astray:
        raise pytest.UsageError(f"browser tests outside tests/browser would not be run: {astray}")
    items.sort(
        key=lambda item: next((n for n, name in enumerate(LONGEST) if name in item.nodeid), len(LONGEST))
    )


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """`sqlite` or `postgresql`."""
    return str(request.param)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Worlds]:
    """The applications of this worker; `worlds.reset(app)` gives a clean slate within a test."""
    worlds = Worlds(tmp_path_factory.mktemp("worlds"), worker_id)
    yield worlds
    worlds.close()


@pytest.fixture
def app(engine: str, worlds: Worlds) -> Flask:
    """The application, its database as the migrations leave it."""
    return worlds.app(engine)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """The test's own session.  Committed before each request of a client, read anew after it."""
    with app.app_context():
        own = db.session()
        # The test writes with it, whatever was run beside it in the same thread.
        event.listen(own, "after_transaction_create", lambda *_: set_reading(False))
        yield own
        db.session.rollback()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What sharing rules and shares give is in force as soon as it is built: no process has to hear of it first."""
    monkeypatch.setattr(building, "GRACE", building.GRACE * 0)
    monkeypatch.setattr(grant_sets, "KNOWN_FOR", -1.0)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def count_queries() -> Callable[[], AbstractContextManager[Queries]]:
    """`with count_queries() as queries: …; assert len(queries) <= 12, queries`."""

    @contextmanager
    def count() -> Iterator[Queries]:
        grant_sets.forget_known()  # read at most every two seconds, so by chance otherwise
        with contextmanager(listen)(Queries()) as queries:
            yield queries

    return count


# People


@pytest.fixture
def ada(session: Session) -> User:
    """The administrator."""
    return make_user(session, "Ada", email="ada@vendor.example", role=Role.ADMINISTRATOR)


@pytest.fixture
def mara(session: Session) -> User:
    """The channel manager, who owns both partner accounts."""
    return make_user(session, "Mara", email="mara@vendor.example", role=Role.CHANNEL_MANAGER)


@pytest.fixture
def sal(session: Session) -> User:
    """In sales."""
    return make_user(session, "Sal", email="sal@vendor.example", role=Role.SALES)


@pytest.fixture
def vic(session: Session) -> User:
    """The viewer."""
    return make_user(session, "Vic", email="vic@vendor.example", role=Role.VIEWER)


@pytest.fixture
def northwind(session: Session, mara: User) -> PartnerAccount:
    """The partner account of Pia, Pam and Pex."""
    return make_partner(session, "Northwind", owner=mara)


@pytest.fixture
def southwind(session: Session, mara: User) -> PartnerAccount:
    """The rival, with Otto."""
    return make_partner(session, "Southwind", owner=mara)


@pytest.fixture
def pia(session: Session, northwind: PartnerAccount) -> User:
    """A partner user at Northwind."""
    return make_user(session, "Pia", email="pia@northwind.example", role=Role.USER, partner=northwind)


@pytest.fixture
def pam(session: Session, northwind: PartnerAccount) -> User:
    """A partner manager at Northwind."""
    return make_user(session, "Pam", email="pam@northwind.example", role=Role.MANAGER, partner=northwind)


@pytest.fixture
def pex(session: Session, northwind: PartnerAccount) -> User:
    """A partner executive at Northwind."""
    return make_user(session, "Pex", email="pex@northwind.example", role=Role.EXECUTIVE, partner=northwind)


@pytest.fixture
def otto(session: Session, southwind: PartnerAccount) -> User:
    """A partner user at the rival."""
    return make_user(session, "Otto", email="otto@southwind.example", role=Role.USER, partner=southwind)


# Passwords


@pytest.fixture(autouse=True)
def _cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords and recovery codes cost a millisecond, unless a test is marked `real_hashes`."""
    if request.node.get_closest_marker("real_hashes"):
        passwords._nobodys.cache_clear()
    else:
        monkeypatch.setattr(passwords, "_HASHER", CHEAP)
        monkeypatch.setattr(recovery_codes, "_COSTS", {"time_cost": 1, "memory_cost": 8, "parallelism": 1})


# Clients


@pytest.fixture
def new_client(app: Flask) -> Callable[[], people.Client]:
    """Another browser, with cookies of its own."""
    return lambda: people.Client(app, use_cookies=True)


@pytest.fixture
def client(new_client: Callable[[], people.Client]) -> people.Client:
    """A browser in which nobody is signed in.  `client.submit(url, data)` sends a form with its token."""
    return new_client()


@pytest.fixture
def signed_in(session: Session, new_client: Callable[[], people.Client]) -> Callable[[User], people.Client]:
    """`signed_in(pia)`: a browser in which that person is signed in."""

    def start(user: User) -> people.Client:
        browser = new_client()
        people.sign_in(browser, user)
        return browser

    return start


@pytest.fixture
def api(app: Flask, session: Session) -> Callable[..., people.ApiClient]:
    """`api(pia)`: calls the JSON API with a token of that person."""

    def start(user: User, **token: Any) -> people.ApiClient:
        return people.ApiClient(app, people.make_token(user, **token))

    return start


# The network is refused


class NetworkRefused(Exception):
    """A test reached for another machine."""


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
    yield
    patch.undo()


def _local_only(connect: Callable[..., Any]) -> Callable[..., Any]:
    def checked(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not _is_loopback(str(address[0])):
            raise NetworkRefused(f"{address[0]} is not this machine")
        return connect(self, address)

    return checked


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
