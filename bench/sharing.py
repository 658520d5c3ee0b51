"""Round 7: sharing rules.  Pages with them beside pages without; saving; explaining; how soon a new one is in force."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

from sqlalchemy import delete, func, select, text, update

from app.care.models import DuplicateCheck
from app.identity.queries import find_actor
from app.intake.models import Import, ImportState
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading, transaction
from app.leads.models import Lead
from app.leads.operations import claim_lead, edit_lead
from app.partners.models import PartnerAccount, PartnerLevel
from app.reports.counting import count_changes
from app.settings import ROOT
from app.sharing import building, grant_sets, granting
from app.sharing.explain import who_sees, why
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import GrantSet, SharingGrant, SharingRule, SharingRuleState
from app.sharing.scope import scope
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.subjects import SUBJECTS
from bench.company import RACERS
from bench.figures import Figure, Report
from bench.leads import INDUSTRIES, PRODUCTS
from bench.servers import Load, Server, get
from bench.throughput import put_back, waiting_refs
from bench.worlds import World

_ALL = Actor.system("benchmark")
_PAGES = (("inbox", "waiting", "/inbox"), ("lead list", "fifty", "/leads"), ("lead list", "big", "/leads"))
BUILDS_WITHIN = 600


def measure_sharing(
    report: Report, small: World, large: World, load: Load, *, rules: int, rounds: int, each: int
) -> None:
    """Everything about sharing.  small: a world that has no rules and gets none; large: gets so many."""
    grants = share(large, rules)
    note = f"{rules} rules, {grants:,} grants at {large.size:,} leads; none at {small.size:,}"
    _pages(report, small, large, load, rounds=rounds, each=each, note=note)
    app = large.app()
    with app.app_context():
        _saving(report, large, rules, each=each * rounds)
        _explaining(report, large, each=each * rounds)
        db.session.remove()
        db.engine.dispose()
    _new_rule(report, large)


def share(world: World, rules: int) -> int:
    """Write so many rules, built, with a four hundredth of all leads each; how many grants that is."""
    app = world.app()
    with app.app_context():
        set_reading(False)
        with transaction() as session:
            actor = _actor(world, "administrator")
            principals = _principals(session, actor)
            for number in range(rules):
                given = {
                    "object": "lead", "kind": "criteria", "level": "read",
                    "share_with": principals[number % len(principals)], "criteria": _criteria(number),
                }  # fmt: skip
                create_rule(session, actor, read_rule(session, given), now=clock.now())
        _build_all()
        with transaction() as session:
            grants = session.scalar(select(func.count()).select_from(SharingGrant)) or 0
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE" if world.engine == "sqlite" else "VACUUM ANALYZE"))
        db.session.remove()
        db.engine.dispose()
    return grants


def _criteria(number: int) -> dict[str, Any]:
    """What one lead in four hundred meets."""
    return {
        "all": [
            {"field": "industry", "op": "equals", "value": INDUSTRIES[number % len(INDUSTRIES)]},
            {"field": "product_interest", "op": "equals", "value": PRODUCTS[number // 12 % len(PRODUCTS)]},
            {"field": "score", "op": "gte", "value": 70},
        ]
    }


def _principals(session: Any, actor: Actor) -> list[dict[str, Any]]:
    """Partner accounts, levels, groups of them, and every partner user now and then."""
    levels = session.scalars(select(PartnerLevel).order_by(PartnerLevel.position)).all()
    partners = session.scalars(select(PartnerAccount).order_by(PartnerAccount.account_id)).all()
    for number, partner in enumerate(partners):
        partner.level_id = levels[number % len(levels)].id
    refs = [_account_ref(session, partner.account_id) for partner in partners]
    groups = []
    for number in range(10):
        group = create_group(session, actor, name=f"Group {number}", now=clock.now())
        for ref in refs[number::10][:20]:
            add_group_member(
                session, actor, group.ref, {"type": "partner_account", "id": ref}, now=clock.now()
            )
        groups.append({"type": "group", "id": group.ref})
    accounts = [{"type": "partner_account", "id": ref} for ref in refs[:30]]
    named = [{"type": "partner_level", "id": level.ref} for level in levels]
    return [*accounts, *groups, *named, {"type": "all_partners"}]


def _account_ref(session: Any, key: int) -> str:
    from app.accounts.models import Account

    return str(session.scalar(select(Account.ref).where(scope(Account, _ALL), Account.id == key)))


def _build_all() -> None:
    """Build every set in one pass over the leads, as the worker would one after the other."""
    subject, reached = SUBJECTS["lead"], 0
    with transaction() as session:
        sets = grant_sets.Sets(grant_sets.ready(row) for row in session.scalars(select(GrantSet)))
    while True:
        with transaction() as session:
            ids = session.scalars(
                select(Lead.id)
                .where(scope(Lead, _ALL), Lead.id > reached)
                .order_by(Lead.id)
                .limit(granting.BATCH)
            ).all()
            if not ids:
                break
            granting.refresh(session, subject, ids, sets)
            reached = ids[-1]
    with transaction() as session:
        # What conversions gave has no rule, and is there already.
        for row in session.scalars(select(GrantSet).where(GrantSet.rule_id.is_not(None))):
            building.activate(session, row)


def _actor(world: World, who: str) -> Actor:
    actor = find_actor(db.session(), world.people[who].id, door="web")
    assert actor is not None
    return actor


def _pages(
    report: Report, small: World, large: World, load: Load, *, rounds: int, each: int, note: str
) -> None:
    times: dict[tuple[str, str, int], list[float]] = {}
    with Server(small) as one, Server(large) as other:
        for number in range(rounds + 1):
            for page, who, path in _PAGES:
                for world, server in ((small, one), (large, other)):
                    answers = load.run(server, [get(path, world.people[who])], each=each)
                    if number:
                        times.setdefault((page, who, world.size), []).append(answers.p50)
    for page, who, _path in _PAGES:
        with_rules, without = (median(times[page, who, world.size]) for world in (large, small))
        said = f"{with_rules:.1f} : {without:.1f} ms; {note}"
        what = f"{page}, partner {who}, with sharing rules : without"
        report.add(Figure(what, large.engine, with_rules / without, "times", 1.3, note=said))


def _saving(report: Report, world: World, rules: int, *, each: int) -> None:
    """An edit with all rules in force, in turns with the same edit by a process that knows of none."""
    actor = _actor(world, "administrator")
    # Those that another chapter has converted are not edited any more.
    editable = select(Lead.ref).where(scope(Lead, _ALL), Lead.is_open).order_by(Lead.id).limit(each)
    refs = db.session().scalars(editable).all()
    taken: dict[str, list[float]] = {"with": [], "without": []}
    for number, ref in enumerate(refs):
        for name in ("with", "without") if number % 2 else ("without", "with"):
            with _knowing_no_rules() if name == "without" else _knowing_all():
                values = {
                    "industry": INDUSTRIES[len(taken[name]) % len(INDUSTRIES)],
                    "timeframe": f"{name} {number}",
                }
                began = time.perf_counter()
                with transaction() as session:
                    edit_lead(session, actor, ref, values, now=clock.now())
                taken[name].append((time.perf_counter() - began) * 1000)
    slow, plain = median(taken["with"]), median(taken["without"])
    what = f"saving a lead with {rules} rules in force : with none"
    report.add(Figure(what, world.engine, slow / plain, "times", 1.5, note=f"{slow:.1f} : {plain:.1f} ms"))


@contextmanager
def _knowing_no_rules() -> Iterator[None]:
    grant_sets._known = (time.monotonic() + 3600, {})  # noqa: SLF001 - a list read in the future is not read again
    try:
        yield
    finally:
        grant_sets.forget_known()


@contextmanager
def _knowing_all() -> Iterator[None]:
    with transaction() as session:
        grant_sets.live_sets(session, "lead")
    yield


def _explaining(report: Report, world: World, *, each: int) -> None:
    actor, session = _actor(world, "fifty"), db.session()
    granted = select(SharingGrant.record_id).order_by(SharingGrant.record_id.desc()).limit(each)
    leads = session.scalars(select(Lead).where(scope(Lead, _ALL), Lead.id.in_(granted))).all()
    bare = _timed(leads, lambda lead: _look_up(session, lead))
    who = _timed(leads, lambda lead: who_sees(session, lead))
    person = _timed(leads, lambda lead: why(session, actor, lead))
    for what, taken in (("who sees a lead", who), ("why one person sees it", person)):
        note = f"{taken:.1f} : {bare:.2f} ms"
        report.add(Figure(f"{what} : looking it up", world.engine, taken / bare, "times", 20, note=note))


def _look_up(session: Any, lead: Lead) -> Any:
    statement = select(Lead).where(scope(Lead, _ALL), Lead.ref == lead.ref)
    return session.scalar(statement.execution_options(populate_existing=True))


def _timed(leads: Sequence[Lead], act: Callable[[Lead], Any]) -> float:
    times = []
    for lead in leads:
        began = time.perf_counter()
        act(lead)
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _new_rule(report: Report, world: World) -> None:
    """A rule over all leads, built by a worker of its own, while leads are claimed as before."""
    app = world.app()
    with app.app_context():
        set_reading(False)
        _leave_nothing_to_do()
        db.session.remove()
        db.engine.dispose()
    worker = _worker(world)
    try:
        with app.app_context():
            set_reading(False)
            time.sleep(3)  # for the worker to come up and find nothing to do
            usual = _claims(world, lambda: False, 200)
            with transaction() as session:
                given = {
                    "object": "lead", "kind": "criteria", "level": "read", "share_with": {"type": "all_internal"},
                    "criteria": {"field": "score", "op": "gte", "value": 95},
                }  # fmt: skip
                actor = _actor(world, "administrator")
                ref = create_rule(session, actor, read_rule(session, given), now=clock.now()).ref
            began = time.monotonic()
            meanwhile = _claims(world, lambda: _is_active(ref), 100_000)
            while not _is_active(ref):
                time.sleep(0.05)
            seconds = time.monotonic() - began
            db.session.remove()
            db.engine.dispose()
    finally:
        worker.terminate()
        worker.wait()
    note = f"{world.size:,} leads looked at"
    report.add(Figure("a new criteria rule: in force after", world.engine, seconds, "s", 60, note=note))
    note = f"{median(meanwhile):.1f} : {median(usual):.1f} ms, {len(meanwhile)} claims meanwhile"
    slower = median(meanwhile) / median(usual)
    report.add(Figure("claims while it is built : usual", world.engine, slower, "times", 1.25, note=note))


def _leave_nothing_to_do() -> None:
    """Work off what earlier chapters left for the worker, who on SQLite would write by turns with the rule's building."""
    with transaction() as session:
        session.execute(delete(DuplicateCheck))  # hundreds of thousands that were imported
        # One was broken off when the inbox had been measured beside it: a worker would go on with it.
        begun = update(Import).where(Import.state.in_((ImportState.WAITING, ImportState.RUNNING)))
        session.execute(begun.values(state=ImportState.CANCELLED, lease=None, leased_until=None))
    while True:
        with transaction() as session:
            if not count_changes(session, limit=5_000):
                return


