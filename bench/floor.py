"""The floor: a bare Flask application on the same database, served as Canal is.

No sign-in, no sharing, no session of the ORM, no hooks: each view is one query (or the bare statements of a
claim) and one template.  `/inbox` renders Canal's own template around rows that it has read with one query;
`/plain` puts the same rows into the plainest table; `/claim/REF` does what a claim writes.
"""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import waitress
from flask import Flask, g, request, session, template_rendered
from sqlalchemy.engine import make_url

from app.kernel import clock
from app.settings import current_settings
from bench.worlds import World

ROWS = """
SELECT l.id, l.ref, l.industry, l.employees, l.city, l.country, l.product_interest, l.score, l.waiting_since,
       l.offer_expires_at, s.name AS source
FROM lead l LEFT JOIN lead_source s ON s.id = l.source_id
WHERE l.owner_queue_id = ? AND l.deleted_at IS NULL ORDER BY l.waiting_since, l.id LIMIT 50
"""
CLAIM = (
    """
    UPDATE lead SET owner_user_id = ?, owner_queue_id = NULL, partner_account_id = ?, owner_rank = 0, owned_since = ?,
           last_cause = 'claim', last_queue_id = ?, updated_at = ?, updated_by_id = ?, version = version + 1
    WHERE ref = ? AND owner_queue_id = ? AND deleted_at IS NULL RETURNING id
    """,
    """
    INSERT INTO assignment (lead_id, at, cause, from_queue_id, to_user_id, to_company_id, actor_id, actor_name,
                            actor_company_id, trace)
    VALUES (?, ?, 'claim', ?, ?, ?, ?, 'Floor', ?, '[]')
    """,
    """
    INSERT INTO event (at, verb, record_kind, record_id, record_ref, actor_id, actor_name, company_id, door, changes,
                       detail)
    VALUES (?, 'claimed', 'lead', ?, ?, ?, 'Floor', ?, 'web', '{"owner": ["Race", "Floor"]}', '{"cause": "claim"}')
    """,
)
# A turn of a round robin with a counter for its fairness, and everything an offered lead brings with it.
COUNTER = (
    "CREATE TABLE IF NOT EXISTS bench_counter (id BIGINT PRIMARY KEY, turns BIGINT NOT NULL)",
    "INSERT INTO bench_counter VALUES (?, 0) ON CONFLICT DO NOTHING",
)
TURN = (
    "UPDATE bench_counter SET turns = turns + 1 WHERE id = ? RETURNING turns",
    """
    INSERT INTO turn (round_robin_id, kind, at, member_id, record) VALUES (?, 'turn', ?, NULL, ?) RETURNING id
    """,
    """
    UPDATE lead SET owner_user_id = ?, owner_queue_id = NULL, partner_account_id = ?, owner_rank = 0, owned_since = ?,
           last_cause = 'round_robin', last_queue_id = ?, updated_at = ?, updated_by_id = ?, version = version + 1
    WHERE ref = ? AND owner_queue_id = ? AND deleted_at IS NULL RETURNING id
    """,
    """
    INSERT INTO assignment (lead_id, at, cause, from_queue_id, to_user_id, to_company_id, actor_id, actor_name, trace,
                            turn_id)
    VALUES (?, ?, 'round_robin', ?, ?, ?, ?, 'Floor', ?, ?) RETURNING id
    """,
    """
    INSERT INTO offer (lead_id, user_id, company_id, state, made_at, expires_at, hops, turn_id, round_robin_id)
    VALUES (?, ?, ?, 'pending', ?, ?, 0, ?, ?) RETURNING id
    """,
    "UPDATE lead SET offer_id = ?, offer_expires_at = ? WHERE id = ?",
    """
    INSERT INTO event (at, verb, record_kind, record_id, record_ref, actor_id, actor_name, door, changes, detail)
    VALUES (?, 'assigned', 'lead', ?, ?, ?, 'Floor', 'web', '{"owner": ["Race", "Floor"]}', '{"cause": "round_robin"}')
    """,
    """
    INSERT INTO notification (ref, act, user_id, kind, record_kind, record_id, detail, created_at)
    VALUES (?, ?, ?, 'lead_offered', 'lead', ?, '{}', ?) RETURNING id
    """,
    """
    INSERT INTO delivery (ref, notification_id, channel, state, recipient, created_at, due_at, attempts)
    VALUES (?, ?, 'email', 'due', 'floor@bench.example', ?, ?, 0)
    """,
)


