"""Watches a database: which rows each committed transaction changed, and whether it wrote an event.

Triggers of the test note every change of every table, whatever way it was made (COPY and bulk inserts too);
at each commit what was noted is looked at.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, has_request_context
from sqlalchemy import Column, Table, event
from sqlalchemy.engine import Connection

from app.kernel.db import Base, db

# What nobody does by changing something: marks of use, what waits to be sent, what is derived from other rows.
# Table → the columns that do not count; "*" for the whole table.
UNTOLD: dict[str, tuple[str, ...]] = {
    "user_session": ("last_seen_at",),
    "api_token": ("last_used_at",),
    "notification": ("read_at",),
    "delivery": ("state", "due_at", "attempts", "lease", "leased_until", "error", "sent_at", "give_up_at"),
    "idempotency_key": ("*",),
    "sent_form": ("*",),
    "document_blob": ("*",),  # stored before a document is made of it, which is told
    "routing_alert": ("*",),  # raised by routing; putting one aside is tested by itself
    "sign_in_step": ("*",),  # between password and code; what it ends in is told
    "grant_set": ("*",),
    "sharing_grant": ("*",),
    "principal": ("*",),
    "group_reach": ("*",),
    "user": ("second_factor_step",),  # that a code is used up
    # What somebody is preparing, which its start tells; how far the worker has come; that it began, ended or was stopped is told.
    "import": (
        "mapping", "options", "lease", "leased_until", "state", "started_at", "rows", "done", "accepted", "created", "updated", "unchanged", "refused",
        "warnings",
    ),
}  # fmt: skip


class Watch:
    """silent: for each commit that changed rows without an event, what it changed.  told: how many did tell."""

    def __init__(self) -> None:
        self.silent: list[str] = []
        self.told = 0
        self.everywhere = False
        self.doing = ""

    def look(self, connection: Connection) -> None:
        if not (self.everywhere or has_request_context()):
            connection.exec_driver_sql("DELETE FROM watch")
            return
        found = [tuple(row) for row in connection.exec_driver_sql("SELECT DISTINCT what, act FROM watch")]
        if not found:
            return
        connection.exec_driver_sql("DELETE FROM watch")
        if ("event", "INSERT") in found:
            self.told += 1
        else:
            self.silent.append(f"{self.doing}: " + ", ".join(sorted(f"{act} {what}" for what, act in found)))


@contextmanager
def watched(app: Flask) -> Iterator[Watch]:
    """Note every change until the end; the database is left as it was found."""
    watch = Watch()
    tables = [t for t in Base.metadata.sorted_tables if UNTOLD.get(t.name) != ("*",)]
    with app.app_context():
        engine = db.engine
        on_sqlite = engine.dialect.name == "sqlite"
        _run(engine, ["CREATE TABLE watch (what text, act text)", *_function(on_sqlite)])
        _run(engine, [s for table in tables for s in _triggers(table, on_sqlite)])

    def commit(connection: Connection) -> None:
        # What is asked here must not begin to write where only was read.
        if connection.exec_driver_sql("SELECT 1 FROM watch LIMIT 1").first() is not None:
            watch.look(connection)

    event.listen(engine, "commit", commit)
    try:
        yield watch
    finally:
        event.remove(engine, "commit", commit)
        if not on_sqlite:  # SQLite's file is put back whole
            dropped = [f'DROP TRIGGER watch_{act} ON "{t.name}"' for t in tables for act in ("i", "u", "d")]
            _run(engine, [*dropped, "DROP FUNCTION watching()", "DROP TABLE watch"])


def _run(engine: Any, statements: list[str]) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _function(on_sqlite: bool) -> list[str]:
    if on_sqlite:
        return []
    body = "BEGIN INSERT INTO watch VALUES (TG_TABLE_NAME, TG_OP); RETURN NULL; END"
    return [f"CREATE FUNCTION watching() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"]


def _triggers(table: Table, on_sqlite: bool) -> list[str]:
    name = table.name
    counted = [c for c in table.columns if c.name not in UNTOLD.get(name, ())]
    made = []
    for mark, act in (("i", "INSERT"), ("u", "UPDATE"), ("d", "DELETE")):
        when = f"WHEN ({_differs(counted, on_sqlite)})" if act == "UPDATE" else ""
        if on_sqlite:
            made.append(
                f'CREATE TRIGGER watch_{name}_{mark} AFTER {act} ON "{name}" {when}'
                f" BEGIN INSERT INTO watch VALUES ('{name}', '{act}'); END"
            )
        else:
            made.append(
                f'CREATE TRIGGER watch_{mark} AFTER {act} ON "{name}" FOR EACH ROW {when}'
                " EXECUTE FUNCTION watching()"
            )
    return made


def _differs(columns: list[Column[Any]], on_sqlite: bool) -> str:
    unlike = "IS NOT" if on_sqlite else "IS DISTINCT FROM"
    return " OR ".join(f'OLD."{c.name}" {unlike} NEW."{c.name}"' for c in columns)
