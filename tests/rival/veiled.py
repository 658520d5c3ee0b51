"""The third layer of the rival's world: the records of others, and what was done with them."""

from datetime import timedelta
from random import Random

from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, AccountResponsible
from app.accounts.relations.models import (
    AccountRelationship,
    CharacteristicType,
    InterestArea,
)
from app.accounts.relations.relationships import add_relationship
from app.activities.models import Activity, ActivityKind
from app.activities.operations import log_activity
from app.identity.models import (
    User,
)
from app.kernel import refs
from app.kernel.actor import Actor
from app.leads.models import Lead
from app.leads.operations import delete_lead, edit_lead
from app.notifications.models import Delivery, Notification
from app.routing.operations import Wish, bulk_assign, decline_offer, find_target
from app.sharing.shares import share_record
from tests.accounts.hanging import characterise, interest, relate
from tests.factories import (
    actor_of,
    make_account,
    make_case,
    make_contact,
    make_lead,
    rows,
)
from tests.rival.deals import add_veiled_deals
from tests.rival.given import add_veiled_to_given
from tests.rival.pairs import add_veiled_pairs
from tests.rival.papers import add_veiled_documents
from tests.rival.worlds import STEM, World, dated, give, veil
from tests.sharing.shared_worlds import settle_all

HOUR = timedelta(hours=1)


def add_veiled(session: Session, world: World) -> None:
    """Leads, accounts and contacts of others between those of the rival, and what was done with them."""
    with refs.seeded(Random(3)):
        _records(session, world)
        _leads(session, world)
        _acts(session, world)
        add_veiled_documents(session, world)
        _looks_like_theirs(session, world)
        add_veiled_pairs(session, world)
        add_veiled_to_given(session, world)
        session.flush()
    settle_all(session)
    for number, lead in enumerate(rows(session, Lead, Lead.ref.in_(world.veiled["lead"]))):
        if lead.ref not in world.had:
            dated(lead, world.now - timedelta(days=3) + number * HOUR + HOUR / 2)
    session.flush()


def _records(session: Session, world: World) -> None:
    nora, ada = world.people["nora"], world.people["ada"]
    above = make_account(session, owner=nora)
    account = make_account(session, owner=nora, parent_id=above.id)
    person = make_account(session, owner=ada, kind=AccountKind.PERSON)
    gone = make_account(session, owner=nora, deleted_at=world.now)
    chief = make_contact(session, account=account)
    contact = make_contact(session, account=account, reports_to_id=chief.id)
    theirs = make_contact(
        session, account=rows(session, Account, Account.id == world.northwind.account_id)[0]
    )
    orphan = make_contact(session, owner=ada)
    cases = [
        make_case(session, account=account, contact=contact, owner=nora),
        make_case(
            session, account=rows(session, Account, Account.id == world.northwind.account_id)[0], owner=nora
        ),
        make_case(session, contact=orphan, owner=ada, status="closed"),
        make_case(session, owner=nora, deleted_at=world.now),
    ]
    veil(above, account, person, gone, chief, contact, theirs, orphan, *cases)
    for case in cases:
        case.resolution = STEM
    world.veiled["case"] += [case.ref for case in cases]
    add_veiled_deals(session, world, account, contact)
    world.records |= {"above": above, "chief": chief}
    answers = AccountResponsible(
        ref=refs.new_ref(refs.MEMBER), account_id=account.id, user_id=ada.id, role="x", created_at=world.now
    )
    session.add(answers)
    session.flush()
    _hang(session, world, account, above)
    ada_ = actor_of(session, ada)
    sales = {"type": "internal_role", "id": "sales"}
    for record in (account, contact, cases[0]):
        share, _known = share_record(session, ada_, record, sales, "read", now=world.now)
        world.veiled["share"].append(share.ref)
    for record in (account, contact, cases[0]):
        act = log_activity(
            session,
            ada_,
            record,
            kind="note",
            subject=f"{STEM} act",
            text=STEM,
            people=[contact.ref],
            now=world.now,
        )
        world.veiled["act"].append(act.ref)
    world.veiled["acct"] += [above.ref, account.ref, person.ref, gone.ref]
    world.veiled["cont"] += [chief.ref, contact.ref, theirs.ref, orphan.ref]
    world.veiled["mem"].append(answers.ref)


def _hang(session: Session, world: World, account: Account, above: Account) -> None:
    """What hangs on an account of others; one of them is related to the portfolio's."""
    bikes = rows(session, InterestArea)[0]
    type_ = rows(session, CharacteristicType)[0]
    wants = interest(session, account, bikes, need=STEM)
    is_so = characterise(session, account, type_, STEM)
    links = [
        relate(session, account, above, note=STEM),
        _related(session, world, account, world.records["porta's account"]),
    ]
    veil(wants, is_so, *links)
    world.veiled["int"].append(wants.ref)
    world.veiled["char"].append(is_so.ref)
    world.veiled["rel"] += [link.ref for link in links]


def _related(session: Session, world: World, account: Account, other: Account) -> AccountRelationship:
    """By the operation, so that events on both accounts tell of it."""
    ada = actor_of(session, world.people["ada"])
    link = add_relationship(session, ada, account.ref, other.ref, "Competitor of", note=STEM, now=world.now)
    return session.get_one(AccountRelationship, link.id)


