"""Shared by the tests of routing: rules in few words, and what must hold of every lead at every moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor
from app.leads.models import Assignment, Lead, Offer, OfferState
from app.leads.operations import new_lead
from app.partners.models import PartnerAccount
from app.routing.models import Queue, RoundRobin, RuleSet
from app.routing.operations import route_lead
from app.routing.rule_operations import activate_rules, create_rules
from app.routing.verify import verify_routing
from tests.factories import rows


def target(record: Any, session: Session | None = None) -> dict[str, str]:
    """`{"type", "id"}` of a user, queue, round robin or partner account."""
    if isinstance(record, PartnerAccount):
        return {"type": "partner_account", "id": account_ref(session, record)}
    kind = {User: "user", Queue: "queue", RoundRobin: "round_robin"}[type(record)]
    return {"type": kind, "id": record.ref}


def account_ref(session: Session | None, partner: PartnerAccount) -> str:
    from app.accounts.models import Account

    assert session is not None
    return str(rows(session, Account, Account.id == partner.account_id)[0].ref)


def activate(
    session: Session, actor: Actor, *entries: Mapping[str, Any], now: datetime, name: str = "Rules"
) -> RuleSet:
    """Rules in force, of entries as the API takes them."""
    rules = create_rules(session, actor, name=name, entries=list(entries), now=now)
    return activate_rules(session, actor, rules.ref, now=now)


def arrive(session: Session, actor: Actor, *, now: datetime, **fields: Any) -> tuple[Lead, Assignment]:
    """A new lead, sent where the rules say.  fields: attributes of Lead."""
    lead = new_lead(session, actor, {"last_name": "Puig", "company": "Forges del Ter", **fields}, now=now)
    assignment_id = route_lead(session, actor, lead, now=now)
    assert assignment_id is not None
    return lead, session.get_one(Assignment, assignment_id)


def assert_sound(session: Session, leads: Sequence[Lead] | None = None) -> None:
    """Every lead is in one place with a reason, as its last assignment says, and offers agree with it."""
    session.flush()
    session.expire_all()
    for lead in rows(session, Lead):
        assert (lead.owner_user_id is None) != (lead.owner_queue_id is None)
        last = session.scalars(
            select(Assignment).where(Assignment.lead_id == lead.id).order_by(Assignment.id.desc())
        ).first()
        assert last is not None, "a lead without a reason for its place"
        assert (last.to_user_id, last.to_queue_id) == (lead.owner_user_id, lead.owner_queue_id)
        pending = rows(session, Offer, Offer.lead_id == lead.id, Offer.state == OfferState.PENDING)
        assert [offer.id for offer in pending] == ([lead.offer_id] if lead.offer_id else [])
        if pending:
            assert pending[0].user_id == lead.owner_user_id
            assert pending[0].expires_at == lead.offer_expires_at
    if leads is not None:
        assert len(rows(session, Lead)) == len(leads)
    doubled = session.execute(
        select(Assignment.turn_id)
        .where(Assignment.turn_id.is_not(None))
        .group_by(Assignment.turn_id)
        .having(func.count() > 1)
    ).all()
    assert doubled == []
    assert verify_routing(session).differences == []
