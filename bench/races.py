"""Rounds 3 and 5 without HTTP: claims and turns by many connections at once, beside the bare statements."""

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask

from app.identity.queries import find_actor
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.leads.operations import claim_lead
from bench.company import RACERS
from bench.figures import Figure, Report, median, percentile
from bench.floor import Driver, bare_claim
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
            seconds, waits = _run(app, connections, each, refs, work)
            rates[name].append(each * connections / seconds)
            if name == "operation":
                worst.append(percentile(waits, 99))
            put_back(world)
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
        actor, driver, waits = actors[number % RACERS], Driver(world), []
        for ref in refs:
            began = time.perf_counter()
            if not bare_claim(driver, ref, world.marks["race_queue"], actor.user_id, actor.company_id):
                raise RuntimeError("a lead of one's own was taken")
            waits.append((time.perf_counter() - began) * 1000)
        return waits

    return work


def _run(
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
