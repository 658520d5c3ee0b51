"""The chapters of the benchmark as data: what each needs, and the rounds that it measures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from bench.capture import measure_flood
from bench.care import judge_duplicates, measure_care, measure_lead_search
from bench.conversion import measure_conversion
from bench.crm import measure_crm
from bench.exports import measure_exports, measure_many
from bench.figures import Report
from bench.intake import measure_beside, measure_import, measure_memory, measure_records
from bench.pages import count_statements, measure_pages
from bench.races import measure_claim_operation, measure_turns
from bench.reports import measure_reports
from bench.servers import Load
from bench.sharing import measure_sharing
from bench.start import measure_start
from bench.throughput import measure_claims, measure_inbox
from bench.worlds import World, sleep_until_quiet


class Needs(Enum):
    """Which of the worlds of one kind a chapter measures on."""

    NONE = "none"
    LARGEST = "largest"
    ENDS = "smallest and largest"
    ALL = "all"

    def of(self, sizes: Sequence[int]) -> Sequence[int]:
        """Those sizes of the given, each once, smallest first."""
        ordered = sorted(set(sizes))
        ends = sorted({ordered[0], ordered[-1]})
        return {"none": [], "largest": ordered[-1:], "smallest and largest": ends, "all": ordered}[self.value]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a chapter measures with.  leads, accounts: the worlds that it needs, smallest first, maybe empty."""

    report: Report
    load: Load
    rounds: int
    leads: Sequence[World] = ()
    accounts: Sequence[World] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """name: as `--only` takes it.  is_bare: measured once and without a database."""

    name: str
    title: str
    measure: Callable[[Stage], None]
    leads: Needs = Needs.NONE
    accounts: Needs = Needs.NONE
    is_bare: bool = False


def _pages(stage: Stage) -> None:
    count_statements(stage.report, stage.leads[0])
    sleep_until_quiet()
    measure_pages(stage.report, stage.leads, stage.load, rounds=stage.rounds, each=20)
    measure_lead_search(stage.report, stage.leads[-1], stage.load, rounds=stage.rounds, each=20)


def _throughput(stage: Stage) -> None:
    report, world, rounds = stage.report, stage.leads[-1], stage.rounds
    is_sqlite = world.engine == "sqlite"
    measure_inbox(report, world, stage.load, rounds=rounds, seconds=2)
    measure_claims(report, world, stage.load, rounds=rounds, each=200)
    for connections in (8,) if is_sqlite else (1, 32):
        measure_claim_operation(report, world, connections=connections, each=20, rounds=rounds)
    measure_turns(report, world, connections=8 if is_sqlite else 16, each=20, rounds=rounds)


def _conversion(stage: Stage) -> None:
    measure_conversion(stage.report, stage.leads[-1], connections=8, each=10, rounds=stage.rounds)


def _import(stage: Stage) -> None:
    small, large = stage.leads[0], stage.leads[-1]
    measure_import(stage.report, large, rows=10_000, rounds=min(stage.rounds, 3))
    measure_beside(stage.report, large, stage.load, rows=200_000)
    for rows in sorted({10_000, large.size}):
        measure_memory(stage.report, small, rows=rows)


def _forms(stage: Stage) -> None:
    measure_flood(stage.report, stage.leads[-1], stage.load, posts=2_000)


def _sharing(stage: Stage) -> None:
    small, large = stage.leads[0], stage.leads[-1]
    measure_sharing(stage.report, small, large, stage.load, rules=200, rounds=stage.rounds, each=20)


def _reports(stage: Stage) -> None:
    measure_reports(stage.report, stage.leads[-1], stage.load, rounds=stage.rounds, each=20)


def _accounts(stage: Stage) -> None:
    measure_crm(stage.report, stage.accounts, stage.load, rounds=stage.rounds, each=20)
    measure_records(stage.report, stage.accounts[-1], rows=2_000)


def _care(stage: Stage) -> None:
    measure_care(stage.report, stage.accounts[-1], stage.load, rounds=stage.rounds, each=20)
    judge_duplicates(stage.report, stage.accounts[-1])
    measure_many(stage.report, stage.accounts[-1])


def _exports(stage: Stage) -> None:
    measure_exports(stage.report, stage.accounts[-1], rounds=stage.rounds)


def _start(stage: Stage) -> None:
    measure_start(stage.report)


# In this order: what a chapter writes stays for those behind it, which is little beside what was there.
CHAPTERS = (
    Chapter("pages", "Pages", _pages, leads=Needs.ALL),
    Chapter("throughput", "Throughput", _throughput, leads=Needs.LARGEST),
    Chapter("conversion", "Conversion", _conversion, leads=Needs.LARGEST),
    Chapter("import", "Import", _import, leads=Needs.ENDS),
    Chapter("forms", "Web forms", _forms, leads=Needs.LARGEST),
    Chapter("sharing", "Sharing", _sharing, leads=Needs.ENDS),
    Chapter("reports", "Reports", _reports, leads=Needs.LARGEST),
    Chapter("accounts", "Accounts and contacts", _accounts, accounts=Needs.ENDS),
    Chapter("care", "Care of data", _care, accounts=Needs.LARGEST),
    Chapter("exports", "Exports", _exports, accounts=Needs.LARGEST),
    Chapter("start", "Start", _start, is_bare=True),
)
NAMES = tuple(chapter.name for chapter in CHAPTERS)
