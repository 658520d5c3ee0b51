"""`python -m bench`: measure Canal beside its physical floor and print a table.  `--full`: up to a million leads.

A chapter that breaks is noted with its error, and the rest goes on.  Each chapter's table is on the error output as
it ends, and all of them on the standard output at the end, however it comes to it.
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chapters import CHAPTERS, NAMES, Chapter, Stage
from bench.figures import Report
from bench.servers import Load
from bench.shelf import Shelf
from bench.worlds import World

ENGINES = ("sqlite", "postgresql")
_KEEP = """make the worlds there, or take them from there if their schema is the present one, and measure on copies,
which takes the place of two: what a chapter changes is gone with the run, and figures of two runs stay comparable.
PostgreSQL's are kept on the server that CANAL_TEST_POSTGRES_URL names, and not without one.  Delete the folder
to have them made anew"""


@dataclass(slots=True)
class Run:
    """What is measured, and how often."""

    report: Report
    chapters: Sequence[Chapter]
    sizes: Sequence[int]
    rounds: int
    keep: Path | None

    def on(self, engine: str) -> None:
        """The chapters that need a database, one after the other."""
        with tempfile.TemporaryDirectory(prefix="canal-bench-", ignore_cleanup_errors=True) as folder:
            shelf = Shelf(engine, Path(folder), self.keep)
            accounts = _accounts(engine, max(self.sizes))
            try:
                for chapter in self.chapters:
                    if not chapter.is_bare:
                        self._measure(chapter, f"{chapter.title}, {engine}", shelf, accounts)
            finally:
                shelf.close()

    def bare(self) -> None:
        """Those that need none."""
        for chapter in self.chapters:
            if chapter.is_bare:
                self._measure(chapter, chapter.title)

    def _measure(
        self, chapter: Chapter, heading: str, shelf: Shelf | None = None, accounts: Sequence[int] = ()
    ) -> None:
        """Measure a chapter and show its table.  What it raises is noted; only an interruption goes on up."""
        began = time.monotonic()
        leads: Sequence[World] = ()
        others: Sequence[World] = ()
        self.report.begin(heading)
        try:
            if shelf is not None:
                leads = shelf.worlds("leads", chapter.leads.of(self.sizes))
                others = shelf.worlds("accounts", chapter.accounts.of(accounts))
            with Load() as load:  # of its own: one that was left at work would answer the next chapter
                chapter.measure(Stage(self.report, load, self.rounds, leads, others))
        except Exception as error:  # whatever it is: the others' figures count
            traceback.print_exc()
            self.report.note_broken(error)
        except KeyboardInterrupt as stop:
            self.report.note_broken(stop)
            raise
        _say(f"{self.report.tables()[-1]}\n\n({time.monotonic() - began:.0f} s)\n")


def main() -> None:
    """Run the chapters and print what came out; exit code 1 when a figure was missed or a chapter broke."""
    given = _arguments()
    sizes = given.sizes or ([10_000, 100_000, 1_000_000] if given.full else [10_000, 100_000])
    chapters = [chapter for chapter in CHAPTERS if chapter.name in (given.only or NAMES)]
    report = Report()
    run = Run(report, chapters, sorted(sizes), 5 if given.full else 3, given.keep)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        for engine in given.engines:
            run.on(engine)
        run.bare()
    except KeyboardInterrupt:
        _say("interrupted: what was measured so far")
    finally:
        print(report.table())
        print(f"\n{len(report.missed)} of {len(report.figures)} figures missed their target.")
        if report.broken:
            print(f"{len(report.broken)} of {len(report.parts)} chapters broke: {', '.join(report.broken)}.")
    sys.exit(1 if report.missed or report.broken else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="10,000, 100,000 and 1,000,000 leads")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of leads instead")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument(
        "--only", nargs="+", choices=NAMES, metavar="CHAPTER",
        help=f"these chapters, with the worlds that they need: {', '.join(NAMES)}",
    )  # fmt: skip
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help=_KEEP)
    given = parser.parse_args()
    if given.keep:
        given.keep = given.keep.absolute()
    return given


def _accounts(engine: str, leads: int) -> tuple[int, int]:
    """How many accounts beside so many leads: a hundredth of the larger world, and that one.

    Never so few that a list ends on its first page, which spares it the statement that counts.
    """
    most = leads if engine == "postgresql" and leads >= 1_000_000 else leads // 10
    return max(most // 100, 400), max(most, 800)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
