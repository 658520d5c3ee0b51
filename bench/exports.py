"""Round 10: a list of every account as a file, and what is done with ten thousand records at once.

An export runs in a process of its own, as the worker's would, so that its memory can be told.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.accounts.models import Account, Contact
from app.accounts.operations import create_account
from app.activities.models import Activity, ActivityKind
from app.care.merge_job import merge_or_ask
from app.identity.queries import find_actor
from app.jobs import MERGES
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading, transaction
from app.lists import jobs
from app.lists.catalogue import objects
from app.lists.change_operations import ask_for_change
from app.lists.export_operations import ask_for_export
from app.lists.models import JobKind, JobState, ListJob
from app.settings import ROOT
from app.sharing.scope import scope
from bench.figures import Figure, Report, median
from bench.servers import memory_of
from bench.worlds import World, insert_in_chunks

MUST_WRITE, MUST_GROW = 10_000, 30
MUST_HOLD = 1.0
MANY = 10_000
_EARLY = 5  # batches, after which everything is loaded that an export needs
_ALL = Actor.system("benchmark")


def measure_exports(report: Report, world: World, *, rounds: int) -> None:
    """Rows a second of every account as CSV and XLSX, and how much memory grows from the first rows to the last."""
    for format_ in ("csv", "xlsx"):
        runs = [_run(world, format_) for _ in range(rounds)]
        rate = median([run["rows"] / run["seconds"] for run in runs])
        busy = median([run["rows"] / run["busy"] for run in runs])
        what = f"export of {runs[0]['rows']:,} accounts as {format_.upper()}"
        note = f"{busy:,.0f} for each second of processor, {runs[0]['bytes'] / 1e6:.0f} MB"
        report.add(Figure(what, world.engine, rate, "rows/s", MUST_WRITE, at_most=False, note=note))
        if all(run["grown"] is not None for run in runs):
            grown = max(run["grown"] for run in runs)
            report.add(Figure(f"{what}: memory beyond its first rows", world.engine, grown, "MB", MUST_GROW))


def _run(world: World, format_: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.exports", format_], cwd=ROOT, env=world.environ(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def export_once(format_: str) -> None:
    """Write the file in this process and print what it took; `BENCH_WORLD` names the world."""
    world = World.read()
    with world.app().app_context():
        set_reading(False)
        with transaction() as session:
            actor = find_actor(session, world.people["sales"].id, door="web")
            assert actor is not None
            job = ask_for_export(session, actor, objects()["account"], {}, format_=format_, now=clock.now())
            job_id = job.id
        began, busy, early, batches = time.perf_counter(), time.process_time(), 0.0, 0
        while jobs.run_waiting(seconds=0):
            batches += 1
            early = _peak() if batches == _EARLY else early
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
        set_reading(True)
        job = db.session().get_one(ListJob, job_id)
        assert job.state is JobState.DONE, job.detail
        file = jobs.file_of(job)
        told = {
            "rows": job.rows,
            "seconds": seconds,
            "busy": busy,
            "grown": _peak() - early if early else None,  # too few rows to tell
            "bytes": file.stat().st_size,
        }
        Path(file).unlink()
    sys.stdout.write(f"{json.dumps(told)}\n")


def _peak() -> float:
    """MB that this process was resident with at most."""
    return memory_of(os.getpid(), "VmHWM")


def measure_many(report: Report, world: World) -> None:
    """Longest transaction of a merge of an account with ten thousand contacts and activities, and of tagging ten thousand.

    Both go on in many, with progress; so long others may have to wait.
    """
    with world.app().app_context():
        set_reading(False)
        try:
            merged = _merge(world)
            changed = _change(world)
        finally:
            db.session.remove()
            db.engine.dispose()
    for what, (whole, longest) in (
        (f"merge of an account with {MANY:,} contacts and activities", merged),
        (f"change of {MANY:,} accounts", changed),
    ):
        note = f"{whole:.1f} s in all, with progress"
        report.add(Figure(f"{what}: longest transaction", world.engine, longest, "s", MUST_HOLD, note=note))


def _merge(world: World) -> tuple[float, float]:
    """(seconds in all, seconds of the longest step)."""
    now = clock.now()
    with transaction() as session:
        actor = find_actor(session, world.people["administrator"].id, door="web")
        assert actor is not None
        names = ("Merged Harbour", "Merging Harbour")
        kept, gone = (
            create_account(session, actor, {"name": n}, allow_duplicate=True, now=now) for n in names
        )
        refs, gone_id = [kept.ref, gone.ref], gone.id
        first = (session.scalar(select(func.max(Contact.id)).where(scope(Contact, _ALL))) or 0) + 1
        first_act = (session.scalar(select(func.max(Activity.id))) or 0) + 1
    at = [now - timedelta(minutes=n) for n in range(MANY)]
    insert_in_chunks(
        world.engine, Contact,
        (
            {
                "id": first + n, "ref": f"cont_merge{first + n:017d}", "last_name": f"Person {n}",
                "last_name_fold": f"person {n}", "account_id": gone_id, "owner_user_id": actor.user_id, "imported": {},
                "custom": {}, "created_at": at[n], "updated_at": at[n], "version": 1,
            }
            for n in range(MANY)
        ),
    )  # fmt: skip
    insert_in_chunks(
        world.engine, Activity,
        (
            {
                "id": first_act + n, "ref": f"act_merge{first_act + n:017d}", "kind": ActivityKind.NOTE, "subject": "Spoke",
                "text": "", "at": at[n], "is_done": True, "account_id": gone_id, "of_account_id": gone_id,
                "created_at": at[n], "updated_at": at[n], "version": 1, "created_by_id": actor.user_id,
            }
            for n in range(MANY)
        ),
    )  # fmt: skip
    began = time.perf_counter()
    with transaction() as session:
        _kept, job = merge_or_ask(session, actor, "account", refs[0], refs, {}, now=clock.now())
        assert job is not None
    asked = time.perf_counter() - began
    steps, job_id = _steps(MERGES), job.id
    assert db.session().get_one(ListJob, job_id, populate_existing=True).state is JobState.DONE
    return asked + sum(steps), max(asked, *steps)


def _steps(kinds: Sequence[JobKind]) -> list[float]:
    """Run what waits to its end; seconds of each transaction."""
    steps: list[float] = []
    while True:
        at = time.perf_counter()
        if not jobs.run_waiting(kinds, seconds=0):
            return steps
        steps.append(time.perf_counter() - at)


def _change(world: World) -> tuple[float, float]:
    """(seconds in all, seconds of the longest step)."""
    with transaction() as session:
        actor = find_actor(session, world.people["administrator"].id, door="web")
        assert actor is not None
        last = session.scalar(
            select(Account.created_at)
            .where(scope(Account, _ALL))
            .order_by(Account.created_at)
            .offset(min(MANY, world.size) - 1)
            .limit(1)
        )
        assert last is not None
        params = {"filter": [f"created_at.lte:{last.isoformat()}"]}
        ask_for_change(
            session,
            actor,
            objects()["account"],
            params,
            act="tag",
            tag="Fair",
            refs=None,
            rows=None,
            now=clock.now(),
        )
    steps = _steps(jobs.OF_LISTS)
    return sum(steps), max(steps)


if __name__ == "__main__":
    export_once(sys.argv[1])
