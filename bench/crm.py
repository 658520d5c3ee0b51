"""Round 8: pages of accounts and contacts, lists with three filters and the search box, by number of accounts."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

from sqlalchemy import text

from app.kernel.db import db, set_reading
from bench.crm_world import RARE
from bench.figures import Figure, Report, median
from bench.pages import statements_of
from bench.servers import Load, Server, get
from bench.worlds import World

PEOPLE = ("sales", "portfolio")
# Filters that one record in seven meets, and the same that few meet: as many in every world.
_MANY = "".join(
    [
        *(f"&industry={name}" for name in ("Retail", "Logistics", "Finance", "Energy", "Media", "Education")),
        "&category=customer&category=prospect",
        *(f"&billing_country={code}" for code in ("ES", "FR", "DE")),
    ]
)
LISTS = (
    ("account list, three filters, one in seven", f"/accounts?{_MANY[1:]}"),
    ("account list, three filters, 40 match", f"/accounts?type={RARE}&category=customer&billing_country=ES"),
    (
        "contact list, three filters, one in six",
        "/contacts?title=Buyer&first_name=Laia&first_name=Marc&private=false",
    ),
)
# Beginnings of names, an e-mail address, a number, a misspelt name.
SEARCHES = ("Corlana", "Nordi", "Laia Mar", "firm5", "+34 97 0000 123", "Coralna")


def measure_crm(report: Report, worlds: Sequence[World], load: Load, *, rounds: int, each: int) -> None:
    """Time the pages on worlds of one database, in turns.  worlds: smallest first."""
    engine = worlds[0].engine
    looks = {world.size: _looks(world) for world in worlds}
    times: dict[tuple[str, str, int], list[float]] = {}
    with ExitStack() as stack:
        servers = {world.size: stack.enter_context(Server(world)) for world in worlds}
        for number in range(rounds + 1):
            for (page, who), _ in looks[worlds[0].size].items():
                for world in worlds:
                    requests = [get(path, world.people[who]) for path in looks[world.size][page, who]]
                    answers = load.run(servers[world.size], requests, each=each)
                    if number:  # the first round fills caches
                        times.setdefault((page, who, world.size), []).append(answers.p50)
    sizes = [world.size for world in worlds]
    for page, who in looks[sizes[0]]:
        p50 = {size: median(times[page, who, size]) for size in sizes}
        note = ", ".join(f"{p50[size]:.1f} ms at {size:,}" for size in sizes)
        what = f"{page}, {who}: p50 at {sizes[-1]:,} accounts : at {sizes[0]:,}"
        report.add(Figure(what, engine, p50[sizes[-1]] / p50[sizes[0]], "times", 1.3, note=note))
    _count(report, worlds, looks)


def _looks(world: World) -> dict[tuple[str, str], tuple[str, ...]]:
    """(page, person) → the addresses that are gone round."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    app = world.app()
    with app.app_context():
        set_reading(True)
        for who in PEOPLE:
            found["account page", who] = _pages(world, who, "account")
            found["contact page", who] = _pages(world, who, "contact")
        db.session.remove()
        db.engine.dispose()
    for who in PEOPLE:
        found |= {(page, who): (path,) for page, path in LISTS}
        found["search box", who] = tuple(f"/search/suggest?q={quote(each)}" for each in SEARCHES)
    return found


def _pages(world: World, who: str, kind: str) -> tuple[str, ...]:
    """Records that the person sees, from all over."""
    key = "id" if kind == "account" else "account_id"
    answered = f"AND {key} IN (SELECT account_id FROM account_responsible WHERE user_id = :user)"
    statement = f"SELECT ref FROM {kind} WHERE id > :after {answered if who == 'portfolio' else ''} ORDER BY id LIMIT 1"
    with db.engine.connect() as connection:
        places = [world.size * part // 16 for part in range(15)]
        values: list[dict[str, Any]] = [{"after": place, "user": world.people[who].id} for place in places]
        refs = dict.fromkeys(connection.scalar(text(statement), each) for each in values)
    return tuple(f"/{kind}s/{ref}" for ref in refs if ref)


def _count(
    report: Report, worlds: Sequence[World], looks: dict[int, dict[tuple[str, str], tuple[str, ...]]]
) -> None:
    for (page, who), _ in looks[worlds[0].size].items():
        numbers = [statements_of(world, who, looks[world.size][page, who][0]) for world in worlds]
        note = ", ".join(f"{number} at {world.size:,}" for number, world in zip(numbers, worlds, strict=True))
        what = f"{page}, {who}: statements at most : at fewest"
        report.add(Figure(what, worlds[0].engine, max(numbers) / min(numbers), "times", 1.0, note=note))
