"""Round 4: an import with everything that it checks and writes, beside a bare batched insert of the same leads."""

import subprocess
import sys
import time
from contextlib import suppress
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
from bench.servers import BadRun, Load, Server, get, memory_of
from bench.worlds import World, read_lists

BATCH = 1000
IMPORT = (sys.executable, "-m", "flask", "--app", "app", "leads", "import")
START_SECONDS = 2.0
BESIDE_SECONDS = 6.0


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


def measure_beside(report: Report, world: World, load: Load, *, rows: int) -> None:
    """The inbox's p95 while a file is imported, beside its usual one.  Two people look, in turns."""
    requests = [get("/inbox", world.people[who]) for who in ("waiting", "big")]
    with Server(world) as server:
        load.run(server, requests, each=20)  # fills caches
        usual = load.run(server, requests, seconds=BESIDE_SECONDS).percentile(95)
        with _start(world, _file(world, rows, 2000)) as process:
            time.sleep(START_SECONDS)
            meanwhile = load.run(server, requests, seconds=BESIDE_SECONDS).percentile(95)
            if process.poll() is not None:
                raise BadRun("the import had ended before the measurement had")
            process.terminate()
    report.add(
        Figure(
            f"inbox at {world.size:,}: p95 during an import : usual", world.engine, meanwhile / usual, "times", 3,
            note=f"{meanwhile:.0f} : {usual:.0f} ms",
        )
    )  # fmt: skip


def measure_memory(report: Report, world: World, *, rows: int) -> None:
    """How much more memory the command takes at most for a long file than for a single row."""
    idle = _most_memory(world, _file(world, 1, 3000))
    most = _most_memory(world, _file(world, rows, 3001))
    report.add(
        Figure(
            f"import of {rows:,} rows: memory over idle", world.engine, most - idle, "MB", 200,
            note=f"{most:.0f} : {idle:.0f} MB",
        )
    )  # fmt: skip


def _most_memory(world: World, file: Path) -> float:
    """MB that the command was resident with at most."""
    most = 0.0
    with _start(world, file) as process:
        while process.poll() is None:
            with suppress(KeyError, OSError):  # it has just ended
                most = max(most, memory_of(process.pid, "VmHWM"))
            time.sleep(0.02)
    if process.returncode:
        raise BadRun(f"the import ended with {process.returncode}")
    return most


def _start(world: World, file: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*IMPORT, str(file)], cwd=ROOT, env=world.environ(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip


def _file(world: World, rows: int, seed: int) -> Path:
    file = Path(world.folder, f"file-{seed}-{rows}.csv")
    with file.open("w") as out:
        out.writelines(csv_lines(rows, seed))
    return file


def _import(world: World, rows: int, seed: int) -> float:
    """Seconds that the command takes for the file, less those that it takes for an empty one."""
    return max(0.001, _run(world, _file(world, rows, seed)) - _run(world, _file(world, 1, seed + 90_000)))


def _run(world: World, file: Path) -> float:
    began = time.perf_counter()
    done = subprocess.run(
        [*IMPORT, str(file)], cwd=ROOT, env=world.environ(), capture_output=True, text=True, check=False
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
