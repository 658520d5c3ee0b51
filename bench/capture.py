"""A public form under a flood: none of the accepted posts lost, other pages still answered, and how many a second."""

import time
from typing import Any

from sqlalchemy import text

from app.capture.operations import create_lead_form
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, transaction
from bench.figures import Figure, Report
from bench.servers import BadRun, Load, Server, get
from bench.worlds import World

CLIENTS = 2
BESIDE_SECONDS = 5.0
START_SECONDS = 0.5


def measure_flood(report: Report, world: World, load: Load, *, posts: int) -> None:
    """Leads a second through a form, the inbox's p95 meanwhile beside its usual one, and what was lost: nothing may.

    Of four posts one is spam and one was sent before, as floods are; the limits by address are off.
    """
    key = _form(world)
    sent = [_post(key, number) for number in range(posts)]
    looks = [get("/inbox", world.people[who]) for who in ("waiting", "big")]
    before = _counts(world)
    with Server(world) as server, Load() as flood:
        load.run(server, looks, each=20)  # fills caches
        usual = load.run(server, looks, seconds=BESIDE_SECONDS).percentile(95)
        flood.begin(server, sent, clients=CLIENTS)
        time.sleep(START_SECONDS)
        meanwhile = load.run(server, looks, seconds=BESIDE_SECONDS).percentile(95)
        answers = flood.finish(expect=("303",))
    made, trapped = (after - had for after, had in zip(_counts(world), before, strict=True))
    genuine = len({request["body"] for request in sent if "fax_number" not in request["body"]})
    spam = len({request["body"] for request in sent if "fax_number" in request["body"]})
    if (made, trapped) != (genuine, spam):
        raise BadRun(f"{made} leads of {genuine} genuine posts, {trapped} of {spam} in quarantine")
    what = f"web form at {world.size:,}, {posts:,} posts"
    report.add(
        Figure(
            f"{what}: posts a second, {CLIENTS} clients", world.engine, answers.per_second, "/s",
            note=f"{genuine:,} leads, {spam:,} trapped, none lost; p95 {answers.percentile(95):.0f} ms",
        )
    )  # fmt: skip
    report.add(
        Figure(
            f"{what}: inbox's p95 meanwhile : usual", world.engine, meanwhile / usual, "times", 3,
            note=f"{meanwhile:.0f} : {usual:.0f} ms",
        )
    )  # fmt: skip


def _post(key: str, number: int) -> dict[str, Any]:
    whose = number - 1 if number % 4 == 3 else number
    body = f"last_name=Flood+{whose}&email=flood{whose}%40stranger.example&description=Number+{whose}"
    if number % 4 == 1:
        body += "&fax_number=1"
    return {"method": "POST", "path": f"/leads/capture/{key}", "body": body}


def _form(world: World) -> str:
    fields = [{"name": name} for name in ("last_name", "email", "description")]
    with world.app().app_context():
        with transaction() as session:
            given = {"name": "Flood", "fields": fields}
            key = create_lead_form(session, Actor.system("benchmark"), given, now=clock.now()).key
        db.engine.dispose()
    return key


def _counts(world: World) -> tuple[int, int]:
    """(leads of strangers, posts in quarantine)."""
    with world.app().app_context():
        with db.engine.connect() as connection:
            leads = connection.scalar(
                text("SELECT count(*) FROM lead WHERE email LIKE 'flood%@stranger.example'")
            )
            posts = connection.scalar(text("SELECT count(*) FROM lead_form_post WHERE state = 'trapped'"))
        db.engine.dispose()
    return int(leads or 0), int(posts or 0)