class Driver:
    """One connection of the database's own driver, set up as Canal sets up its own."""

    def __init__(self, world: World) -> None:
        self.on_sqlite = world.engine == "sqlite"
        if self.on_sqlite:
            self.raw: Any = sqlite3.connect(
                str(make_url(world.url).database), timeout=30, isolation_level=None, check_same_thread=False
            )
            for pragma in ("synchronous=FULL", "temp_store=MEMORY", "foreign_keys=ON"):
                self.raw.execute(f"PRAGMA {pragma}")
        else:
            self.raw = psycopg.connect(
                make_url(world.url).set(drivername="postgresql").render_as_string(hide_password=False),
                autocommit=True,
            )

    def __enter__(self) -> "Driver":
        return self

    def __exit__(self, *_: object) -> None:
        self.raw.close()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement.  values: for its question marks; moments as the database keeps them."""
        if self.on_sqlite:
            found: list[tuple[Any, ...]] = self.raw.execute(statement, [_plain(v) for v in values]).fetchall()
            return found
        cursor = self.raw.execute(statement.replace("?", "%s"), list(values))
        return list(cursor.fetchall()) if cursor.description else []

    def transaction(self, work: Callable[[], Any]) -> Any:
        """Run `work` in one transaction, which on SQLite takes the lock when it begins."""
        self.raw.execute("BEGIN IMMEDIATE" if self.on_sqlite else "BEGIN")
        try:
            answer = work()
        except BaseException:
            self.raw.execute("ROLLBACK")
            raise
        self.raw.execute("COMMIT")
        return answer


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


def bare_claim(driver: Driver, ref: str, queue_id: int, user_id: int, company_id: int | None) -> bool:
    """What a claim writes and nothing else: the conditional update, the assignment, the event."""
    now = clock.now()

    def work() -> bool:
        won = driver.rows(CLAIM[0], (user_id, company_id, now, queue_id, now, user_id, ref, queue_id))
        if not won:
            return False
        lead_id = won[0][0]
        driver.rows(CLAIM[1], (lead_id, now, queue_id, user_id, company_id, user_id, company_id))
        driver.rows(CLAIM[2], (now, lead_id, ref, user_id, company_id))
        return True

    return bool(driver.transaction(work))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a bare turn writes.  record, trace: JSON as one of the operation's own turns has left it."""

    round_robin_id: int
    queue_id: int
    actor_id: int
    members: Sequence[tuple[int, int]]
    record: str
    trace: str


def count_turns(driver: Driver, turn: Turn) -> None:
    """Make the counter that bare turns are counted with."""
    driver.rows(COUNTER[0])
    driver.rows(COUNTER[1], (turn.round_robin_id,))


def bare_turn(driver: Driver, turn: Turn, ref: str) -> bool:
    """What a turn writes and nothing else: a counter instead of the fairness, then the same rows."""
    now = clock.now()
    until = now + timedelta(days=1)

    def work() -> bool:
        ((number,),) = driver.rows(TURN[0], (turn.round_robin_id,))
        user_id, company_id = turn.members[number % len(turn.members)]
        ((turn_id,),) = driver.rows(TURN[1], (turn.round_robin_id, now, turn.record))
        to = (user_id, company_id)
        won = driver.rows(TURN[2], (*to, now, turn.queue_id, now, turn.actor_id, ref, turn.queue_id))
        if not won:
            return False
        lead_id = won[0][0]
        values = (lead_id, now, turn.queue_id, *to, turn.actor_id, turn.trace, turn_id)
        ((assignment_id,),) = driver.rows(TURN[3], values)
        ((offer_id,),) = driver.rows(TURN[4], (lead_id, *to, now, until, turn_id, turn.round_robin_id))
        driver.rows(TURN[5], (offer_id, until, lead_id))
        driver.rows(TURN[6], (now, lead_id, ref, turn.actor_id))
        act = f"assignment:{assignment_id}"
        ((notice_id,),) = driver.rows(TURN[7], (f"notice_{assignment_id}", act, user_id, lead_id, now))
        driver.rows(TURN[8], (f"dlv_{assignment_id}", notice_id, now, now))
        return True

    return bool(driver.transaction(work))


