"""Seeded leads by the hundred thousand, and the rows of other tables that come with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from app.kernel.fold import company_key, email_key, fold, phone_key
from bench.company import Place

MONTHS_BACK = timedelta(days=540)
COUNTRIES = (
    ("ES", ("Girona", "Barcelona", "Madrid", "Vic", "Lleida")),
    ("FR", ("Lyon", "Perpignan", "Paris")),
    ("DE", ("Berlin", "Köln", "München")),
    ("PT", ("Porto", "Lisboa")),
    ("IT", ("Milano", "Torino")),
    ("GB", ("London", "Leeds")),
    ("AD", ("Andorra la Vella",)),
)
_COUNTRY_WEIGHTS = (30, 20, 20, 10, 10, 9.9, 0.1)
INDUSTRIES = (
    "Manufacturing", "Retail", "Hospitality", "Logistics", "Healthcare", "Education", "Construction",
    "Finance", "Food and drink", "Energy", "Public sector", "Media",
)  # fmt: skip
PRODUCTS = (
    "Wireless access", "Edge router", "Core switch", "Firewall", "Telephony", "Storage", "Backup", "Monitoring",
    "Conference room", "Cabling",
)  # fmt: skip
_FIRST = ("Anna", "Marc", "Laia", "Jordi", "Núria", "Pau", "Sara", "Tom", "Lena", "Hugo", "Inês", "Zoë")
_LAST = (
    "Puig", "Serra", "Müller", "Martin", "Rossi", "Silva", "Smith", "Vila", "Roca", "Ferrer", "Dupont",
    "Weber", "Costa", "Jones", "Garcia", "López",
)  # fmt: skip
_ENDS = ("Ltd", "GmbH", "S.L.", "SA", "& Sons", "Group", "Industries", "Labs")


@dataclass(frozen=True, slots=True)
class Lists:
    """Keys of the administrator's lists.  statuses: key → (id, whether open).  campaigns: (id, name)."""

    statuses: Mapping[str, tuple[int, bool]]
    sources: Sequence[int]
    campaigns: Sequence[tuple[int, str]] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner's columns of every lead that lies in one place."""

    user_id: int | None
    queue_id: int | None
    account_id: int | None
    rank: int | None

    @classmethod
    def of(cls, place: Place) -> "Owner":
        user, queue = place.user, place.queue
        if user is not None:
            rank = user.role.rank if user.is_partner else None
            return cls(user.id, None, user.partner_account_id, rank)
        assert queue is not None
        return cls(None, queue.id, queue.partner_account_id, None)


def spread(size: int, places: Sequence[Place], random: Random) -> list[Owner]:
    """Who has which of `size` leads: the exact numbers first, anywhere; the rest by their shares."""
    owners: list[Owner | None] = [None] * size
    exact = [Owner.of(place) for place in places if place.exactly for _ in range(place.exactly)]
    for spot, owner in zip(random.sample(range(size), len(exact)), exact, strict=True):
        owners[spot] = owner
    shared = [place for place in places if place.part]
    rest = random.choices([Owner.of(p) for p in shared], [p.part for p in shared], k=size - len(exact))
    source = iter(rest)
    return [owner or next(source) for owner in owners]


