"""Round 4: an import with everything that it checks and writes, beside a bare batched insert of the same leads."""

import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from app.kernel import clock
from app.kernel.bulk import insert_rows
from app.kernel.db import db, transaction
from app.leads.models import Lead
from app.routing.models import Queue
from app.settings import ROOT
from bench.figures import Figure, Report, median
from bench.leads import csv_lines, file_rows
from bench.worlds import World, read_lists

BATCH = 1000


def measure_import(report: Report, world: World, *, rows: int, rounds: int) -> None:
    """Rows a second of `leads import`, start of the command taken off, beside a bare insert."""
    taken, bare = [], []
    for number in range(rounds):
        seed = 1000 + number
        taken.append(rows / _import(world, rows, seed))
        bare.append(rows / _insert(world, rows, seed + 500))
    rate, floor = median(taken), median(bare)
    report.add(
        Figure(
            f"import of {rows:,} rows into {world.size:,} : bare batched insert", world.engine, rate / floor,
            "ratio", 1 / 25, at_most=False, note=f"{rate:,.0f} : {floor:,.0f} rows/s",
        )
    )  # fmt: skip


def _import(world: World, rows: int, seed: int) -> float:
    """Seconds that the command takes for the file, less those that it takes for an empty one."""
    file = Path(world.folder, f"file-{seed}.csv")
    file.write_text("".join(csv_lines(rows, seed)))
    small = Path(world.folder, f"small-{seed}.csv")
    small.write_text("".join(csv_lines(1, seed + 90_000)))
    return max(0.001, _run(world, file) - _run(world, small))


def _run(world: World, file: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "leads", "import", str(file)],
        cwd=ROOT, env=world.environ(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return time.perf_counter() - began


def _insert(world: World, rows: int, seed: int) -> float:
    with world.app().app_context():
        with transaction() as session:
            lists = read_lists(session)
            queue = session.scalars(select(Queue.id).where(Queue.is_default)).one()
        ready = file_rows(rows, seed, queue, lists, clock.now())
        began = time.perf_counter()
        for start in range(0, rows, BATCH):
            with transaction() as session:
                insert_rows(session, Lead, ready[start : start + BATCH])
        seconds = time.perf_counter() - began
        db.session.remove()
        db.engine.dispose()
    return seconds
