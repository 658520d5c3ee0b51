"""The tests' own ground: each test starts clean, on both databases, and nothing leaves the machine."""

import re
import socket

import pytest
from sqlalchemy import create_engine, select

from app.identity.models import Organisation, User
from app.kernel.db import db
from app.kernel.engines import prepare_engine
from app.leads.models import Lead, LeadStatus
from app.settings import ROOT
from app.sharing.scope import UnscopedStatement
from tests.conftest import NetworkRefused
from tests.factories import actor_of, make_lead, row_count, rows
from tests.races import together


@pytest.mark.parametrize("round_number", [1, 2])
def test_each_test_starts_with_the_first_rows_alone(session, round_number):
    assert row_count(session, User) == 0
    assert row_count(session, Lead) == 0
    assert row_count(session, LeadStatus) == 5
    assert session.scalars(select(Organisation)).one().prm_enabled_at is None
    session.add(session.scalars(select(Organisation)).one())
    make_lead(session)
    session.commit()


def test_the_people_are_who_they_are(session, ada, mara, sal, vic, pia, pam, pex, otto, northwind):
    actors = {user.name: actor_of(session, user) for user in (ada, mara, sal, vic, pia, pam, pex, otto)}
    assert [a.name for a in actors.values() if a.is_internal] == ["Ada", "Mara", "Sal", "Vic"]
    assert actors["Pia"].company_id == northwind.account_id != actors["Otto"].company_id
    assert [actors[n].rank for n in ("Pia", "Pam", "Pex")] == [0, 1, 2]
    assert actors["Pia"].queue_ids == (northwind.queue_id,)


def test_the_engine_is_the_one_asked_for(app, engine, session):
    assert db.engine.dialect.name == engine


def test_outside_of_tests_a_commit_waits_for_the_disk(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'own.db'}")
    prepare_engine(engine)
    with engine.connect() as connection:
        kept = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    engine.dispose()
    assert kept == ["wal", 2]


def test_a_lead_has_the_columns_of_its_owner(session, pam, northwind):
    lead = make_lead(session, owner=pam)
    assert (lead.partner_account_id, lead.owner_rank) == (northwind.account_id, 1)
    assert rows(session, Lead) == [lead]


def test_a_statement_without_scope_is_refused(session):
    with pytest.raises(UnscopedStatement):
        session.scalars(select(Lead)).all()


def test_queries_are_counted(session, count_queries):
    with count_queries() as queries:
        session.scalars(select(LeadStatus)).all()
    assert len(queries) == 1, queries


def test_calls_at_once_have_sessions_of_their_own(app, session, pia):
    found = together(app, [lambda: len(rows(db.session(), User)) for _ in range(4)])
    assert found == [2, 2, 2, 2]  # Pia and Mara


def test_other_machines_cannot_be_reached():
    with socket.socket() as connection, pytest.raises(NetworkRefused):
        connection.connect(("192.0.2.1", 80))


_FILE = re.compile(r"(?<![\w/])((?:[a-z]+/)*test_\w+)\.py(?:::(test_\w+))?")
_PATH = re.compile(r"(?<![\w/])tests/[\w/.]*\w")
_NAME = re.compile(r"(?<![\w/])test_\w+")


def test_the_tests_that_the_documentation_names_are_there():
    """By path (`tests/…`, or within tests), by file and name, or by name alone."""
    files = list((ROOT / "tests").rglob("*.py"))
    names = {file: set(re.findall(r"^ *def (test_\w+)", file.read_text(), re.M)) for file in files}
    all_names = set().union(*names.values()) | {file.stem for file in files}
    lost = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]:
        text = page.read_text()
        for path, name in _FILE.findall(text):
            file = ROOT / "tests" / f"{path.removeprefix('tests/')}.py"
            if file not in names or (name and name not in names[file]):
                lost.append(f"{page.name}: {path}.py {name}")
        lost += [f"{page.name}: {path}" for path in _PATH.findall(text) if not (ROOT / path).exists()]
        lost += [f"{page.name}: {name}" for name in _NAME.findall(text) if name not in all_names]
    assert lost == []
