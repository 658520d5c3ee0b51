"""Two companies in one system, with a mark in every text of what the rival must not see.

Built in three layers, so that the same questions can be asked before and after one is laid on:

- `base`: the vendor and the rival, Southwind, with what its people may see;
- `strangers`: Northwind, its people, and what the vendor keeps in setup;
- `veiled`: leads, accounts and contacts of others, with everything that hangs on them.

Names of records are drawn from a seed: what is laid on later has the names it was asked for by before.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Enum, Numeric, String, Text
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.activities.operations import log_activity
from app.identity.models import (
    AccountScope,
    User,
)
from app.kernel import clock, refs
from app.kernel.actor import Role
from app.kernel.fold import company_key, email_key, fold, phone_key
from app.leads.models import Lead
from app.leads.operations import delete_lead
from app.notifications.models import Notification
from app.partners.models import MayInvite
from app.routing.models import (
    Queue,
)
from app.routing.operations import (
    Wish,
    assign_lead,
    decline_offer,
    find_target,
)
from app.sharing.shares import share_record
from tests.accounts.hanging import characterise, interest, make_area, make_type, relate
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    make_partner,
    make_queue,
    make_user,
    rows,
)
from tests.fields.making import make_field
from tests.routing.routing_worlds import target

STEM = "zqxveil"  # in every text of records that are not theirs
STRANGER = "zqxstranger"  # in every text of other people, and of what the vendor keeps in setup
INNER = "zqxinner"  # in what of theirs the vendor's people alone see
DIGITS = "666007"  # in every number
PEERS = "zqxpeer"  # before a colleague's name, in the texts of their leads

# Texts that are no content: names of kinds, digests, places, and what is written by the code for itself.
TECHNICAL = frozenset(
    {"ref", "key", "record_kind", "record_ref", "object", "door", "verb", "channel", "lease", "digest", "path", "kind",
     "act", "category", "cause", "last_cause", "role", "language", "time_zone", "theme", "password_hash", "nonce",
     "second_factor_nonce", "prefix", "content_type", "country", "billing_country", "shipping_country", "address",
     "lead_ref", "reason", "error", "merging"}
)  # fmt: skip
MINUTE = timedelta(minutes=1)


@dataclass
class World:
    """Who is there, and what there is of each kind of record: name of the kind → public names."""

    now: datetime
    people: dict[str, User] = field(default_factory=dict)
    queues: dict[str, Queue] = field(default_factory=dict)
    southwinds: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    portas: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stranger: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    veiled: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    southwind: Any = None
    northwind: Any = None
    leads: dict[str, Lead] = field(default_factory=dict)
    records: dict[str, Any] = field(default_factory=dict)  # accounts and contacts
    turns: Any = None
    foretold: Any = None  # a world that is no more, with the names that records will have
    had: frozenset[str] = frozenset()  # leads that were the rival's


def veil(*records: Any, stem: str = STEM, but: tuple[str, ...] = ()) -> None:
    """Write the mark into every text of the records, and a number that tells itself into every quantity."""
    for record in records:
        for column in record.__table__.columns:
            if column.name not in TECHNICAL and column.name not in but:
                mark = _mark(record, column, stem)
                if mark is not None:
                    setattr(record, column.name, mark)
        for name in ("name", "company", "last_name", "subject"):
            if f"{name}_fold" in record.__table__.columns:
                length = record.__table__.columns[f"{name}_fold"].type.length
                setattr(record, f"{name}_fold", fold(getattr(record, name) or "", length))
        _write_keys(record)


def is_content(column: Any) -> bool:
    """Whether people write what stands in the column, and it is long enough for a mark."""
    kind, name = column.type, column.name
    is_text = isinstance(kind, (String, Text)) and not isinstance(kind, Enum)
    return (
        is_text
        and name not in TECHNICAL
        and not name.endswith(("_fold", "_key"))
        and (kind.length or 99) >= 40
    )


def _mark(record: Any, column: Any, stem: str) -> Any:
    """What stands in the column from now on; None where it stays as it is."""
    name, kind, table = column.name, column.type, record.__tablename__
    if name.endswith(("_fold", "_key")) or isinstance(kind, Enum):
        return None
    if name in ("employees", "annual_revenue") or isinstance(kind, Numeric):
        return int(f"{DIGITS}7") if stem in (STEM, STRANGER) else None
    if not isinstance(kind, (String, Text)) or (kind.length or 99) < 20:
        return None
    if name in ("phone", "mobile"):
        return f"+34 {DIGITS}{record.id:03}" if stem in (STEM, STRANGER) else None
    if name in ("email", "recipient"):
        return f"{stem}.{table}{record.id}@{stem}.example"
    if name == "website":
        return f"https://{stem}.example/{record.id}"
    if name == "domain":
        return f"{stem}.example"
    return f"{stem} {table} {name} {record.id}"[: kind.length]


def _write_keys(record: Any) -> None:
    """What is looked up by follows from what was written."""
    columns = record.__table__.columns
    if "email_key" in columns and record.email:
        record.email_key = email_key(record.email)
    if "phone_key" in columns and record.phone:
        record.phone_key = phone_key(record.phone, "ES")
    if "company_key" in columns:
        record.company_key = company_key(getattr(record, "company", None) or record.name) or ""


# The first layer


def build_base(session: Session) -> World:
    """The vendor and the rival.  What of theirs lies veiled already is what they had and have no more."""
    with refs.seeded(Random(1)):
        world = World(clock.now())
        people = world.people
        people["ada"] = make_user(session, "Ada", role=Role.ADMINISTRATOR)
        people["mara"] = make_user(session, "Mara", role=Role.CHANNEL_MANAGER)
        people["porta"] = make_user(
            session, "Porta", role=Role.CHANNEL_MANAGER, account_scope=AccountScope.PORTFOLIO
        )
        world.southwind = make_partner(
            session, "Southwind", owner=people["mara"], may_invite=MayInvite.MANAGER, capacity=100
        )
        for name, role in (
            ("otto", Role.USER),
            ("ona", Role.USER),
            ("omar", Role.MANAGER),
            ("olga", Role.EXECUTIVE),
        ):
            people[name] = make_user(session, name.title(), role=role, partner=world.southwind)
            world.southwinds["user"].append(people[name].ref)
        world.queues["ours"] = rows(session, Queue, Queue.id == world.southwind.queue_id)[0]
        world.queues["shared"] = make_queue(session, "For all partners", members=(world.southwind,))
        _their_leads(session, world)
        _added_fields(session, world)
        _what_they_had(session, world)
        _portfolio(session, world)
        from tests.rival.papers import add_own_documents  # which marks with what is above

        add_own_documents(session, world)
        from tests.rival.given import add_given_records  # likewise

        add_given_records(session, world)
        session.flush()
        _their_keys(session, world)
    _spread(session, world)
    return world


def _their_leads(session: Session, world: World) -> None:
    """Leads of each of them, what is offered and what waits: what they may not read of these is veiled."""
    people, now = world.people, world.now
    for name in ("otto", "ona", "omar", "olga"):
        lead = world.leads[name] = make_lead(session, owner=people[name], company=f"Of {name}")
        if name != "otto":
            veil(lead, stem=f"{PEERS}{name}", but=("campaign_name",))
        lead.campaign_name = f"{STEM} campaign"
        log_activity(session, actor_of(session, people[name]), lead, kind="call", subject="Rang", now=now)
        log_activity(
            session, actor_of(session, people["ada"]), lead, kind="note", subject=f"{STEM} vendor", now=now
        )
    world.southwinds["lead"].append(world.leads["otto"].ref)
    for name, queue in (("waiting", "ours"), ("for all", "shared")):
        lead = world.leads[name] = make_lead(session, queue=world.queues[queue])
        _veil_but_preview(lead)
        world.southwinds["lead"].append(lead.ref)
    offered = world.leads["offered"] = make_lead(session, queue=make_queue(session, "Inner"))
    _veil_but_preview(offered)
    world.southwinds["lead"].append(offered.ref)
    give(session, world, offered, people["otto"], ask_to_accept=True)


def _added_fields(session: Session, world: World) -> None:
    """Fields that an administrator added: one that they see, one before a claim too, one that is hidden."""
    ada = world.people["ada"]
    own = make_field(session, ada, "lead", label="Wish", commits=False).name
    early = make_field(
        session, ada, "lead", "choice", "Size", choices=("Small",), visibility="preview", commits=False
    ).name
    secret = make_field(session, ada, "lead", label=f"{INNER} secret", visibility="hidden", commits=False)
    world.veiled["field"].append(secret.ref)
    for name, lead in world.leads.items():
        seen = "plain" if name == "otto" else f"{PEERS}{name}" if name in world.people else STEM
        lead.custom = {own: seen, early: "small", secret.name: INNER}


def _veil_but_preview(lead: Lead) -> None:
    """Before a claim only these are seen."""
    veil(lead, but=("industry", "city", "state", "product_interest", "employees"))


def _what_they_had(session: Session, world: World) -> None:
    """Leads that were theirs: given to others, declined, deleted, shared until yesterday."""
    people, now = world.people, world.now
    for name in ("moved on", "declined", "deleted"):
        lead = world.leads[name] = make_lead(
            session, queue=make_queue(session, f"{STRANGER} queue of {name}")
        )
        veil(lead)
        world.veiled["lead"].append(lead.ref)
        world.stranger["queue"].append(rows(session, Queue, Queue.id == lead.owner_queue_id)[0].ref)
        give(session, world, lead, people["otto"], ask_to_accept=name == "declined")
    otto = actor_of(session, people["otto"])
    done = log_activity(session, otto, world.leads["moved on"], kind="call", subject=f"{STEM} call", now=now)
    world.veiled["act"].append(done.ref)
    decline_offer(
        session, otto, world.leads["declined"].ref, reason="no_capacity", note=f"{STEM} note", now=now
    )
    give(session, world, world.leads["moved on"], people["ada"])
    delete_lead(session, actor_of(session, people["ada"]), world.leads["deleted"].ref, now=now)
    once = world.leads["once shared"] = make_lead(session, owner=people["ada"])
    veil(once)
    world.veiled["lead"].append(once.ref)
    ada = actor_of(session, people["ada"])
    share, _ = share_record(
        session,
        ada,
        once,
        {"type": "user", "id": people["otto"].ref},
        "edit",
        until=now + MINUTE,
        now=now - 9 * MINUTE,
    )
    world.veiled["share"].append(share.ref)
    from app.sharing.shares import end_share

    end_share(session, ada, share, now=now)


def _portfolio(session: Session, world: World) -> None:
    """What a channel manager with a portfolio looks after."""
    from tests.rival.deals import add_own_deals  # which marks what it makes as this module does

    porta = world.people["porta"]
    account = make_account(session, "Porta's own", owner=porta)
    contact = make_contact(session, "Portes", account=account)
    lead = world.leads["porta"] = make_lead(session, owner=porta, company="Porta's prospect")
    log_activity(session, actor_of(session, porta), lead, kind="call", subject="Rang", now=world.now)
    case = make_case(session, "Porta's case", owner=porta)
    world.records |= {"porta's account": account, "porta's contact": contact, "porta's case": case}
    world.portas["case"].append(case.ref)
    add_own_deals(session, world, account)
    area, type_ = make_area(session, "Bikes"), make_type(session, "Fleet", "small", "large")
    other = make_account(session, "Porta's other", owner=porta, parent_id=account.id)
    world.portas["int"].append(interest(session, account, area).ref)
    world.portas["char"].append(characterise(session, account, type_, "small").ref)
    world.portas["rel"].append(relate(session, account, other).ref)
    world.portas["acct"].append(account.ref)
    world.portas["cont"].append(contact.ref)
    world.portas["lead"].append(lead.ref)


def _their_keys(session: Session, world: World) -> None:
    """Notices, sessions and tokens of theirs, to ask for by name."""
    otto = world.people["otto"]
    world.southwinds["note"] += [n.ref for n in rows(session, Notification, Notification.user_id == otto.id)]
    world.southwinds["act"] += [
        a.ref
        for a in rows(session, Activity, Activity.created_by_id == otto.id)
        if a.ref not in world.veiled["act"]
    ]


def give(session: Session, world: World, lead: Lead, to: Any, **wish: Any) -> None:
    """As the administrator does."""
    ada = actor_of(session, world.people["ada"])
    named = target(to, session)
    assign_lead(
        session,
        ada,
        lead.ref,
        Wish(find_target(session, ada, named["type"], named["id"]), **wish),
        now=world.now,
    )


def _spread(session: Session, world: World) -> None:
    """Let leads have come an hour apart, so that others lie between them."""
    session.flush()
    for number, lead in enumerate(rows(session, Lead)):
        dated(lead, world.now - timedelta(days=3) + number * timedelta(hours=1))
    session.flush()


def dated(lead: Lead, at: datetime) -> None:
    """As if it had come at that moment."""
    lead.created_at = lead.arrived_at = lead.updated_at = lead.owned_since = lead.waiting_since = at
