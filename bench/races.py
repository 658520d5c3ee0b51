"""Rounds 3 and 5 without HTTP: claims and turns by many connections at once, beside the bare statements."""

import contextvars
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from app.identity.models import User
from app.identity.queries import find_actor
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.leads.models import Assignment
from app.leads.operations import claim_lead
from app.routing.models import LedgerKind, RoundRobin, Turn
from app.routing.operations import Target, Wish, assign_lead
from app.routing.verify import verify_ledger
from bench.company import RACERS
from bench.figures import Figure, Report, median, percentile
from bench.floor import Driver, bare_claim, bare_turn, count_turns
from bench.floor import Turn as BareTurn
from bench.throughput import put_back, waiting_refs
from bench.worlds import World

Work = Callable[[int, Sequence[str]], list[float]]


def measure_claim_operation(
    report: Report, world: World, *, connections: int, each: int, rounds: int
) -> None:
    """Claims a second through the operation, each connection with leads of its own, beside bare statements."""
    app = world.app()
    rates: dict[str, list[float]] = {"operation": [], "bare": []}
    worst: list[float] = []
    for _ in range(rounds):
        for name, work in (("operation", _by_operation(app, world)), ("bare", _by_driver(app, world))):
            refs = waiting_refs(world, each * connections)
            seconds, waits = run_together(app, connections, each, refs, work)
            rates[name].append(each * connections / seconds)
            if name == "operation":
                worst.append(percentile(waits, 99))
            put_back(world)
    _hang_up(app)
    rate, floor = median(rates["operation"]), median(rates["bare"])
    note = f"{rate:,.0f} : {floor:,.0f} /s; p99 {median(worst):.0f} ms"
    if world.engine == "sqlite":
        report.add(
            Figure(f"claim, {connections} writers: p99", "sqlite", median(worst), "ms", 250, 100, note=note)
        )
        return
    what = f"claim operation, {connections} connections : bare statements"
    report.add(Figure(what, world.engine, rate / floor, "ratio", 1 / 10, 1 / 5, at_most=False, note=note))


def _by_operation(app: Flask, world: World) -> Work:
    with app.app_context():
        set_reading(True)
        actors = [find_actor(db.session(), world.people[f"racer{n}"].id) for n in range(RACERS)]
        db.session.remove()

    def work(number: int, refs: Sequence[str]) -> list[float]:
        actor, waits = actors[number % RACERS], []
        assert actor is not None
        for ref in refs:
            began = time.perf_counter()
            with transaction() as session:
                claim_lead(session, actor, ref, now=clock.now())
            waits.append((time.perf_counter() - began) * 1000)
            db.session.remove()
        return waits

    return work


def _by_driver(app: Flask, world: World) -> Work:
    with app.app_context():
        set_reading(True)
        actors: list[Any] = [find_actor(db.session(), world.people[f"racer{n}"].id) for n in range(RACERS)]
        db.session.remove()

    def work(number: int, refs: Sequence[str]) -> list[float]:
        actor, waits = actors[number % RACERS], []
        with Driver(world) as driver:
            for ref in refs:
                began = time.perf_counter()
                if not bare_claim(driver, ref, world.marks["race_queue"], actor.user_id, actor.company_id):
                    raise RuntimeError("a lead of one's own was taken")
                waits.append((time.perf_counter() - began) * 1000)
        return waits

    return work


def measure_turns(report: Report, world: World, *, connections: int, each: int, rounds: int) -> None:
    """Turns of one round robin a second by many connections, beside a counter with the same inserts.

    Raises RuntimeError when the turns were not exactly even, or the ledger does not replay to them.
    """
    app = world.app()
    rates: dict[str, list[float]] = {"operation": [], "bare": []}
    for _ in range(rounds):
        for name, make in (("operation", _turns_by_operation), ("bare", _turns_by_driver)):
            refs = waiting_refs(world, each * connections)
            seconds, _waits = run_together(app, connections, each, refs, make(app, world))
            rates[name].append(each * connections / seconds)
            if name == "operation":
                _check_even(app, world)
            put_back(world)
    _hang_up(app)
    rate, floor = median(rates["operation"]), median(rates["bare"])
    report.add(
        Figure(
            f"round robin, {connections} connections : bare counter and inserts", world.engine, rate / floor,
            "ratio", 1 / 5, at_most=False, note=f"{rate:,.0f} : {floor:,.0f} /s; exactly even",
        )
    )  # fmt: skip


def _turns_by_operation(app: Flask, world: World) -> Work:
    with app.app_context():
        set_reading(True)
        actor = find_actor(db.session(), world.people["manager"].id)
        group = db.session().get_one(RoundRobin, world.marks["round_robin"])
        wish = Wish(Target("round_robin", group.id, group.ref, group.name))
        db.session.remove()
    assert actor is not None

    def work(_number: int, refs: Sequence[str]) -> list[float]:
        for ref in refs:
            with transaction() as session:
                assign_lead(session, actor, ref, wish, now=clock.now())
            db.session.remove()
        return []

    return work


def _turns_by_driver(app: Flask, world: World) -> Work:
    with app.app_context():
        set_reading(True)
        session = db.session()
        last = session.scalars(select(Assignment).order_by(Assignment.id.desc()).limit(1)).one()
        racers = [session.get_one(User, world.people[f"racer{n}"].id) for n in range(RACERS)]
        turn = BareTurn(
            world.marks["floor_round_robin"], world.marks["race_queue"], world.people["manager"].id,
            [(racer.id, racer.partner_account_id or 0) for racer in racers],
            json.dumps(session.get_one(Turn, last.turn_id).record), json.dumps(last.trace),
        )  # fmt: skip
        db.session.remove()
    with Driver(world) as driver:
        count_turns(driver, turn)

    def work(_number: int, refs: Sequence[str]) -> list[float]:
        with Driver(world) as driver:
            for ref in refs:
                if not bare_turn(driver, turn, ref):
                    raise RuntimeError("a lead of one's own was taken")
        return []

    return work


def _hang_up(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose()


def _check_even(app: Flask, world: World) -> None:
    with app.app_context():
        set_reading(True)
        session = db.session()
        taken = session.execute(
            select(Turn.member_id, func.count())
            .where(Turn.round_robin_id == world.marks["round_robin"], Turn.kind == LedgerKind.TURN)
            .group_by(Turn.member_id)
        ).all()
        counts = [count for _, count in taken]
        differences = verify_ledger(session, session.get_one(RoundRobin, world.marks["round_robin"]))
        db.session.remove()
        db.engine.dispose()
    if len(counts) != RACERS or max(counts) - min(counts) > 1 or differences:
        raise RuntimeError(f"the turns are not even: {counts} {differences}")


def run_together(
    app: Flask, connections: int, each: int, refs: Sequence[str], work: Work
) -> tuple[float, list[float]]:
    barrier = threading.Barrier(connections + 1)

    def one(number: int) -> list[float]:
        with app.app_context():
            barrier.wait(60)
            try:
                return work(number, refs[number * each : (number + 1) * each])
            finally:
                db.session.remove()

    with ThreadPoolExecutor(connections) as pool:
        jobs = [pool.submit(contextvars.Context().run, one, number) for number in range(connections)]
        barrier.wait(60)
        began = time.perf_counter()
        waits = [wait for job in jobs for wait in job.result(600)]
        return time.perf_counter() - began, waits
