"""Who sees what, against an independent oracle: random worlds, every person, every lead, every way of asking."""

import random
from dataclasses import dataclass, field

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import AccountResponsible
from app.identity.models import AccountScope, User
from app.kernel import clock, refs
from app.kernel.actor import Level, Role
from app.kernel.errors import NotAllowed, NotFound
from app.leads.filters import parse_lead_query
from app.leads.models import Lead, LeadRefusal, Offer, OfferState
from app.leads.queries import count_leads, find_level, get_lead, list_leads, open_lead
from app.leads.rows import LeadRow
from app.partners.models import PartnerAccount
from app.routing.models import Queue
from app.sharing.scope import scope
from tests.factories import actor_of, add_member, make_lead, make_partner, make_queue, make_user

RANK = {Role.USER: 0, Role.MANAGER: 1, Role.EXECUTIVE: 2}


@dataclass
class World:
    """A small company: people, partners, queues and leads, with what the oracle needs to know of them."""

    people: list[User] = field(default_factory=list)
    partners: list[PartnerAccount] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)  # partner account → its channel manager
    responsibles: set[tuple[int, int]] = field(default_factory=set)  # (account, user)
    members: set[tuple[int, str, int, int]] = field(default_factory=set)  # (queue, kind, id, rank)
    queues: list[Queue] = field(default_factory=list)
    leads: list[Lead] = field(default_factory=list)
    refusals: set[tuple[int, int]] = field(default_factory=set)  # (lead, account)


def build(session: Session, seed: int) -> World:
    """A world that depends on the seed alone."""
    chance = random.Random(seed)
    world = World()
    internal = [
        make_user(session, role=role, account_scope=chance.choice(list(AccountScope)))
        for role in (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER, Role.CHANNEL_MANAGER, Role.SALES, Role.VIEWER)
    ]
    world.people.extend(internal)
    for _ in range(3):
        manager = chance.choice(internal[1:3])
        rank = chance.choice([0, 0, 1])
        partner = make_partner(session, owner=manager, minimum_role=[Role.USER, Role.MANAGER][rank])
        world.partners.append(partner)
        world.owners[partner.account_id] = manager.id
        world.members.add((partner.queue_id, "account", partner.account_id, rank))
        for _ in range(chance.randint(1, 3)):
            world.people.append(make_user(session, partner=partner, role=chance.choice(list(RANK))))
        if chance.random() < 0.4:
            user = chance.choice(internal)
            world.responsibles.add((partner.account_id, user.id))
            session.add(
                AccountResponsible(
                    ref=refs.new_ref(refs.MEMBER),
                    account_id=partner.account_id,
                    user_id=user.id,
                    created_at=clock.now(),
                )
            )
    world.queues = list(session.scalars(select(Queue)))
    for _ in range(2):
        queue = make_queue(session)
        world.queues.append(queue)
        for member in chance.sample(world.people, 2):
            add_member(session, queue, member)
            world.members.add((queue.id, "user", member.id, 0))
        partner = chance.choice(world.partners)
        rank = chance.randint(0, 2)
        add_member(session, queue, (partner, [Role.USER, Role.MANAGER, Role.EXECUTIVE][rank]))
        world.members.add((queue.id, "account", partner.account_id, rank))
    for _ in range(14):
        _add_lead(session, world, chance)
    session.flush()
    return world


def _add_lead(session: Session, world: World, chance: random.Random) -> None:
    to_person = chance.random() < 0.5
    lead = make_lead(
        session,
        owner=chance.choice(world.people) if to_person else None,
        queue=None if to_person else chance.choice(world.queues),
        company=f"Secret {len(world.leads)}",
        city=chance.choice(["Girona", "Lleida"]),
    )
    owner = session.get(User, lead.owner_user_id) if lead.owner_user_id else None
    if owner is not None and owner.is_partner and chance.random() < 0.4:
        now = clock.now()
        offer = Offer(
            lead_id=lead.id,
            user_id=owner.id,
            company_id=owner.partner_account_id,
            made_at=now,
            expires_at=now,
            state=OfferState.PENDING,
        )
        session.add(offer)
        session.flush()
        lead.offer_id, lead.offer_expires_at = offer.id, now
    if chance.random() < 0.15:
        lead.deleted_at = clock.now()
    for partner in world.partners:
        if chance.random() < 0.2:
            world.refusals.add((lead.id, partner.account_id))
            session.add(
                LeadRefusal(lead_id=lead.id, company_id=partner.account_id, at=clock.now(), cause="declined")
            )
    world.leads.append(lead)


def in_queue(world: World, person: User, queue_id: int) -> bool:
    """Whether the person belongs to the queue, by themselves or through their company."""
    for queue, kind, member, rank in world.members:
        if queue != queue_id:
            continue
        if kind == "user" and member == person.id:
            return True
        if kind == "account" and member == person.partner_account_id and RANK[person.role] >= rank:
            return True
    return False


