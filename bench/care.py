"""Round 9: the search box and the duplicate check beside the bare indexed look-up, and how well duplicates are told.

Both are timed over HTTP, in turns with a bare view that asks the same of the index (`care_floor`).  The duplicate check is judged by the Febrl data set's ground truth: five
hundred people and a distorted copy of each, by name and address; dates of birth and insurance numbers, which
would give them away, are in no field of Canal's.
"""

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.operations import create_account
from app.care.comparing import compare_some
from app.care.models import DuplicateCheck, DuplicatePair, PairState
from app.identity.queries import find_actor
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, set_reading, transaction
from app.search.models import SearchEntry
from app.search.near import learn
from app.search.words import spellable
from app.sharing.scope import scope
from bench.figures import Figure, Report, median
from bench.servers import Load, Server, get
from bench.worlds import Person, World
from tests.shared_data import FOLDER

SEARCHES = ("corlana", "nordi", "marla", "garco")
MUST_SEARCH, MUST_CHECK, MUST_TELL = 10.0, 20.0, 0.95
PEOPLE = FOLDER.joinpath("febrl", "dataset1.csv")
_ALL = Actor.system("benchmark of duplicates")

FLOOR = (sys.executable, "-m", "bench.care_floor")
LOOKED_FOR = 4
LEAD_SEARCHES = ("mar", "gar", "puig", "smi")
# What is timed → (what it must take of the floor's time at most, requests, the floor's).
Runs = Mapping[str, tuple[float, Sequence[dict[str, Any]], Sequence[dict[str, Any]]]]


def measure_care(report: Report, world: World, load: Load, *, rounds: int, each: int) -> None:
    """Time both over HTTP on a world of accounts and contacts, in turns with the floor's."""
    app = world.app()
    with app.app_context():
        with transaction() as session:
            _learn(session)
            known = _known(session, world)
        db.session.remove()
        db.engine.dispose()
    person = world.people["sales"]
    searches = [f"q={text}" for text in SEARCHES]
    looks = [urlencode({"name": n, "website": w, "phone": p}) for n, _, w, p in known]
    keyed = [urlencode({"name": key, "website": w, "phone": p}) for _, key, w, p in known]
    runs = {
        "search box: first answer : bare indexed query": (
            MUST_SEARCH,
            [_typed(f"/search/suggest?{query}", person) for query in searches],
            [get(f"/find?{query}", person) for query in searches],
        ),
        "duplicate check while typing : bare indexed look-up": (
            MUST_CHECK,
            [_typed(f"/accounts/similar?{query}", person) for query in looks],
            [get(f"/look?{query}", person) for query in keyed],
        ),
    }
    _race(report, world, load, runs, rounds=rounds, each=each)


def measure_lead_search(report: Report, world: World, load: Load, *, rounds: int, each: int) -> None:
    """Time the search box on a world of leads, for who sees all and for a partner who sees a fifth."""
    bare = [get(f"/find?q={text}", world.people["administrator"]) for text in LEAD_SEARCHES]
    runs = {
        f"search box over leads, {sees}: first answer : bare indexed query": (
            MUST_SEARCH,
            [_typed(f"/search/suggest?q={text}", world.people[who]) for text in LEAD_SEARCHES],
            bare,
        )
        for who, sees in (("administrator", "sees all"), ("big", "partner, sees 20 %"))
    }
    _race(report, world, load, runs, rounds=rounds, each=each)


def _race(report: Report, world: World, load: Load, runs: Runs, *, rounds: int, each: int) -> None:
    """Ours and the floor's in turns, and what one takes of the other."""
    with Server(world) as canal, Server(world, FLOOR) as floor:
        for what, (must, ours, bare) in runs.items():
            taken: list[float] = []
            floors: list[float] = []
            for number in range(rounds + 1):
                a, b = load.run(canal, ours, each=each).p50, load.run(floor, bare, each=each).p50
                if number:  # the first round fills caches
                    taken.append(a)
                    floors.append(b)
            note = f"{median(taken):.2f} : {median(floors):.2f} ms, {world.size:,} records"
            ratio = median(taken) / median(floors)
            report.add(Figure(what, world.engine, ratio, "times", must, note=note))