def lead_rows(
    owners: Sequence[Owner], lists: Lists, random: Random, now: datetime, first_id: int = 1
) -> Iterator[dict[str, Any]]:
    """A row of `lead` for each owner, oldest first.

    Whole on purpose: chance is drawn column after column, so that a seed gives the same world for good.
    """
    step = MONTHS_BACK / (len(owners) + 1)
    firms, people = _firms(random), _people()
    kinds = ("new", "working", "qualified", "unqualified")
    chances = (0.55, 0.25, 0.12, 0.08)
    at = now - MONTHS_BACK
    for number, owner in enumerate(owners, first_id):
        at += step
        country, cities = random.choices(COUNTRIES, _COUNTRY_WEIGHTS)[0]
        firm, firm_fold, firm_key, domain = firms[int(random.random() * len(firms))]
        first, last, last_fold = people[int(random.random() * len(people))]
        status = "new" if owner.queue_id else random.choices(kinds, chances)[0]
        status_id, is_open = lists.statuses[status]
        email = f"{last_fold}{number}@{domain}"
        is_active = owner.user_id is not None and number % 5 == 0
        campaign_id, campaign_name = _campaign(lists, number)
        taken_after = (number * 7919 % 60) ** 4 // 10 if owner.rank is not None else None
        yield {
            "id": number,
            "ref": f"lead_{random.getrandbits(100):022d}"[:27],
            "last_name": last,
            "last_name_fold": last_fold,
            "first_name": first,
            "company": firm,
            "company_fold": firm_fold,
            "company_key": firm_key,
            "email": email,
            "email_key": email,
            "phone": f"+34972{number % 1000000:06d}",
            "phone_key": f"+34972{number % 1000000:06d}",
            "status_id": status_id,
            "source_id": lists.sources[int(random.random() * len(lists.sources))],
            "industry": INDUSTRIES[int(random.random() * len(INDUSTRIES))],
            "employees": 1 << int(random.random() * 14),
            "city": cities[int(random.random() * len(cities))],
            "country": country,
            "product_interest": PRODUCTS[int(random.random() * len(PRODUCTS))],
            "description": "Wants a quote for three sites.",
            "score": int(random.random() * 101),
            "external_id": f"bench-{number}",
            "arrived_at": at,
            "qualified_by": {},
            "opted_out_email": False,
            "opted_out_phone": False,
            "owner_user_id": owner.user_id,
            "owner_queue_id": owner.queue_id,
            "partner_account_id": owner.account_id,
            "owner_rank": owner.rank,
            "owned_since": at,
            "waiting_since": at,
            "last_cause": "rule",
            "last_queue_id": owner.queue_id,
            "is_open": is_open,
            "is_owner_chosen": False,
            "last_activity_at": at + timedelta(hours=30) if is_active else None,
            "campaign_id": campaign_id,
            "campaign_name": campaign_name,
            "taken_at": at + timedelta(seconds=taken_after or 0) if owner.user_id else None,
            "taken_after": taken_after,
            "touched_at": at + timedelta(hours=30) if is_active else None,
            "touched_after": max(108_000 - (taken_after or 0), 0) if is_active else None,
            "duplicates": [],
            "imported": {},
            "created_at": at,
            "updated_at": at,
            "version": 1,
        }