@dataclass(slots=True)
class Row:
    """What the templates ask of a lead that waits."""

    id: int
    ref: str
    industry: str | None
    employees: int | None
    city: str | None
    country: str | None
    product_interest: str | None
    score: int
    waiting_since: datetime
    offer_expires_at: datetime | None
    source: str | None
    title: str = ""
    is_waiting: bool = True
    is_offered: bool = False
    is_preview: bool = True

    @classmethod
    def of(cls, values: tuple[Any, ...]) -> "Row":
        row = cls(*values)
        if isinstance(row.waiting_since, str):
            row.waiting_since = datetime.fromisoformat(row.waiting_since).replace(tzinfo=UTC)
        row.title = f"{row.industry}, {row.employees} people · {row.city}, {row.country}"
        return row


def make_floor(world: World) -> Flask:
    """The bare application, with Canal's templates and what they are drawn with."""
    canal = world.app()
    floor = Flask("floor", template_folder=str(Path(__file__).with_name("templates")))
    plain = floor.jinja_env.get_template("plain.html")
    template, context = _inbox_of(canal, world)
    floor.config.update(canal.config)
    floor.extensions = canal.extensions
    floor.url_map = canal.url_map  # so that `url_for` finds what the template links to
    floor.__dict__["jinja_env"] = canal.jinja_env
    local = threading.local()
    queue_id = world.marks["waiting_queue"]
    race_queue = world.marks["race_queue"]
    actor, organisation = context["actor"], context["organisation"]

    def driver() -> Driver:
        if not hasattr(local, "driver"):
            local.driver = Driver(world)
        found: Driver = local.driver
        return found

    def read() -> list[Row]:
        return [Row.of(values) for values in driver().rows(ROWS, (queue_id,))]

    def inbox() -> str:
        g.actor, g.organisation = actor, organisation
        page = replace(context["inbox"].page, items=read())
        own = {"inbox": replace(context["inbox"], page=page), "request": request, "session": session, "g": g}
        return template.render({**context, **own})

    def show_plain() -> str:
        return plain.render(rows=read(), name=actor.name)

    def claim(ref: str, user_id: int, company_id: int) -> tuple[str, int]:
        won = bare_claim(driver(), ref, race_queue, user_id, company_id)
        return f"<tr><td>{ref}</td></tr>", 200 if won else 409

    floor.view_functions["inbox.index"] = inbox
    floor.add_url_rule("/plain", "plain", show_plain)
    floor.add_url_rule("/claim/<ref>/<int:user_id>/<int:company_id>", "claim", claim, methods=["POST"])
    return floor


def _inbox_of(canal: Flask, world: World) -> tuple[Any, dict[str, Any]]:
    """The template of the inbox, and everything that one real request has put into it."""
    seen: list[tuple[Any, dict[str, Any]]] = []

    def note(_sender: Flask, template: Any, context: dict[str, Any], **_: Any) -> None:
        seen.append((template, dict(context)))

    with template_rendered.connected_to(note, canal):
        client = canal.test_client(use_cookies=False)
        answer = client.get("/inbox", headers={"Cookie": world.people["waiting"].cookie})
    if answer.status_code != 200:
        raise SystemExit(f"the inbox answered {answer.status_code}")
    return seen[-1]


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


def main() -> None:
    """Serve as `flask web` does."""
    world = World.read()
    floor = make_floor(world)
    signal.signal(signal.SIGTERM, _leave)
    with world.app().app_context():
        threads = current_settings().web_threads
    waitress.serve(
        floor, host="127.0.0.1", port=int(os.environ["PORT"]), threads=threads, ident=None, _quiet=True
    )


if __name__ == "__main__":
    main()