def _typed(path: str, person: Person) -> dict[str, Any]:
    """As the page asks while somebody types."""
    request = get(path, person)
    return {**request, "headers": {**request["headers"], "HX-Request": "true"}}


def _known(session: Session, world: World) -> Sequence[Any]:
    """(name, key, website, phone) of accounts from all over."""
    keys = [world.size * part // (LOOKED_FOR + 1) for part in range(1, LOOKED_FOR + 1)]
    return session.execute(
        select(Account.name, Account.company_key, Account.domain, Account.phone_key).where(
            scope(Account, _ALL), Account.id.in_(keys)
        )
    ).all()


def judge_duplicates(report: Report, world: World) -> None:
    """Load the Febrl people into the world, let the worker compare them, and count right and wrong pairs.

    Nothing but a message where the data set is not there: see `tests.shared_data`.
    """
    if not PEOPLE.exists():
        print(f"duplicates are not judged: there is no {PEOPLE}", file=sys.stderr)
        return
    app = world.app()
    with app.app_context():
        set_reading(False)
        with transaction() as session:
            actor = find_actor(session, world.people["administrator"].id, door="web")
            assert actor is not None
            # Millions of the world's own wait to be compared with each other: hours, and no pair of them is judged.
            session.execute(delete(DuplicateCheck))
            truth = _load_people(session, actor, clock.now())
        while True:
            with transaction() as session:
                if not compare_some(session, now=clock.now()):
                    break
        found = _pairs(db.session(), truth)
        db.session.remove()
        db.engine.dispose()
    right = sum(truth[one] == truth[other] for one, other in found)
    pairs = sum(a == b for a, b in combinations(truth.values(), 2))
    note = f"{right} of {pairs} pairs, {len(found) - right} wrong"
    recall = Figure(
        "duplicates by name and address: recall",
        world.engine,
        right / pairs,
        "",
        MUST_TELL,
        at_most=False,
        note=note,
    )
    precision = right / len(found) if found else 0.0
    report.add(recall)
    report.add(
        Figure(
            "duplicates by name and address: precision",
            world.engine,
            precision,
            "",
            MUST_TELL,
            at_most=False,
            note=note,
        )
    )


def _learn(session: Session) -> None:
    """Keep the words that the worker would have kept by now.  Along the key: anything else sorts all entries each time."""
    key = (SearchEntry.kind, SearchEntry.text)
    last: tuple[int, str] = (0, "")
    while True:
        rows = session.execute(
            select(*key).where(tuple_(*key) > last).distinct().order_by(*key).limit(20_000)
        ).all()
        if not rows:
            return
        learn(session, spellable(text for _, text in rows))
        last = rows[-1].tuple()


# The ground truth


def _load_people(session: Session, actor: Actor, now: datetime) -> dict[int, str]:
    """Enter the people as person accounts, by name and address; key → whom the row is of."""
    truth: dict[int, str] = {}
    for row in _people():
        street = " ".join(part for part in (row["street_number"], row["address_1"], row["address_2"]) if part)
        account = create_account(
            session,
            actor,
            {
                "kind": "person",
                "first_name": row["given_name"],
                "last_name": row["surname"] or row["given_name"] or "unknown",
                "billing_street": street,
                "billing_city": row["suburb"],
                "billing_postal_code": row["postcode"],
                "billing_state": row["state"],
                "billing_country": "AU",
            },
            allow_duplicate=True,
            now=now,
        )
        truth[account.id] = row["rec_id"].split("-")[1]
    return truth


def _people() -> Iterator[dict[str, str]]:
    with PEOPLE.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, skipinitialspace=True)


def _pairs(session: Session, truth: dict[int, str]) -> Sequence[tuple[int, int]]:
    rows = session.execute(
        select(DuplicatePair.one_id, DuplicatePair.other_id).where(
            DuplicatePair.kind == "account", DuplicatePair.state == PairState.OPEN
        )
    )
    return [(one, other) for one, other in rows if one in truth or other in truth]
