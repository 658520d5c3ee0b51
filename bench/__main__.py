"""`python -m bench`: measure Canal beside its physical floor and print a table.  `--full`: up to a million leads."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from app.settings import ROOT
from bench.capture import measure_flood
from bench.care import judge_duplicates, measure_care, measure_lead_search
from bench.conversion import measure_conversion
from bench.crm import measure_crm
from bench.crm_world import make_crm_world
from bench.exports import measure_exports, measure_many
from bench.figures import Figure, Report, median
from bench.intake import measure_beside, measure_import, measure_memory, measure_records
from bench.pages import count_statements, measure_pages
from bench.races import measure_claim_operation, measure_turns
from bench.reports import measure_reports
from bench.servers import Load
from bench.sharing import measure_sharing
from bench.throughput import measure_claims, measure_inbox
from bench.worlds import drop_world, make_world, sleep_until_quiet

ENGINES = ("sqlite", "postgresql")


def main() -> None:
    """Run the rounds and print what came out; exit code 1 when a figure was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and 1,000,000 leads")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of leads instead")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    given = parser.parse_args()
    sizes = given.sizes or ([10_000, 100_000, 1_000_000] if given.full else [10_000, 100_000])
    rounds = 5 if given.full else 3
    report = Report()
    with Load() as load:
        for engine in given.engines:
            _measure(report, load, engine, sorted(sizes), rounds)
    _measure_start(report)
    print(report.table())
    print(f"\n{len(report.missed)} of {len(report.figures)} figures missed their target.")
    sys.exit(1 if report.missed else 0)


def _measure(report: Report, load: Load, engine: str, sizes: list[int], rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="canal-bench-") as folder:
        worlds = []
        try:
            for size in sizes:
                began = time.monotonic()
                worlds.append(make_world(engine, size, Path(folder, f"{engine}-{size}")))
                _say(f"{engine}: {size:,} leads loaded in {time.monotonic() - began:.0f} s")
            report.begin(f"Pages, {engine}")
            count_statements(report, worlds[0])
            sleep_until_quiet()
            measure_pages(report, worlds, load, rounds=rounds, each=20)
            measure_lead_search(report, worlds[-1], load, rounds=rounds, each=20)
            _say(f"{engine}: pages measured")
            report.begin(f"Throughput, {engine}")
            measure_inbox(report, worlds[-1], load, rounds=rounds, seconds=2)
            measure_claims(report, worlds[-1], load, rounds=rounds, each=200)
            for connections in (8,) if engine == "sqlite" else (1, 32):
                measure_claim_operation(report, worlds[-1], connections=connections, each=20, rounds=rounds)
            for connections in (8,) if engine == "sqlite" else (16,):
                measure_turns(report, worlds[-1], connections=connections, each=20, rounds=rounds)
            measure_conversion(report, worlds[-1], connections=8, each=10, rounds=rounds)
            _say(f"{engine}: throughput measured")
            report.begin(f"Import, {engine}")
            measure_import(report, worlds[-1], rows=10_000, rounds=min(rounds, 3))
            measure_beside(report, worlds[-1], load, rows=200_000)
            for rows in (10_000, max(sizes)):
                measure_memory(report, worlds[0], rows=rows)
            _say(f"{engine}: imports measured")
            report.begin(f"Web forms, {engine}")
            measure_flood(report, worlds[-1], load, posts=2_000)
            _say(f"{engine}: web forms measured")
            report.begin(f"Sharing, {engine}")
            measure_sharing(report, worlds[0], worlds[-1], load, rules=200, rounds=rounds, each=20)
            _say(f"{engine}: sharing measured")
            report.begin(f"Reports, {engine}")
            measure_reports(report, worlds[-1], load, rounds=rounds, each=20)
            _say(f"{engine}: reports measured")
            for size in _accounts(engine, max(sizes)):
                began = time.monotonic()
                worlds.append(make_crm_world(engine, size, Path(folder, f"{engine}-crm-{size}")))
                _say(f"{engine}: {size:,} accounts loaded in {time.monotonic() - began:.0f} s")
            report.begin(f"Accounts and contacts, {engine}")
            measure_crm(report, worlds[-2:], load, rounds=rounds, each=20)
            measure_records(report, worlds[-1], rows=2_000)
            _say(f"{engine}: accounts and contacts measured")
            report.begin(f"Care of data, {engine}")
            measure_care(report, worlds[-1], load, rounds=rounds, each=20)
            judge_duplicates(report, worlds[-1])
            measure_many(report, worlds[-1])
            _say(f"{engine}: care of data measured")
            report.begin(f"Exports, {engine}")
            measure_exports(report, worlds[-1], rounds=rounds)
            _say(f"{engine}: exports measured")
        finally:
            for world in worlds:
                drop_world(world)


def _accounts(engine: str, leads: int) -> tuple[int, int]:
    """How many accounts beside so many leads: a hundredth of the larger world, and that one."""
    most = leads if engine == "postgresql" and leads >= 1_000_000 else leads // 10
    return max(most // 100, 100), most


def _measure_start(report: Report) -> None:
    """How long the application takes to be imported, and to be made, by processes of their own."""
    report.begin("Start")
    seconds: dict[str, list[float]] = {"pass": [], "import app": [], "import app; app.create_app()": []}
    for _ in range(5):
        for code, taken in seconds.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
            taken.append(time.perf_counter() - began)
    bare, imported, made = (median(taken) for taken in seconds.values())
    report.add(Figure("import the application", "", imported - bare, "s", 0.8))
    report.add(Figure("import and make it", "", made - bare, "s"))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
