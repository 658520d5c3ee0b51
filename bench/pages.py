"""Round 1: inbox, lead list and lead page: time by number of leads, by who looks, by page; statements; weight."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app.identity.queries import find_actor
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading
from app.leads.asking import parse_lead_query
from app.leads.queries import count_leads, list_leads
from bench.figures import Figure, Report, median
from bench.servers import Load, Server, get
from bench.worlds import World

KB = 1024
DEEP_PAGE = 500


@dataclass(frozen=True, slots=True)
class Look:
    """A page as one person opens it.  paths: gone round, so that not one record alone is read."""

    page: str
    who: str
    paths: tuple[str, ...]


# (page, person) of what is timed.  Lead pages take leads that the person reads in full.
LISTS = (
    ("inbox", "waiting", "/inbox"),
    ("inbox", "big", "/inbox"),
    ("lead list", "fifty", "/leads"),
    ("lead list", "big", "/leads"),
    ("lead list", "administrator", "/leads"),
    ("lead list", "portfolio", "/leads"),
    # Many begin so, of whom a partner sees some; and nobody.
    ("lead list searched", "big", "/leads?q=mar"),
    ("lead list searched", "administrator", "/leads?q=mar"),
    ("lead list searched in vain", "big", "/leads?q=zzz"),
)
SEES = {
    "fifty": "partner, sees 50",
    "waiting": "partner, 50 waiting",
    "big": "partner, sees 20 %",
    "administrator": "sees all",
    "portfolio": "sees 20 partners' (10 %)",
}


def measure_pages(report: Report, worlds: Sequence[World], load: Load, *, rounds: int, each: int) -> None:
    """Time the pages on worlds of one database, in turns.  worlds: smallest first."""
    engine = worlds[0].engine
    looks = {world.size: _looks(world) for world in worlds}
    times: dict[tuple[str, str, int], list[float]] = {}
    sizes: dict[tuple[str, str], int] = {}
    with ExitStack() as stack:
        servers = {world.size: stack.enter_context(Server(world)) for world in worlds}
        for number in range(rounds + 1):
            for pairs in zip(*(looks[world.size] for world in worlds), strict=True):
                for world, look in zip(worlds, pairs, strict=True):
                    requests = [get(path, world.people[look.who]) for path in look.paths]
                    answers = load.run(servers[world.size], requests, each=each)
                    if number:  # the first round fills caches
                        times.setdefault((look.page, look.who, world.size), []).append(answers.p50)
                    sizes[look.page, look.who] = answers.bytes
        memory = servers[worlds[-1].size].resident_mb
    report.add(Figure("web process after the pages: resident", engine, memory, "MB", 150))
    p50 = {key: median(values) for key, values in times.items()}
    _report_times(report, engine, p50, [world.size for world in worlds])
    for (page, who), weight in sizes.items():
        if page in ("inbox", "lead list") and who in ("big", "administrator"):
            what = f"{page}, 50 rows, {SEES[who]}: HTML"
            report.add(Figure(what, engine, weight / KB, "KB", 60, 40))


def _looks(world: World) -> list[Look]:
    app = world.app()
    with app.app_context():
        set_reading(True)
        looks = [Look(page, who, (path,)) for page, who, path in LISTS]
        looks += [Look("lead page", who, _lead_pages(world, who)) for who in ("fifty", "big")]
        looks.append(Look("lead page", "administrator", _lead_pages(world, "big")))
        for who in ("big", "administrator"):
            looks.append(Look("lead list, deep", who, (_deep(world, who),)))
        looks.append(
            Look("inbox, deep", "big", (_deep(world, "big", {"box": ["available"]}, "waiting_since"),))
        )
        db.session.remove()
        db.engine.dispose()
    return looks


def _lead_pages(world: World, who: str) -> tuple[str, ...]:
    with db.engine.connect() as connection:
        found = connection.execute(
            text("SELECT ref FROM lead WHERE owner_user_id = :key ORDER BY created_at DESC LIMIT 15"),
            {"key": world.people[who].id},
        )
        return tuple(f"/leads/{ref}" for (ref,) in found)


def _actor(session: Session, world: World, who: str) -> Actor:
    actor = find_actor(session, world.people[who].id, door="web")
    assert actor is not None
    return actor


def _deep(world: World, who: str, given: Any = None, sort: str = "-created_at") -> str:
    """The address of page 500, or of the last whole page where there are fewer (the first if there is one alone), reached page by page."""
    session = db.session()
    actor = _actor(session, world, who)
    query = parse_lead_query(session, actor, given or {}, sort)
    cursor = None
    for _ in range(DEEP_PAGE - 1):
        page = list_leads(session, actor, query, cursor=cursor)
        if page.older is None or len(page.items) < 50:
            break
        cursor = page.older
    path = "/inbox" if given else "/leads"
    return f"{path}?cursor={cursor}" if cursor else path


def _report_times(
    report: Report, engine: str, p50: dict[tuple[str, str, int], float], sizes: Sequence[int]
) -> None:
    smallest, largest = sizes[0], sizes[-1]
    for page, who in dict.fromkeys((page, who) for page, who, _ in p50):
        if page.endswith("deep"):
            continue
        shown = ", ".join(f"{p50[page, who, size]:.1f} ms at {size:,}" for size in sizes)
        what = f"{page}, {SEES[who]}: p50 at {largest:,} : at {smallest:,}"
        growth = p50[page, who, largest] / p50[page, who, smallest]
        report.add(Figure(what, engine, growth, "times", 1.3, 1.1, note=shown))
    for page, who in (("lead list", "big"), ("lead list", "administrator"), ("inbox", "big")):
        deep, first = p50[f"{page}, deep", who, largest], p50[page, who, largest]
        what = f"{page}, {SEES[who]}: page {DEEP_PAGE} : page 1"
        report.add(
            Figure(what, engine, deep / first, "times", 1.2, 1.05, note=f"{deep:.1f} : {first:.1f} ms")
        )
    three = {who: p50["lead list", who, largest] for who in ("fifty", "big", "administrator")}
    report.add(
        Figure(
            "lead list: slowest : fastest of who sees 50, 20 % and all", engine,
            max(three.values()) / min(three.values()), "times", 1.3, 1.1,
            note=", ".join(f"{SEES[who]} {value:.1f} ms" for who, value in three.items()),
        )
    )  # fmt: skip


def statements_of(world: World, who: str, path: str) -> int:
    """How many statements a page takes, in this process, once its caches are filled."""
    app = world.app()
    counted: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement != "BEGIN":
            counted.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    client = app.test_client(use_cookies=False)
    for _ in range(2):
        counted.clear()
        answer = client.get(path, headers={"Cookie": world.people[who].cookie})
        assert answer.status_code == 200, f"{path} answered {answer.status_code}"
    engine.dispose()
    return len(counted)


def count_statements(report: Report, world: World) -> None:
    """How many statements a page takes for somebody with 3 rows and with 300."""
    app = world.app()
    with app.app_context():
        set_reading(True)
        refs = {who: _lead_pages(world, who)[0] for who in ("three", "hundreds")}
        session = db.session()
        actor = _actor(session, world, "big")
        most = count_leads(session, actor, parse_lead_query(session, actor, {}))
        db.session.remove()
        db.engine.dispose()
    for page, must, aim in (("inbox", 12, 7), ("lead list", 12, 7), ("lead page", 15, 10)):
        numbers = []
        for who in ("three", "hundreds"):
            path = {"inbox": "/inbox", "lead list": "/leads"}.get(page, refs[who])
            numbers.append(statements_of(world, who, path))
        note_ = f"{numbers[0]} with 3 rows, {numbers[1]} with 300"
        report.add(Figure(f"{page}: statements", world.engine, max(numbers), "", must, aim, note=note_))
    report.add(Figure("most that a list counts", world.engine, most - 1, "", 1000))
