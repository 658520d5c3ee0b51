"""Nobody rewrites what is on record: not Canal, and not whoever reaches past it, on either database."""

import re

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from app.events import operations as events
from app.events.models import Event
from app.kernel.db import db
from app.settings import ROOT
from tests.factories import actor_of, row_count, rows


@pytest.fixture
def written(session, ada, now):
    key = events.record(session, actor_of(session, ada), verb="edited", subject=ada, at=now)
    session.commit()
    return key


@pytest.mark.parametrize(
    "statement",
    [
        update(Event).values(actor_name="Somebody else"),
        update(Event).values(detail={}),
        delete(Event),
        text("UPDATE event SET at = at"),
        text("DELETE FROM event WHERE id > 0"),
    ],
)
def test_no_row_is_changed_or_taken_away(session, written, statement):
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(statement)
    session.rollback()
    assert row_count(session, Event, Event.id == written, Event.actor_name == "Ada") == 1


@pytest.mark.databases("postgresql")
def test_the_table_is_not_emptied_at_once(session, written):
    for table in ("event", "turn"):
        with pytest.raises(DBAPIError, match="append-only"):
            session.connection().exec_driver_sql(f"TRUNCATE {table} CASCADE")
        session.rollback()
    assert row_count(session, Event) == 1


def test_no_operation_of_canal_names_the_table_but_to_write_to_it():
    """The room of events has no verb but the writing ones, and nobody else touches its model but to read."""
    import ast
    from pathlib import Path

    changing = []
    for file in Path(events.__file__).parents[1].rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("update", "delete"):
                changing += [
                    f"{file.name}:{node.lineno}" for arg in node.args if getattr(arg, "id", "") == "Event"
                ]
    assert changing == []


def test_the_guard_costs_an_insert_nothing(session, written):
    """It stands before UPDATE, DELETE and TRUNCATE alone."""
    connection = db.session().connection()
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'event'"
        )
        acts = sorted(row[0].split(" BEFORE ")[1].split()[0] for row in found)
        assert acts == ["DELETE", "UPDATE"]
    else:
        found = connection.exec_driver_sql(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'event'::regclass AND NOT tgisinternal"
        )
        acts = sorted(row[0].split(" BEFORE ")[1].split()[0] for row in found)
        assert acts == ["DELETE", "TRUNCATE", "UPDATE"]


def guard(session, engine):
    """What the database keeps of the trigger, apart from how its lines are broken."""
    if engine == "sqlite":
        found = "SELECT sql FROM sqlite_master WHERE name = 'event_no_update'"
    else:
        found = "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'event_no_update'"
    text = " ".join(session.connection().exec_driver_sql(found).scalar_one().split())
    session.rollback()
    return text


def test_the_erasure_that_the_manual_describes_leaves_the_guard_in_place(
    session, engine, ada, mara, written, now
):
    """It is not Canal's to do, but whoever owns the database must be able to, without losing the guard."""
    manual = (ROOT / "docs" / "audit-log.md").read_text()
    blocks = dict(re.findall(r"```sql\n-- (\w+)\n(.*?)```", manual, re.S))
    statements = blocks["SQLite" if engine == "sqlite" else "PostgreSQL"]
    events.record(session, actor_of(session, mara), verb="edited", subject=mara, at=now)
    key = ada.id
    session.commit()
    session.close()
    before = guard(session, engine)
    script = re.sub(r"(actor_id = |record_id = )0\b", rf"\g<1>{key}", statements)
    raw = db.engine.raw_connection()
    try:
        if engine == "sqlite":
            raw.driver_connection.executescript(script)
        else:
            raw.driver_connection.execute(script)
            raw.commit()
    finally:
        raw.close()
    names = [event.actor_name for event in rows(session, Event)]
    assert names == ["(erased)", "Mara", "database"]
    assert guard(session, engine) == before
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(update(Event).values(detail={}))
    session.rollback()
