"""Reports and home pages beside a page of the same person's lead list; and what noting changes for them costs a save."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from flask import Flask
from sqlalchemy import text

from app.identity.queries import find_actor
from app.kernel import clock
from app.kernel.db import db, set_reading, transaction
from app.leads.operations import edit_lead
from app.reports.counting import rebuild
from app.scorecards.operations import keep_mixes, rows_to_keep
from bench.figures import Figure, Report, median
from bench.servers import Load, Server, get
from bench.worlds import World, writing

# More than a year, and not all: months that are added up one by one.
_MONTHS = "from=2025-07&to=2026-07"
# What is asked for → (who asks, address).  {partner}, {source}, {campaign}: public names of some.
PAGES = {
    "funnel by source": ("administrator", "/reports/funnel?by=source"),
    "funnel by partner": ("administrator", "/reports/funnel?by=partner"),
    "funnel by campaign": ("administrator", "/reports/funnel?by=campaign"),
    "funnel by owner": ("administrator", "/reports/funnel?by=owner"),
    "funnel by campaign of a partner": (
        "administrator",
        "/reports/funnel?by=campaign&partner={partner}",
    ),
    "funnel by product, one source": (
        "administrator",
        "/reports/funnel?by=product_interest&source={source}",
    ),
    "funnel by partner, one product": (
        "administrator",
        "/reports/funnel?by=partner&product_interest=Firewall",
    ),
    "funnel by partner, two filters": (
        "administrator",
        "/reports/funnel?by=partner&country=ES&source={source}",
    ),
    "funnel by owner, one filter": ("administrator", "/reports/funnel?by=owner&source={source}"),
    "funnel by month": ("administrator", "/reports/funnel?by=month&from=2025-01"),
    "funnel, one filter": ("administrator", "/reports/funnel?by=source&country=ES"),
    "funnel, two filters": ("administrator", "/reports/funnel?by=source&country=ES&campaign_id={campaign}"),
    "funnel of a partner, two filters": (
        "administrator",
        "/reports/funnel?by=month&country=ES&partner={partner}",
    ),
    "unclaimed and ageing": ("administrator", "/reports/ageing"),
    "unclaimed, one filter": ("administrator", "/reports/ageing?country=ES"),
    "unclaimed by queue, one filter": ("administrator", "/reports/ageing?by=queue&partner={partner}"),
    "unclaimed, two filters": ("administrator", "/reports/ageing?country=ES&source={source}"),
    "not yet touched": ("manager", "/leads?untouched=true&sort=created_at"),
    "response times": ("administrator", "/reports/times"),
    "response times, one filter": ("administrator", "/reports/times?country=ES"),
    "response times by queue, one filter": ("administrator", "/reports/times?by=queue&source={source}"),
    "response times by queue, a third of all": ("administrator", "/reports/times?by=queue&country=ES"),
    "unclaimed by queue, a third of all": ("administrator", "/reports/ageing?by=queue&country=ES"),
    "funnel by owner, a third of all": ("administrator", "/reports/funnel?by=owner&country=ES"),
    "response times, two filters": ("administrator", "/reports/times?country=ES&source={source}"),
    "response times, chosen months": ("administrator", f"/reports/times?{_MONTHS}"),
    "response times, one filter, chosen months": (
        "administrator",
        f"/reports/times?product_interest=Firewall&{_MONTHS}",
    ),
    "funnel by owner of a partner, chosen months": (
        "administrator",
        f"/reports/funnel?by=owner&partner={{partner}}&{_MONTHS}",
    ),
    "scores": ("administrator", "/reports/scores"),
    "scores, two filters": ("administrator", "/reports/scores?country=ES&source={source}"),
    "pipeline": ("administrator", "/reports/pipeline"),
    "scorecards": ("administrator", "/reports/partners"),
    "scorecards, other months": ("administrator", "/reports/partners?from=2025-06&to=2026-06"),
    "one scorecard": ("manager", "/scorecards/{partner}"),
    "own scorecard": ("fifty", "/scorecard"),
    "own scorecard, a fifth of all leads": ("big", "/scorecard"),
    "home of a channel manager": ("manager", "/"),
    "home of a partner": ("fifty", "/"),
    "home of an administrator": ("administrator", "/"),
}
# Changed since the counts were brought up to date, as many as a busy minute leaves.
CHANGED = 500
# What notes that a lead has changed.
TRIGGERS = ("lead_counted", "lead_counted_new", "lead_counted_gone")


def measure_reports(report: Report, world: World, load: Load, *, rounds: int, each: int) -> None:
    """Each report once its leads are counted, with some that changed since; and a save."""
    app = world.app()
    with app.app_context():
        set_reading(False)
        began = time.perf_counter()
        with transaction() as session:
            count = rebuild(session)
        seconds = time.perf_counter() - began
        with transaction() as session:  # what the worker does every quarter of an hour
            keep_mixes(session, rows_to_keep(session, now=clock.now()))
        with writing() as connection:
            connection.execute(
                text(
                    "UPDATE lead SET score = score + 1 WHERE id IN (SELECT id FROM lead ORDER BY id LIMIT :n)"
                ),
                {"n": CHANGED},
            )
            if world.engine == "postgresql":
                connection.execute(text("ANALYZE"))
        db.session.remove()
        db.engine.dispose()
    report.add(
        Figure(
            "reports rebuild", world.engine, count / seconds, "/s", note=f"{count:,} leads in {seconds:.1f} s"
        )
    )
    _pages(report, world, load, rounds, each)
    _saves(report, world, app, rounds, each)


def _pages(report: Report, world: World, load: Load, rounds: int, each: int) -> None:
    """Each page beside the lead list of the same person, in turns."""
    named = _names(world)
    lists = {f"list of {who}": (who, "/leads") for who, _path in PAGES.values()}
    times: dict[str, list[float]] = {}
    with Server(world) as server:
        for number in range(rounds + 1):
            for name, (who, path) in {**lists, **PAGES}.items():
                answers = load.run(server, [get(path.format(**named), world.people[who])], each=each)
                if number:  # the first round fills caches
                    times.setdefault(name, []).append(answers.p50)
    p50 = {name: median(found) for name, found in times.items()}
    for name, (who, _path) in PAGES.items():
        of_list = p50[f"list of {who}"]
        report.add(
            Figure(
                f"{name}, {world.size:,} leads: page : lead list page", world.engine,
                p50[name] / of_list, "times", 5, 2, note=f"{p50[name]:.1f} : {of_list:.1f} ms",
            )
        )  # fmt: skip


def _names(world: World) -> dict[str, str]:
    """The public names that addresses hold."""
    found = {
        "partner": "SELECT ref FROM account WHERE id = (SELECT max(account_id) FROM partner_account)",
        "source": "SELECT min(ref) FROM lead_source",
        "campaign": "SELECT min(ref) FROM campaign",
    }
    with world.app().app_context():
        with db.engine.connect() as connection:
            names = {name: str(connection.execute(text(sql)).scalar()) for name, sql in found.items()}
        db.engine.dispose()
    return names


def _saves(report: Report, world: World, app: Flask, rounds: int, each: int) -> None:
    """Saving a lead with what notes changes for reports : without, in turns."""
    with app.app_context():
        set_reading(True)
        actor = find_actor(db.session(), world.people["administrator"].id)
        assert actor is not None
        with db.engine.connect() as connection:
            found = connection.execute(
                text("SELECT ref FROM lead WHERE converted_at IS NULL LIMIT :n"), {"n": each + 1}
            )
            first, *refs = [ref for (ref,) in found]
        db.session.remove()
        set_reading(False)
        times: dict[bool, list[float]] = {True: [], False: []}
        for number in range(2 * rounds):
            for watched in (True, False) if number % 2 else (False, True):
                with nullcontext() if watched else _unwatched(world):
                    _save(actor, first, f"{watched}{number}")  # prepares statements for the schema
                    times[watched] += [_save(actor, ref, f"{watched}{number}") for ref in refs]
        db.session.remove()
        db.engine.dispose()
    with_, without = median(times[True]), median(times[False])
    report.add(
        Figure(
            "saving a lead with the read model of reports : without", world.engine, with_ / without, "times", 1.15,
            note=f"{with_ * 1000:.1f} : {without * 1000:.1f} ms",
        )
    )  # fmt: skip


def _save(actor: object, ref: str, mark: str) -> float:
    """Seconds of one save, of a field that reports tell apart."""
    began = time.perf_counter()
    with transaction() as session:
        edit_lead(session, actor, ref, {"product_interest": f"Bench {mark}"}, now=clock.now())  # type: ignore[arg-type]
    db.session.remove()
    return time.perf_counter() - began


@contextmanager
def _unwatched(world: World) -> Iterator[None]:
    """Without the triggers that note changes; they are there again afterwards."""
    if world.engine == "postgresql":
        off = [f"ALTER TABLE lead DISABLE TRIGGER {name}" for name in TRIGGERS]
        on = [f"ALTER TABLE lead ENABLE TRIGGER {name}" for name in TRIGGERS]
    else:
        off = [f"DROP TRIGGER {name}" for name in TRIGGERS]
        with db.engine.connect() as connection:
            made = dict(
                connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
            )
        on = [made[name] for name in TRIGGERS]
    _run(off)
    try:
        yield
    finally:
        _run(on)


def _run(statements: Sequence[str]) -> None:
    with writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