def oracle(world: World, person: User, lead: Lead) -> int:
    """The level by the words of the design, reason after reason, without a database.  0: not seen."""
    if lead.deleted_at is not None:
        return 0
    given = [0]
    if person.partner_account_id is not None:
        owner = next((p for p in world.people if p.id == lead.owner_user_id), None)
        is_ours = owner is not None and owner.partner_account_id == person.partner_account_id
        if owner is not None and is_ours and (owner.id == person.id or RANK[owner.role] < RANK[person.role]):
            given.append(1 if lead.offer_id is not None else 3)
        waits = lead.owner_queue_id is not None and in_queue(world, person, lead.owner_queue_id)
        if waits and (lead.id, person.partner_account_id) not in world.refusals:
            given.append(1)
        return max(given)
    if person.role is Role.ADMINISTRATOR:
        return 4
    if person.account_scope is AccountScope.ALL:
        given.append(3)
    if lead.owner_user_id == person.id:
        given.append(4)
    company = lead.partner_account_id
    if company is not None:
        if world.owners[company] == person.id:
            given.append(4)
        elif (company, person.id) in world.responsibles:
            given.append(3)
    if lead.owner_queue_id is not None and in_queue(world, person, lead.owner_queue_id):
        given.append(2)
    return min(max(given), 2) if person.role is Role.VIEWER else max(given)


@settings(
    max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
)
@given(seed=st.integers(0, 10**6))
def test_every_way_of_asking_agrees_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _check_world(session, build(session, seed))
    session.rollback()


@pytest.mark.long
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(seed=st.integers(0, 10**9))
def test_a_hundred_worlds_agree_with_the_oracle(app: Flask, session: Session, seed: int) -> None:
    _check_world(session, build(session, seed))
    session.rollback()


def _check_world(session: Session, world: World) -> None:
    for person in world.people:
        actor = actor_of(session, person)
        expected = {lead.ref: oracle(world, person, lead) for lead in world.leads}
        seen = {ref: level for ref, level in expected.items() if level}
        rows = list_leads(session, actor, parse_lead_query(actor, {}), limit=200).items
        assert {row.ref for row in rows} == set(seen), person.role
        assert count_leads(session, actor, parse_lead_query(actor, {})) == len(seen)
        for row in rows:
            is_hidden = seen[row.ref] < Level.READ
            assert row.is_preview == is_hidden
            assert (row.company is None) == is_hidden
        whole = list_leads(session, actor, parse_lead_query(actor, {"q": ["Secret"]}), limit=200).items
        assert {row.ref for row in whole} == {ref for ref, level in seen.items() if level >= Level.READ}
        for ref, level in expected.items():
            assert (find_level(session, actor, ref) or 0) == level, (person.role, level)
            _check_record(session, actor, ref, level)
        for level in Level:
            found = session.scalars(select(Lead.ref).where(scope(Lead, actor, level))).all()
            assert set(found) == {ref for ref, given in seen.items() if given >= level}


def _check_record(session: Session, actor: object, ref: str, level: int) -> None:
    if level == 0:
        with pytest.raises(NotFound):
            open_lead(session, actor, ref)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            get_lead(session, actor, ref, Level.PREVIEW)  # type: ignore[arg-type]
        return
    opened = open_lead(session, actor, ref)  # type: ignore[arg-type]
    assert isinstance(opened, LeadRow) == (level < Level.READ)
    for wanted in Level:
        if level >= wanted:
            assert get_lead(session, actor, ref, wanted).ref == ref  # type: ignore[arg-type]
        else:
            with pytest.raises(NotAllowed):
                get_lead(session, actor, ref, wanted)  # type: ignore[arg-type]


def test_a_page_by_page_walk_shows_every_lead_once_and_back(
    app: Flask, session: Session, pam: User, pia: User
) -> None:
    queue = make_queue(session, members=(session.get(PartnerAccount, pia.partner_account_id),))
    for number in range(7):
        make_lead(session, queue=queue)
        make_lead(session, owner=pia if number % 2 else pam)
    actor = actor_of(session, pam)
    for sort in ("-created_at", "created_at", "score", "waiting_since", "-arrived_at"):
        query = parse_lead_query(actor, {}, sort)
        pages, cursor = [], None
        while True:
            page = list_leads(session, actor, query, cursor=cursor, limit=4)
            pages.append(page)
            if page.older is None:
                break
            cursor = page.older
        walked = [row.ref for page in pages for row in page.items]
        assert len(walked) == len(set(walked)) == 14
        back = list_leads(session, actor, query, cursor=pages[2].newer, limit=4)
        assert [row.ref for row in back.items] == [row.ref for row in pages[1].items]
