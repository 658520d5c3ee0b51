"""Rounds 2 and 3, over HTTP: inbox pages and claims a second, beside the floor's."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from app.kernel.db import db, transaction
from bench.company import RACERS
from bench.figures import Figure, Report, median
from bench.servers import FLOOR, Load, Server, get, post
from bench.worlds import World

CLIENTS = 8


def measure_inbox(report: Report, world: World, load: Load, *, rounds: int, seconds: float) -> None:
    """Inbox pages a second with eight clients, beside a bare view of the same rows and template."""
    person = world.people["waiting"]
    with Server(world) as canal, Server(world, FLOOR) as floor:
        runs = {
            "canal": (canal, get("/inbox", person)),
            "same": (floor, get("/inbox", person)),
            "plain": (floor, get("/plain", person)),
        }
        rates: dict[str, list[float]] = {name: [] for name in runs}
        single: dict[str, list[float]] = {name: [] for name in runs}
        weights: dict[str, int] = {}
        for number in range(rounds + 1):
            for name, (server, request) in runs.items():
                taken = load.run(server, [request], clients=CLIENTS, seconds=seconds)
                alone = load.run(server, [request], clients=1, seconds=seconds / 3)
                weights[name] = taken.bytes
                if number:
                    rates[name].append(taken.per_second)
                    single[name].append(alone.p50)
    rate = {name: median(values) for name, values in rates.items()}
    alone = {name: median(values) for name, values in single.items()}
    for name, words, must, aim in (
        ("same", "the same template in a bare view", 1 / 8, 1 / 5),
        ("plain", "the plainest table in a bare view", 1 / 8, 1 / 5),
    ):
        note = (
            f"{rate['canal']:.0f} : {rate[name]:.0f} /s, {weights['canal'] / 1024:.0f} : {weights[name] / 1024:.0f} KB;"
            f" 1 client {alone['canal']:.1f} : {alone[name]:.1f} ms"
        )
        what = f"inbox at {world.size:,}, 8 clients : {words}"
        report.add(
            Figure(
                what, world.engine, rate["canal"] / rate[name], "ratio", must, aim, at_most=False, note=note
            )
        )


def measure_claims(report: Report, world: World, load: Load, *, rounds: int, each: int) -> None:
    """Claims a second with eight clients, each a person of their own, beside a bare view that writes the same."""
    racers = [world.people[f"racer{number}"] for number in range(RACERS)]
    app = world.app()
    with app.app_context():
        with db.engine.connect() as connection:
            companies = dict(
                connection.execute(
                    text('SELECT id, partner_account_id FROM "user" WHERE partner_account_id IS NOT NULL')
                ).all()
            )
        db.engine.dispose()
    rates: dict[str, list[float]] = {"canal": [], "floor": []}
    worst: list[float] = []
    with Server(world) as canal, Server(world, FLOOR) as floor:
        for number in range(rounds + 1):
            refs = waiting_refs(world, each * 4)
            mine, theirs = refs[:each], refs[each:]
            claims = [post(f"/inbox/{ref}/claim", racers[i % RACERS]) for i, ref in enumerate(mine)]
            bare: list[dict[str, Any]] = [
                {
                    "method": "POST", "headers": {"Cookie": racers[i % RACERS].cookie},
                    "path": f"/claim/{ref}/{racers[i % RACERS].id}/{companies[racers[i % RACERS].id]}",
                }
                for i, ref in enumerate(theirs)
            ]  # fmt: skip
            taken = load.run(canal, claims, clients=CLIENTS)
            least = load.run(floor, bare, clients=CLIENTS)
            if number:
                rates["canal"].append(taken.per_second)
                rates["floor"].append(least.per_second)
                worst.append(taken.percentile(99))
            put_back(world)
    canal_rate, floor_rate = median(rates["canal"]), median(rates["floor"])
    note = f"{canal_rate:.0f} : {floor_rate:.0f} /s, 8 clients; p99 {median(worst):.0f} ms"
    report.add(
        Figure(
            "claim over HTTP : a bare view with the same statements", world.engine, canal_rate / floor_rate,
            "ratio", 1 / 6, 1 / 4, at_most=False, note=note,
        )
    )  # fmt: skip


def waiting_refs(world: World, count: int) -> Sequence[str]:
    """Public names of leads that wait in the queue of the racers, the longest first."""
    with world.app().app_context():
        with db.engine.connect() as connection:
            found = connection.execute(
                text(
                    "SELECT ref FROM lead WHERE owner_queue_id = :queue AND deleted_at IS NULL"
                    " ORDER BY waiting_since, id LIMIT :count"
                ),
                {"queue": world.marks["race_queue"], "count": count},
            )
            refs = [ref for (ref,) in found]
        db.engine.dispose()
    if len(refs) < count:
        raise ValueError(f"only {len(refs)} leads wait, {count} are needed")
    return refs


def put_back(world: World) -> None:
    """Let every lead that the racers have wait again, as if nothing had been."""
    them = ", ".join(str(world.people[f"racer{number}"].id) for number in range(RACERS))
    with world.app().app_context():
        with transaction() as session:  # which waits its turn, as a bare connection does not
            connection = session.connection()
            connection.execute(
                text(
                    "UPDATE lead SET owner_user_id = NULL, partner_account_id = NULL, owner_rank = NULL, offer_id = NULL,"
                    " offer_expires_at = NULL, owner_queue_id = :queue, last_cause = 'rule'"
                    f" WHERE owner_user_id IN ({them})"
                ),
                {"queue": world.marks["race_queue"]},
            )
            connection.execute(
                text(f"UPDATE offer SET state = 'withdrawn' WHERE state = 'pending' AND user_id IN ({them})")
            )
        db.session.remove()
        db.engine.dispose()
