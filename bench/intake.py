"""Round 4: an import with everything that it checks and writes, beside a bare batched insert of the same leads."""

import io
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from unittest.mock import patch

from sqlalchemy import select

from app.accounts.models import Account
from app.identity.queries import find_actor
from app.intake.models import Import
from app.intake.run import run_one
from app.intake.uploads import Wishes, submit_file
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.bulk import insert_rows
from app.kernel.db import db, set_reading, transaction
from app.leads.models import Lead
from app.routing.models import Queue
from app.settings import ROOT
from app.sharing.scope import scope
from bench.figures import Figure, Report, median
from bench.leads import csv_lines, file_rows
from bench.servers import BadRun, Load, Server, get, memory_of
from bench.worlds import World, read_lists

BATCH = 1000
IMPORT = (sys.executable, "-m", "flask", "--app", "app", "leads", "import")
START_SECONDS = 2.0
BESIDE_SECONDS = 6.0
_SYLLABLES = (
    "ba",
    "co",
    "di",
    "fer",
    "gu",
    "la",
    "mo",
    "ni",
    "pe",
    "ra",
    "so",
    "ti",
    "ve",
    "xa",
    "bri",
    "ton",
    "sol",
    "vic",
)
_ALL = Actor.system("benchmark")


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


def measure_records(report: Report, world: World, *, rows: int) -> None:
    """Rows a second of new accounts and contacts, beside the same row by row: as it is where rows are known already."""
    with world.app().app_context():
        set_reading(False)
        try:
            for kind in ("account", "contact"):
                together = _records(world, kind, rows, "together")
                with patch("app.intake.record_rows.make_set", lambda *_given: None):
                    alone = _records(world, kind, max(rows // 5, 100), "alone")
                note = f"{together:,.0f} : {alone:,.0f} rows/s"
                what = f"import of {rows:,} new {kind}s : row by row"
                report.add(Figure(what, world.engine, together / alone, "times", 4, at_most=False, note=note))
        finally:
            db.session.remove()
            db.engine.dispose()


def _records(world: World, kind: str, rows: int, mark: str) -> float:
    """Rows a second of an import of so many new records."""
    with transaction() as session:
        actor = find_actor(session, world.people["administrator"].id, door="web")
        assert actor is not None
        places = session.scalars(
            select(Account.ref).where(scope(Account, _ALL)).order_by(Account.id).limit(500)
        ).all()
    random = Random(f"{kind} {mark}")
    header, *lines = _record_lines(kind, rows, mark, places, random)
    mapping: dict[str, str | None] = {name: name for name in header.split(",")}
    file = io.BytesIO("\n".join([header, *lines]).encode())
    import_ = submit_file(actor, file, "records.csv", Wishes(kind=kind, mapping=mapping), now=clock.now())
    began = time.perf_counter()
    run_one(import_.id)
    seconds = time.perf_counter() - began
    set_reading(False)
    done = db.session().get_one(Import, import_.id, populate_existing=True)
    if done.created < rows:
        raise BadRun(f"{done.created} of {rows} rows were created")
    db.session().rollback()
    return rows / seconds


def _record_lines(kind: str, rows: int, mark: str, places: Sequence[str], random: Random) -> Iterator[str]:
    def name() -> str:
        return "".join(random.choice(_SYLLABLES) for _ in range(random.randint(2, 4))).title()

    if kind == "account":
        yield "name,external_id,website,phone,billing_street,billing_city,billing_country"
        for n in range(rows):
            web = f"https://{name().lower()}{mark}{n}.example"
            street = f"{name()} {random.randint(1, 200)}"
            yield f"{name()} {name()} {name()},{mark}{n},{web},+34 9{random.randint(10**7, 10**8 - 1)},{street},{name()},ES"
        return
    yield "first_name,last_name,external_id,email,phone,account_id"
    for n in range(rows):
        first, last = name(), name()
        mail = f"{first}.{last}@{mark}{n}.example".lower()
        yield f"{first},{last},{mark}{n},{mail},+34 6{random.randint(10**7, 10**8 - 1)},{random.choice(places)}"
