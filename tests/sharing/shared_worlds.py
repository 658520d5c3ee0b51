"""Groups, sharing rules and shares by hand in the random worlds, with what the oracle needs to know of them."""

import random
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Role
from app.leads.models import Lead
from app.partners.models import PartnerLevel
from app.routing.models import Queue
from app.sharing.building import build_step
from app.sharing.groups import add_group_member, create_group
from app.sharing.models import GrantSet, GrantSetState
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.sharing.sharing_rules import create_rule, read_rule
from app.sharing.upkeep import settle
from tests.factories import SYSTEM, actor_of
from tests.sharing.worlds import RANK, World, build

Spec = dict[str, Any]  # a principal as the contract writes it


@dataclass
class Shared:
    """A world in which things are shared.  groups: public name → principals; rules, shares as written."""

    world: World
    administrator: User
    groups: dict[str, list[Spec]] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)  # public name → as written
    shares: list[tuple[int, Spec, int]] = field(default_factory=list)  # lead, with whom, level


def build_shared(session: Session, seed: int) -> Shared:
    """A world with sharing that depends on the seed alone."""
    chance = random.Random(seed + 1)
    world = build(session, seed)
    shared = Shared(world, next(p for p in world.people if p.role is Role.ADMINISTRATOR))
    for partner in world.partners:
        partner.level_id = chance.choice([None, *session.scalars(select(PartnerLevel.id))])
    session.flush()
    actor = actor_of(session, shared.administrator)
    for number in range(3):
        group = create_group(session, actor, name=f"Group {number} of {seed}", now=clock.now())
        shared.groups[group.ref] = []
        for _ in range(chance.randint(1, 3)):
            spec = any_principal(session, shared, chance, but=group.ref)
            add_group_member(session, actor, group.ref, spec, now=clock.now())
            shared.groups[group.ref].append(spec)
    for _ in range(3):
        add_rule(session, shared, chance)
    for lead in chance.sample(world.leads, 4):
        if lead.deleted_at is None:
            spec, level = any_principal(session, shared, chance), chance.choice([2, 3])
            share_record(session, actor, lead, spec, {2: "read", 3: "edit"}[level], now=clock.now())
            shared.shares = [s for s in shared.shares if s[:2] != (lead.id, spec)] + [(lead.id, spec, level)]
    settle_all(session)
    return shared


def add_rule(session: Session, shared: Shared, chance: random.Random) -> None:
    written = {
        "object": "lead",
        "kind": chance.choice(["owner", "criteria"]),
        "share_with": any_principal(session, shared, chance),
        "level": chance.choice(["read", "edit"]),
    }
    if written["kind"] == "owner":
        written["owned_by"] = any_principal(session, shared, chance)
    else:
        city = {"field": "city", "op": "equals", "value": chance.choice(["girona", "Lleida"])}
        written["criteria"] = chance.choice([city, {"not": city}])
    rule = create_rule(
        session, actor_of(session, shared.administrator), read_rule(session, written), now=clock.now()
    )
    shared.rules[rule.ref] = written


def settle_all(session: Session) -> None:
    """What a commit and the worker would do."""
    settle(session)
    while session.scalar(select(GrantSet.id).where(GrantSet.state == GrantSetState.BUILDING).limit(1)):
        build_step(session, now=clock.now())


def any_principal(session: Session, shared: Shared, chance: random.Random, but: str = "") -> Spec:
    """A principal of any type.  but: a group that must not lie within it."""
    world = shared.world
    accounts = {
        row[0]: row[1]
        for row in session.execute(select(Account.id, Account.ref).where(scope(Account, SYSTEM)))
    }
    partner = chance.choice(world.partners)
    level = session.get(PartnerLevel, partner.level_id) if partner.level_id else None
    before = [ref for ref in shared.groups if ref < but] if but else list(shared.groups)
    choices: list[Spec] = [
        {"type": "user", "id": chance.choice(world.people).ref},
        {"type": "internal_role", "id": chance.choice(["channel_manager", "sales", "viewer"])},
        {"type": "partner_account", "id": accounts[partner.account_id]},
        {
            "type": "partner_account",
            "id": accounts[partner.account_id],
            "role": chance.choice(["manager", "executive"]),
        },
        {"type": "account_team", "id": accounts[partner.account_id]},
        {"type": "queue", "id": chance.choice(world.queues).ref},
        {"type": "all_internal"},
        {"type": "all_partners"},
    ]
    if level is not None:
        choices.append({"type": "partner_level", "id": level.ref})
    choices.extend({"type": "group", "id": ref} for ref in before)
    return chance.choice(choices)