def _leads(session: Session, world: World) -> None:
    """One in every place that a lead can be in."""
    people, queues, now = world.people, world.queues, world.now
    world.had = frozenset(world.veiled["lead"])
    for place in ("pia", "pam", "pex", "nora", "ada"):
        world.leads[f"of {place}"] = make_lead(session, owner=people[place])
    for place in ("theirs", "inner"):
        world.leads[f"in {place}"] = make_lead(session, queue=queues[place])
    offered = world.leads["offered to them"] = make_lead(session, queue=queues["inner"])
    passed = world.leads["passed on"] = make_lead(session, queue=queues["inner"])
    gone = world.leads["gone"] = make_lead(session, owner=people["pia"])
    new = [lead for name, lead in world.leads.items() if lead.ref not in world.had and name in _PLACES]
    veil(*new)
    world.veiled["lead"] += [lead.ref for lead in new]
    for lead in (offered, passed):
        give(session, world, lead, world.turns)
    owner = session.get_one(User, passed.owner_user_id)
    decline_offer(session, actor_of(session, owner), passed.ref, reason="no_capacity", note=STEM, now=now)
    delete_lead(session, actor_of(session, people["ada"]), gone.ref, now=now)


_PLACES = frozenset(
    {
        "of pia",
        "of pam",
        "of pex",
        "of nora",
        "of ada",
        "in theirs",
        "in inner",
        "offered to them",
        "passed on",
        "gone",
    }
)


def _acts(session: Session, world: World) -> None:
    """What Northwind and the vendor did with them, and with what went from the rival to Northwind."""
    people, leads, now = world.people, world.leads, world.now
    ada, pia = actor_of(session, people["ada"]), actor_of(session, people["pia"])
    give(session, world, leads["moved on"], people["pia"])
    for name in ("of pia", "moved on"):
        act = log_activity(
            session, pia, leads[name], kind="meeting", subject=f"{STEM} call", text=STEM, place=STEM, outcome=STEM,
            people=[people["pam"].ref], now=now,
        )  # fmt: skip
        world.veiled["act"].append(act.ref)
        edit_lead(session, pia, leads[name].ref, {"budget": f"{STEM} budget"}, version=None, now=now)
    _said_to_others(session, world, ada, pia)
    to = find_target(session, ada, "user", people["pam"].ref)
    done = bulk_assign(session, ada, [leads["of nora"].ref], Wish(to), now=now)
    session.flush()
    world.veiled["bulk"].append(done.act.ref)
    share, _ = share_record(
        session, ada, leads["of pex"], {"type": "user", "id": people["pam"].ref}, "edit", now=now
    )
    world.veiled["share"].append(share.ref)
    session.flush()
    world.veiled["note"] += [
        n.ref for n in rows(session, Notification, Notification.user_id == people["pia"].id)
    ]
    world.veiled["dlv"] += [d.ref for d in rows(session, Delivery)[-3:]]


def _said_to_others(session: Session, world: World, ada: Actor, pia: Actor) -> None:
    """What the vendor and Northwind wrote to each other on a lead that is Northwind's, and on one that was: it is the
    rival's now, where the vendor's people keep a note of their own, too.
    """
    for who in (ada, pia):
        said = log_activity(
            session,
            who,
            world.leads["moved on"],
            kind="note",
            text=f"{STEM} said",
            shared=True,
            now=world.now,
        )
        world.veiled["act"].append(said.ref)
    own = world.leads["otto"]
    kept = log_activity(session, ada, own, kind="note", subject=f"{STEM} kept", text=STEM, now=world.now)
    before = [
        Activity(
            ref=refs.new_ref(refs.ACTIVITY), kind=ActivityKind.NOTE, subject=f"{STEM} before", text=STEM, at=world.now,
            lead_id=own.id, company_id=who.company_id, shared_with_id=pia.company_id, created_by_id=who.user_id,
            assignee_id=who.user_id, created_at=world.now, updated_at=world.now,
        )
        for who in (ada, pia)
    ]  # fmt: skip
    session.add_all(before)
    session.flush()
    world.veiled["act"] += [kept.ref, *(each.ref for each in before)]


def _looks_like_theirs(session: Session, world: World) -> None:
    """Another's lead and contact that are duplicates of a lead that is the rival's."""
    own = world.leads["otto"]
    like = make_lead(
        session, owner=world.people["pia"], email=own.email, company=own.company, last_name=own.last_name
    )
    world.leads["like"] = like
    like.campaign_name = like.description = STEM
    contact = make_contact(session, email=own.email, owner=world.people["ada"], description=STEM)
    session.flush()
    found = [
        {"type": "lead", "id": like.id, "reasons": ["email"]},
        {"type": "contact", "id": contact.id, "reasons": ["email"]},
    ]
    for name in ("otto", "porta", "waiting", "offered"):
        world.leads[name].duplicates = found
    world.veiled["lead"].append(like.ref)
    world.veiled["cont"].append(contact.ref)
    world.records["porta's account"].parent_id = world.records["above"].id
    world.records["porta's contact"].reports_to_id = world.records["chief"].id
    world.records["porta's case"].contact_id = world.records["chief"].id
