"""Random small companies, of people, partners, queues and leads, for what must hold in every one of them."""

import random
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import AccountResponsible
from app.identity.models import AccountScope, User
from app.kernel import clock, refs
from app.kernel.actor import Role
from app.leads.models import Lead, LeadRefusal, Offer, OfferState
from app.partners.models import PartnerAccount
from app.routing.models import Queue
from tests.factories import add_member, make_lead, make_partner, make_queue, make_user

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