def _campaign(lists: Lists, number: int) -> tuple[int | None, str | None]:
    """Every third lead came by none."""
    if number % 3 == 0 or not lists.campaigns:
        return None, None
    return lists.campaigns[number // 3 % len(lists.campaigns)]


def _firms(random: Random) -> list[tuple[str, str, str | None, str]]:
    firms = []
    for number in range(20_000):
        name = f"{random.choice(_LAST)} {random.choice(INDUSTRIES)} {number} {random.choice(_ENDS)}"
        firms.append((name, fold(name, 255), company_key(name), f"firm{number}.example"))
    return firms


def _people() -> list[tuple[str, str, str]]:
    return [(first, last, fold(last, 120)) for first in _FIRST for last in _LAST]


# What came with each lead: its first placement, five events, and two activities of every fifth that has an owner; offers
# of those that partner people have, one in a thousand of them still open; and what was made of every 25th.
# {none} is an empty JSON list, {nothing} an empty JSON object, {before} what a conversion
# keeps of a lead of which nothing was planned, {later} 20 days after creation.
_OF_MANY = """
    owner_rank IS NOT NULL AND partner_account_id IN (
        SELECT partner_account_id FROM lead WHERE owner_rank IS NOT NULL GROUP BY partner_account_id HAVING count(*) > 400
    )
"""
HISTORY = (
    """
    INSERT INTO assignment (lead_id, at, cause, to_user_id, to_queue_id, to_company_id, actor_name, trace)
    SELECT id, created_at, 'rule', owner_user_id, owner_queue_id, partner_account_id, 'Import', {none}
    FROM lead ORDER BY id
    """,
    """
    INSERT INTO event (at, verb, record_kind, record_id, record_ref, actor_name, door, changes, detail)
    SELECT created_at, 'created', 'lead', id, ref, 'Import', 'import', {nothing}, {nothing} FROM lead ORDER BY id
    """,
    """
    INSERT INTO event (at, verb, record_kind, record_id, record_ref, actor_id, actor_name, company_id, door, changes,
                       detail)
    SELECT created_at, verb, 'lead', id, ref, owner_user_id, 'Somebody', partner_account_id, 'web', {nothing}, {nothing}
    FROM lead CROSS JOIN (SELECT 'assigned' AS verb UNION ALL SELECT 'claimed' UNION ALL SELECT 'edited'
                          UNION ALL SELECT 'logged') verbs
    ORDER BY id
    """,
    """
    INSERT INTO offer (lead_id, user_id, company_id, state, made_at, expires_at, answered_at, hops)
    SELECT id, owner_user_id, partner_account_id,
           CASE id / 2 - id / 10 * 5 WHEN 0 THEN 'declined' WHEN 1 THEN 'expired' ELSE 'accepted' END,
           created_at, {later}, created_at, 0
    FROM lead WHERE owner_rank IS NOT NULL AND id / 2 * 2 = id ORDER BY id
    """,
    """
    INSERT INTO offer (lead_id, user_id, company_id, state, made_at, expires_at, hops)
    SELECT id, owner_user_id, partner_account_id, 'pending', created_at, {soon}, 0
    FROM lead WHERE id / 1000 * 1000 + 7 = id AND """
    + _OF_MANY
    + """ ORDER BY id
    """,
    """
    UPDATE lead SET offer_id = pending.id, offer_expires_at = pending.expires_at, taken_at = NULL, taken_after = NULL,
                    touched_at = NULL, touched_after = NULL
    FROM (SELECT id, lead_id, expires_at FROM offer WHERE state = 'pending') AS pending
    WHERE pending.lead_id = lead.id
    """,
    """
    UPDATE lead SET converted_at = {later}, is_open = {false},
                    status_id = (SELECT id FROM lead_status WHERE category = 'converted' LIMIT 1)
    WHERE id / 25 * 25 + 3 = id AND offer_id IS NULL AND """
    + _OF_MANY
    + """
    """,
    """
    INSERT INTO opportunity (ref, name, name_fold, account_id, amount, currency, stage_id, category, probability,
                             amount_order, close_order, closed_at, turned_at, owner_user_id, owner_rank, partner_account_id,
                             source_partner_id, source_lead_id, campaign_name, campaign_id, created_at, updated_at, version)
    SELECT 'opp_' || lead.id, company, company_fold, partner_account_id, 1000 + lead.id - lead.id / 9000 * 9000, 'EUR', stage.id,
           stage.category, stage.probability, 1000 + lead.id - lead.id / 9000 * 9000, CAST('9999-12-31' AS {date}),
           CASE WHEN stage.category = 'open' THEN NULL ELSE converted_at END,
           CASE WHEN stage.category = 'open' THEN NULL ELSE converted_at END, owner_user_id, owner_rank,
           partner_account_id, partner_account_id, lead.id, campaign_name, campaign_id, converted_at, converted_at, 1
    FROM lead JOIN (SELECT id, category, probability, row_number() OVER (ORDER BY id) AS place,
                           count(*) OVER () AS many FROM opportunity_stage) AS stage
                ON stage.place = lead.id / 25 - lead.id / 25 / stage.many * stage.many + 1
    WHERE converted_at IS NOT NULL ORDER BY lead.id
    """,
    """
    INSERT INTO conversion (lead_id, account_id, opportunity_id, made, asked, before, filled, documents, event_id,
                            converted_at)
    SELECT lead.id, opportunity.account_id, opportunity.id, {none}, {nothing}, {before}, {nothing}, {none}, 0,
           lead.converted_at
    FROM lead JOIN opportunity ON opportunity.source_lead_id = lead.id
    """,
    """
    INSERT INTO activity (ref, kind, subject, at, is_done, lead_id, company_id, created_at, updated_at, version,
                          created_by_id, updated_by_id)
    SELECT 'act_' || id || '_' || kind, kind, 'Spoke about the offer', last_activity_at, {true}, id,
           partner_account_id, created_at, created_at, 1, owner_user_id, owner_user_id
    FROM lead CROSS JOIN (SELECT 'call' AS kind UNION ALL SELECT 'note') kinds
    WHERE last_activity_at IS NOT NULL ORDER BY id
    """,
    """
    INSERT INTO notification (ref, act, user_id, kind, record_kind, record_id, detail, created_at, read_at)
    SELECT 'note_' || id, 'assignment:' || id, owner_user_id, 'lead_assigned', 'lead', id, {nothing}, created_at,
           created_at
    FROM lead WHERE owner_rank IS NOT NULL AND id / 4 * 4 = id ORDER BY id
    """,
)
SPELLING = {
    "sqlite": {
        "date": "TEXT",
        "none": "'[]'",
        "nothing": "'{}'",
        "before": """'{"lead": {}, "planned": []}'""",
        "true": "1",
        "false": "0",
        "later": "strftime('%Y-%m-%d %H:%M:%f', created_at, '+20 days') || '000'",
        "soon": "strftime('%Y-%m-%d %H:%M:%f', 'now', '+3 hours') || '000'",
    },
    "postgresql": {
        "date": "DATE",
        "none": "'[]'::jsonb",
        "nothing": "'{}'::jsonb",
        "before": """'{"lead": {}, "planned": []}'::jsonb""",
        "true": "true",
        "false": "false",
        "later": "created_at + interval '20 days'",
        "soon": "now() + interval '3 hours'",
    },
}

# What an import's file holds, and the same leads as columns: for the import and for its floor.
CSV_HEADER = (
    "external_id,last_name,first_name,company,email,phone,industry,employees,city,country,product_interest,"
    "source,score,description"
)


def csv_lines(count: int, seed: int) -> Iterator[str]:
    """Lines of a file of leads that nobody has yet; some look like one another."""
    random = Random(seed)
    yield CSV_HEADER + "\n"
    for values in file_values(count, random, seed):
        yield ",".join(str(value) for value in values.values()) + "\n"


def file_values(count: int, random: Random, seed: int) -> Iterator[dict[str, Any]]:
    """Field → value of each line of the file with that seed."""
    for number in range(count):
        country, cities = random.choices(COUNTRIES, _COUNTRY_WEIGHTS)[0]
        last = random.choice(_LAST)
        mailbox = number if random.random() > 0.05 else number // 2
        yield {
            "external_id": f"file-{seed}-{number}",
            "last_name": last,
            "first_name": random.choice(_FIRST),
            "company": f"{random.choice(_LAST)} {random.choice(INDUSTRIES)} {seed}-{random.randrange(count)}",
            "email": f"{fold(last)}{mailbox}@file{seed}.example",
            "phone": f"+34 93 {number % 10_000_000:07d}",
            "industry": random.choice(INDUSTRIES),
            "employees": 1 << random.randrange(14),
            "city": random.choice(cities),
            "country": country,
            "product_interest": random.choice(PRODUCTS),
            "source": random.choice(("Webinar", "Partner portal", "Fair in Girona")),
            "score": random.randrange(101),
            "description": "Wants a quote for three sites.",
        }


def file_rows(count: int, seed: int, queue_id: int, lists: Lists, now: datetime) -> list[dict[str, Any]]:
    """The file's leads as rows of the table, made ready beforehand: what the bare insert writes."""
    random = Random(seed)
    status_id, is_open = lists.statuses["new"]
    rows = []
    for values in file_values(count, Random(seed), seed):
        rows.append(
            {
                **{k: v for k, v in values.items() if k != "source"},
                "ref": f"lead_{random.getrandbits(110):022d}"[:27],
                "last_name_fold": fold(values["last_name"], 120),
                "company_fold": fold(values["company"], 255),
                "company_key": company_key(values["company"]),
                "email_key": email_key(values["email"]),
                "phone_key": phone_key(values["phone"], values["country"]),
                "status_id": status_id,
                "source_id": lists.sources[0],
                "is_open": is_open,
                "owner_queue_id": queue_id,
                "last_queue_id": queue_id,
                "last_cause": "default_queue",
                "is_owner_chosen": False,
                "opted_out_email": False,
                "opted_out_phone": False,
                "qualified_by": {},
                "duplicates": [],
                "imported": {},
                "arrived_at": now,
                "owned_since": now,
                "waiting_since": now,
                "created_at": now,
                "updated_at": now,
                "version": 1,
            }
        )
    return rows
