"""A world of accounts, three contacts and ten activities each, with the people who look at them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, AccountResponsible, Contact
from app.identity.models import AccountScope
from app.kernel import clock, refs
from app.kernel.actor import Actor, Role
from app.kernel.db import db, transaction
from app.kernel.fold import company_key, fold
from app.search.models import SearchEntry
from app.search.words import KINDS, entries_of
from app.sharing.scope import scope
from bench.company import Company
from bench.leads import COUNTRIES, INDUSTRIES
from bench.worlds import SEED, World, insert_in_chunks, loading, make_filled, run_statements
from tests.factories import make_user

CONTACTS, ACTIVITIES = 3, 10
PORTFOLIO = 200
OWNERS = 50
# So many accounts have a type that no other has, however large the world is.
RARE, MARKED = "Pilot", 40
_ALL = Actor.system("benchmark")
_LOADED = ("account", "contact", "activity", "event", "search_entry")
_STARTS = (
    "Al",
    "Bar",
    "Cor",
    "Del",
    "Es",
    "Fon",
    "Gar",
    "Hel",
    "Is",
    "Jun",
    "Kar",
    "Lum",
    "Mar",
    "Nor",
    "Or",
    "Pal",
)
_MIDDLES = ("ba", "co", "di", "fer", "gu", "la", "mo", "ni", "pe", "ra", "so", "ti", "ve", "xa", "za", "lu")
_ENDINGS = (
    "na",
    "ro",
    "tek",
    "lia",
    "mar",
    "nex",
    "sol",
    "vic",
    "dor",
    "ges",
    "pol",
    "tan",
    "rix",
    "bel",
    "fon",
    "sa",
)
_FORMS = ("Ltd", "GmbH", "S.L.", "SA", "Group", "Industries", "Labs", "")
_FIRST = ("Anna", "Marc", "Laia", "Jordi", "Núria", "Pau", "Sara", "Tom", "Lena", "Hugo", "Inês", "Zoë")
_CATEGORIES = ("unclassified", "prospect", "customer")
_TYPES = ("Customer - Direct", "Customer - Channel", "Prospect", "Supplier")

# Of an account four activities, of each of its contacts two; one in ten is still to be done.
ACTIVITIES_OF = (
    """
    INSERT INTO activity (ref, kind, subject, text, at, due_at, is_done, contact_id, of_account_id, created_at,
                          updated_at, version, created_by_id, updated_by_id, assignee_id)
    SELECT 'act_c' || c.id || '_' || n.n, n.kind, 'Spoke about the offer', 'They want to see it.', c.updated_at,
           CASE WHEN (c.id + n.n) / 10 * 10 = c.id + n.n THEN c.updated_at END,
           CASE WHEN (c.id + n.n) / 10 * 10 = c.id + n.n THEN {false} ELSE {true} END, c.id, c.account_id, c.updated_at,
           c.updated_at, 1, c.owner_user_id, c.owner_user_id, c.owner_user_id
    FROM contact c CROSS JOIN (SELECT 1 AS n, 'call' AS kind UNION ALL SELECT 2, 'meeting') n ORDER BY c.id
    """,
    """
    INSERT INTO activity (ref, kind, subject, text, at, due_at, is_done, account_id, of_account_id, created_at,
                          updated_at, version, created_by_id, updated_by_id, assignee_id)
    SELECT 'act_a' || a.id || '_' || n.n, n.kind, 'Prepared the visit', 'With figures.', a.updated_at,
           CASE WHEN (a.id + n.n) / 10 * 10 = a.id + n.n THEN a.updated_at END,
           CASE WHEN (a.id + n.n) / 10 * 10 = a.id + n.n THEN {false} ELSE {true} END, a.id, a.id, a.updated_at,
           a.updated_at, 1, a.owner_user_id, a.owner_user_id, a.owner_user_id
    FROM account a CROSS JOIN (SELECT 1 AS n, 'call' AS kind UNION ALL SELECT 2, 'task' UNION ALL SELECT 3, 'note'
                               UNION ALL SELECT 4, 'email') n
    ORDER BY a.id
    """,
    """
    INSERT INTO event (at, verb, record_kind, record_id, record_ref, actor_name, door, changes, detail)
    SELECT created_at, 'created', 'account', id, ref, 'Import', 'import', {nothing}, {nothing}
    FROM account ORDER BY id
    """,
)


def make_crm_world(engine: str, size: int, folder: Path) -> World:
    """So many accounts, three times as many contacts, ten times as many activities."""
    return make_filled(engine, size, folder, _found, _fill, seed=SEED)


def _found(session: Session, _size: int, _random: Random) -> Company:
    """sales: sees all.  portfolio: sees the accounts that they answer for.  viewer: reads all."""
    company = Company()
    company.add("administrator", make_user(session, "Ada Admin", role=Role.ADMINISTRATOR))
    company.add("sales", make_user(session, "Sal Sales", role=Role.SALES))
    portfolio = company.add("portfolio", make_user(session, "Pol Folio", role=Role.SALES))
    portfolio.account_scope = AccountScope.PORTFOLIO
    for number in range(OWNERS):
        make_user(session, f"Owner {number}", role=Role.SALES)
    return company


def _fill(engine: str, size: int, company: Company, random: Random) -> None:
    keys = [user.id for name, user in company.people.items() if name != "portfolio"]
    first = max(user.id for user in company.people.values()) + 1
    owners = [*keys, *range(first, first + OWNERS)]
    now = clock.now()
    with loading(engine, _LOADED):
        insert_in_chunks(engine, Account, _accounts(size, owners, random, now))
        insert_in_chunks(engine, Contact, _contacts(size, owners, random, now))
        for kind, model in (("account", Account), ("contact", Contact)):
            insert_in_chunks(engine, SearchEntry, _entries(kind, model, size))
        run_statements(engine, ACTIVITIES_OF)
    with transaction() as session:
        step = max(1, size // PORTFOLIO)
        for key in range(1, size + 1, step):
            session.add(
                AccountResponsible(
                    ref=refs.new_ref(refs.ITEM), account_id=key, user_id=company.people["portfolio"].id,
                    role="", created_at=now,
                )
            )  # fmt: skip


def _word(random: Random) -> str:
    return random.choice(_STARTS) + random.choice(_MIDDLES) + random.choice(_ENDINGS)


def _accounts(size: int, owners: list[int], random: Random, now: datetime) -> Iterator[dict[str, Any]]:
    step = timedelta(days=720) / (size + 1)
    at = now - timedelta(days=720)
    for number in range(1, size + 1):
        at += step
        name = f"{_word(random)} {_word(random)} {random.choice(_FORMS)}".strip()
        country, cities = random.choice(COUNTRIES)
        is_marked = number % (size // MARKED) == 0
        phone = f"+3497{number:07d}"
        yield {
            "id": number, "ref": f"acct_{random.getrandbits(100):022d}"[:27], "kind": AccountKind.BUSINESS, "name": name,
            "name_fold": fold(name, 255), "company_key": company_key(name) or "", "phone": phone,
            "phone_key": phone, "website": f"https://firm{number}.example", "domain": f"firm{number}.example",
            "type": RARE if is_marked else random.choice(_TYPES), "industry": random.choice(INDUSTRIES),
            "employees": 1 << random.randrange(14), "annual_revenue": random.randrange(10_000_000),
            "category": "customer" if is_marked else random.choice(_CATEGORIES), "billing_city": random.choice(cities),
            "billing_country": "ES" if is_marked else country, "owner_user_id": random.choice(owners), "imported": {}, "custom": {},
            "external_id": f"bench-{number}", "last_activity_at": at, "created_at": at, "updated_at": at,
            "version": 1,
        }  # fmt: skip


def _contacts(size: int, owners: list[int], random: Random, now: datetime) -> Iterator[dict[str, Any]]:
    step = timedelta(days=700) / (CONTACTS * size + 1)
    at = now - timedelta(days=700)
    for number in range(1, CONTACTS * size + 1):
        at += step
        first, last = random.choice(_FIRST), _word(random)
        email = f"{last.lower()}{number}@firm{(number - 1) // CONTACTS + 1}.example"
        mobile = f"+346{number:08d}"
        yield {
            "id": number, "ref": f"cont_{random.getrandbits(100):022d}"[:27], "first_name": first,
            "last_name": last, "last_name_fold": fold(last, 120), "title": "Buyer", "email": email,
            "email_key": email, "mobile": mobile, "phone_key": mobile,
            "account_id": (number - 1) // CONTACTS + 1, "owner_user_id": random.choice(owners), "imported": {},
            "custom": {}, "last_activity_at": at, "created_at": at, "updated_at": at, "version": 1,
        }  # fmt: skip


def _entries(kind: str, model: Any, size: int) -> Iterator[dict[str, Any]]:
    """What each record is found by, in the order of its keys."""
    from app.search.upkeep import COLUMNS

    names, reached = COLUMNS[model], 0
    last = size if kind == "account" else CONTACTS * size
    while reached < last:
        columns = [model.id, *(getattr(model, name) for name in names)]
        rows = db.session().execute(
            select(*columns).where(scope(model, _ALL), model.id > reached).order_by(model.id).limit(20_000)
        )
        for row in rows:
            values = dict(zip(names, row[1:], strict=True))
            for text in entries_of(kind, values):
                yield {"kind": KINDS[kind], "text": text, "record_id": row[0]}
            reached = row[0]
        db.session().rollback()
