"""The floor of the search box and of the duplicate check: a bare view that asks the index and prints the rows.

No sign-in, no scope, no session of the ORM, no template: one driver's connection a thread, one look-up for each
kind of record.
"""

import os
import threading
from html import escape
from typing import Any

import waitress
from flask import Flask, request

from app.search.words import LAST
from app.settings import current_settings
from bench.floor import Driver
from bench.worlds import World

FIND = (
    """
    SELECT a.ref, a.name, a.site, a.billing_city, u.name FROM search_entry e JOIN account a ON a.id = e.record_id
    JOIN "user" u ON u.id = a.owner_user_id
    WHERE e.kind = 1 AND e.text >= ? AND e.text < ? AND a.deleted_at IS NULL ORDER BY e.text, e.record_id LIMIT 6
    """,
    """
    SELECT c.ref, c.first_name, c.last_name, c.title, a.name, u.name FROM search_entry e
    JOIN contact c ON c.id = e.record_id LEFT JOIN account a ON a.id = c.account_id
    JOIN "user" u ON u.id = c.owner_user_id
    WHERE e.kind = 2 AND e.text >= ? AND e.text < ? AND c.deleted_at IS NULL ORDER BY e.text, e.record_id LIMIT 6
    """,
    """
    SELECT l.ref, l.company, l.first_name, l.last_name, l.city FROM search_entry e JOIN lead l ON l.id = e.record_id
    WHERE e.kind = 3 AND e.text >= ? AND e.text < ? AND l.deleted_at IS NULL ORDER BY e.text, e.record_id LIMIT 6
    """,
    """
    SELECT l.ref, l.company, l.first_name, l.last_name, l.city FROM search_entry e JOIN lead l ON l.id = e.record_id
    WHERE e.kind = 4 AND e.text >= ? AND e.text < ? AND l.deleted_at IS NULL ORDER BY e.text, e.record_id LIMIT 6
    """,
)
LOOK = (
    "SELECT ref, name, site FROM account WHERE company_key = ? AND deleted_at IS NULL LIMIT 5",
    "SELECT ref, name, site FROM account WHERE domain = ? AND deleted_at IS NULL LIMIT 5",
    "SELECT ref, name, site FROM account WHERE phone_key = ? AND deleted_at IS NULL LIMIT 5",
)


def make_floor(world: World) -> Flask:
    """The bare application."""
    floor = Flask("floor")
    local = threading.local()

    def rows(statement: str, *values: str) -> list[tuple[Any, ...]]:
        if not hasattr(local, "driver"):
            local.driver = Driver(world)
        found: list[tuple[Any, ...]] = local.driver.rows(statement, values)
        return found

    @floor.get("/find")
    def find() -> str:
        text = request.args["q"]
        return "".join(_line(row) for statement in FIND for row in rows(statement, text, text + LAST))

    @floor.get("/look")
    def look() -> str:
        keys = (request.args["name"], request.args["website"], request.args["phone"])
        return "".join(_line(row) for look, key in zip(LOOK, keys, strict=True) for row in rows(look, key))

    return floor


def _line(row: tuple[Any, ...]) -> str:
    return f"<li>{escape(' '.join(str(cell) for cell in row if cell is not None))}</li>"


def main() -> None:
    """Serve as `flask web` does."""
    world = World.read()
    with world.app().app_context():
        threads = current_settings().web_threads
    waitress.serve(
        make_floor(world),
        host="127.0.0.1",
        port=int(os.environ["PORT"]),
        threads=threads,
        ident=None,
        _quiet=True,
    )


if __name__ == "__main__":
    main()