def _worker(world: World) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "flask", "--app", "app", "worker"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    with world.app().app_context():
        with transaction() as session:
            session.execute(text("UPDATE organisation SET sending_held_at = '2026-01-01 00:00:00'"))
        db.session.remove()
        db.engine.dispose()
    return subprocess.Popen(command, cwd=ROOT, env=world.environ(), **quiet)  # type: ignore[call-overload, no-any-return]


def _claims(world: World, is_over: Callable[[], bool], most: int) -> list[float]:
    """Milliseconds of each claim, one after the other, until it is over or there were so many."""
    actors = [_actor(world, f"racer{number}") for number in range(RACERS)]
    db.session.remove()
    taken: list[float] = []
    began = time.monotonic()
    while len(taken) < most and time.monotonic() - began < BUILDS_WITHIN:
        refs = waiting_refs(world, 50)
        for number, ref in enumerate(refs):
            start = time.perf_counter()
            with transaction() as session:
                claim_lead(session, actors[number % RACERS], ref, now=clock.now())
            taken.append((time.perf_counter() - start) * 1000)
        put_back(world)
        if is_over():
            break
    return taken


def _is_active(ref: str) -> bool:
    with transaction() as session:
        state = session.scalar(select(SharingRule.state).where(SharingRule.ref == ref))
    return state is SharingRuleState.ACTIVE
