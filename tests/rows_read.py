"""How much of the tables is looked at for an answer, which is what it costs whatever else the machine does."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from sqlalchemy import event

from app.kernel.db import db


def rows_read(act: Callable[[], object], *tables: str) -> int:
    """What the selects that `act` sends and that name one of the tables look at: rows, on SQLite steps of its machine."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH")) and any(table in statement for table in tables):
            sent.append((statement, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    with closing(db.engine.raw_connection()) as connection:
        found = sum(_read_by(connection, *each) for each in sent)
        connection.rollback()
    return found


def _read_by(connection: Any, statement: str, parameters: Any) -> int:
    cursor, driver = connection.cursor(), connection.driver_connection
    if not hasattr(driver, "set_progress_handler"):
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
        return _rows_of(cursor.fetchone()[0][0]["Plan"])
    steps: list[int] = []
    driver.set_progress_handler(lambda: steps.append(1), 1)
    try:
        cursor.execute(statement, parameters).fetchall()
    finally:
        driver.set_progress_handler(None, 1)
    return len(steps)


def _rows_of(plan: dict[str, Any]) -> int:
    """Rows that the plan's nodes came by, those that they left out again among them."""
    told = (number for name, number in plan.items() if name.startswith(("Actual Rows", "Rows Removed")))
    return round(sum(told) * plan["Actual Loops"]) + sum(_rows_of(each) for each in plan.get("Plans", ()))