# The oracle: by the words of the design, without the code under test


def belongs(session: Session, shared: Shared, person: User, spec: Spec, *, as_owner: bool = False) -> bool:
    """Whether the person is one of those whom the principal stands for.

    as_owner: somebody who belongs to a queue does not own what waits in it.
    """
    world, partner_id = shared.world, person.partner_account_id
    kind, ref = spec["type"], spec.get("id")
    if kind == "user":
        return bool(person.ref == ref)
    if kind == "all_internal":
        return partner_id is None
    if kind == "all_partners":
        return partner_id is not None
    if kind == "internal_role":
        return partner_id is None and person.role == ref
    if kind == "group":
        return any(belongs(session, shared, person, each, as_owner=as_owner) for each in shared.groups[ref])
    if kind == "queue":
        queue = session.scalars(select(Queue).where(Queue.ref == ref)).one()
        return not as_owner and _in_queue(world, person, queue.id)
    if kind == "partner_level":
        partner = next((p for p in world.partners if p.account_id == partner_id), None)
        level = session.get(PartnerLevel, partner.level_id) if partner and partner.level_id else None
        return level is not None and level.ref == ref
    account = session.scalars(select(Account.id).where(scope(Account, SYSTEM), Account.ref == ref)).one()
    if kind == "account_team":
        return world.owners[account] == person.id or (account, person.id) in world.responsibles
    return partner_id == account and RANK[person.role] >= RANK[Role(spec.get("role", "user"))]


def _in_queue(world: World, person: User, queue_id: int) -> bool:
    return any(
        queue == queue_id
        and (
            (kind == "user" and member == person.id)
            or (kind == "account" and member == person.partner_account_id and RANK[person.role] >= rank)
        )
        for queue, kind, member, rank in world.members
    )


def _owned_by(session: Session, shared: Shared, lead: Lead, spec: Spec) -> bool:
    if lead.owner_user_id is not None:
        owner = session.get_one(User, lead.owner_user_id)
        return belongs(session, shared, owner, spec, as_owner=True)
    if spec["type"] == "group":
        return any(_owned_by(session, shared, lead, each) for each in shared.groups[spec["id"]])
    queue = session.get_one(Queue, lead.owner_queue_id)
    return spec["type"] == "queue" and spec["id"] == queue.ref


def _meets(lead: Lead, criteria: dict[str, Any]) -> bool:
    if "not" in criteria:
        return not _meets(lead, criteria["not"])
    return (lead.city or "").lower() == criteria["value"].lower()


def shared_level(session: Session, shared: Shared, person: User, lead: Lead) -> int:
    """What rules and shares give the person of the lead; 0 for nothing.

    What is offered to their company stays a preview for its people.
    """
    if (
        lead.offer_id is not None
        and person.is_partner
        and lead.partner_account_id == person.partner_account_id
    ):
        return 0
    given = [0]
    for rule in shared.rules.values():
        holds = (
            _owned_by(session, shared, lead, rule["owned_by"])
            if rule["kind"] == "owner"
            else _meets(lead, rule["criteria"])
        )
        if holds and belongs(session, shared, person, rule["share_with"]):
            given.append(3 if rule["level"] == "edit" else 2)
    for lead_id, spec, level in shared.shares:
        if lead_id == lead.id and belongs(session, shared, person, spec):
            given.append(level)
    return min(max(given), 2) if person.role is Role.VIEWER else max(given)
