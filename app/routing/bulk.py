"""Changing the owner of many leads at once; `undo` puts them back.

All or listed: what could not be changed is named with its reason, the others are done.  Each recipient
gets one mail for the whole act, held while the act can be undone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Conflict, DomainError, Invalid
from app.leads.errors import AlreadyConverted, LeadMoved
from app.leads.listeners import partner_queue_listeners
from app.leads.models import AssignmentCause, BulkAct, Lead, LeadRefusal, Offer
from app.leads.placement import place
from app.leads.queries import level_of
from app.notifications.models import NotificationKind
from app.notifications.operations import Mail, Notice, notify_many
from app.routing.assign import Assigning, Plan, Wish, level_to_assign, require_assignable_by
from app.routing.models import Queue
from app.sharing.scope import scope

MOST_LEADS = 1000
UNDO_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Refused:
    """A lead that could not be changed, and why, in the actor's words."""

    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What a bulk act did.  assigned: public names of the leads that were changed or were there already."""

    act: BulkAct
    assigned: Sequence[str]
    refused: Sequence[Refused]


def bulk_assign(
    session: Session, actor: Actor, lead_refs: Sequence[str], wish: Wish, *, now: datetime
) -> BulkResult:
    """Give many leads to whom the actor wishes.

    Writes what `place` writes for each, one bulk act, and for each recipient one notification whose mail
    waits until the act cannot be undone any more.  Does not commit.

    Raises NotAllowed, Invalid (no leads, or too many).
    """
    actor.require(Permission.LEAD_TRANSFER if actor.is_partner else Permission.LEAD_ASSIGN)
    wanted = list(dict.fromkeys(lead_refs))
    if not wanted:
        raise Invalid({"lead_ids": [_l("Choose at least one.")]})
    if len(wanted) > MOST_LEADS:
        raise Invalid({"lead_ids": [_l("At most %(limit)s can be changed at once.", limit=MOST_LEADS)]})
    leads, refused = _load(session, actor, wanted)
    work = Assigning.begin(session, actor, wish, leads, one=False, now=now)
    plans, there = _plan(work, _lock(session, actor, leads, refused), refused)
    work.desk.write()
    act = _new_act(session, actor, wish, now)
    act.items = [_carry_out(session, actor, plan, act, now) for plan in plans]
    reasons = {item.ref: item.reason for item in refused}
    act.refused = [{"ref": ref, "reason": reasons[ref]} for ref in wanted if ref in reasons]
    _tell(session, actor, wish, plans, act, now)
    detail = {"assigned": len(plans), "refused": len(refused)}
    record(session, actor, verb="assigned_many", subject=act, at=now, detail=detail)
    done = {plan.lead.ref for plan in plans} | there
    return BulkResult(
        act,
        [ref for ref in wanted if ref in done],
        [Refused(ref, reasons[ref]) for ref in wanted if ref in reasons],
    )


def _load(session: Session, actor: Actor, wanted: Sequence[str]) -> tuple[list[Lead], list[Refused]]:
    """The leads the actor may give away, by key; the others with the reason."""
    rows = session.execute(
        select(Lead, level_of(actor)).where(scope(Lead, actor), Lead.ref.in_(wanted)).order_by(Lead.id),
        execution_options={"populate_existing": True},
    ).all()
    found, refused = [], []
    for lead, level in rows:
        try:
            require_assignable_by(actor, lead)
            if level < level_to_assign(actor):
                raise LeadRefused(_l("You may not give this one away."))
            if lead.converted_at is not None:
                raise AlreadyConverted
        except DomainError as error:
            refused.append(Refused(lead.ref, reason_of(error)))
        else:
            found.append(lead)
    seen = {lead.ref for lead, _level in rows}
    gone = _("It does not exist, or you may not see it.")
    refused.extend(Refused(ref, gone) for ref in wanted if ref not in seen)
    return found, refused


class LeadRefused(Conflict):
    """One lead of many that is left as it is."""


def reason_of(error: DomainError) -> str:
    """A domain error as one sentence."""
    if error.message:
        return str(error.message)
    if isinstance(error, Invalid):
        return " ".join(str(message) for messages in error.errors.values() for message in messages)
    return _("It could not be changed.")


def _lock(session: Session, actor: Actor, leads: Sequence[Lead], refused: list[Refused]) -> list[Lead]:
    """The leads, held until the transaction ends; those that have moved since they were read are refused."""
    before = {lead.id: _place_of(lead) for lead in leads}
    if is_sqlite(session) or not before:
        return list(leads)
    offers = [lead.offer_id for lead in leads if lead.offer_id is not None]
    if offers:
        session.execute(
            select(Offer.id).where(Offer.id.in_(offers)).order_by(Offer.id).with_for_update(key_share=True)
        )
    held = session.scalars(
        select(Lead)
        .where(scope(Lead, actor), Lead.id.in_(before))
        .order_by(Lead.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    same = [lead for lead in held if _place_of(lead) == before[lead.id] and lead.deleted_at is None]
    kept = {lead.id for lead in same}
    refused.extend(Refused(lead.ref, str(LeadMoved.message)) for lead in leads if lead.id not in kept)
    return same


def _place_of(lead: Lead) -> tuple[object, ...]:
    return lead.owner_user_id, lead.owner_queue_id, lead.offer_id, lead.converted_at


def _plan(work: Assigning, leads: Sequence[Lead], refused: list[Refused]) -> tuple[list[Plan], set[str]]:
    """Plans, and the public names of leads that are where they should be already."""
    plans: list[Plan] = []
    there: set[str] = set()
    for lead in leads:
        try:
            plan = work.plan(lead)
        except DomainError as error:
            refused.append(Refused(lead.ref, reason_of(error)))
            continue
        if plan is None:
            there.add(lead.ref)
        else:
            plans.append(plan)
    return plans, there


def _new_act(session: Session, actor: Actor, wish: Wish, now: datetime) -> BulkAct:
    target = wish.target
    act = BulkAct(
        ref=refs.new_ref(refs.BULK),
        at=now,
        actor_id=actor.user_id,
        undo_until=now + UNDO_WITHIN,
        target={"kind": target.kind, "ref": target.ref, "name": target.name} if target else {"kind": "rules"},
        items=[],
        refused=[],
    )
    session.add(act)
    session.flush()  # its id names the assignments
    return act


def _carry_out(session: Session, actor: Actor, plan: Plan, act: BulkAct, now: datetime) -> dict[str, Any]:
    lead = plan.lead
    before = _before(session, lead, plan)
    cause = AssignmentCause.TRANSFER if actor.is_partner else AssignmentCause.BULK
    move = replace(plan.move(), cause=cause, mail=Mail.NONE, bulk_act_id=act.id)
    assignment_id = place(session, actor, lead, plan.owner, move, now=now)
    return {
        "lead": lead.id,
        "assignment": assignment_id,
        "turn": move.turn_id,
        "version": lead.version,
        "before": before,
    }


def _before(session: Session, lead: Lead, plan: Plan) -> dict[str, Any]:
    """What undoing needs to know of how the lead was."""
    before: dict[str, Any] = {
        "user": lead.owner_user_id,
        "queue": lead.owner_queue_id,
        "chosen": lead.is_owner_chosen,
    }
    offer = session.get(Offer, lead.offer_id) if lead.offer_id is not None else None
    if offer is not None:
        before["offer"] = {
            "expires_at": offer.expires_at.isoformat(),
            "round_robin": offer.round_robin_id,
            "queue": offer.origin_queue_id,
            # Where the offer goes along with the lead its turn does too; the vendor gives it back instead.
            "turn": plan.carried.turn_id if plan.carried is not None else None,
            "hops": offer.hops,
        }
    if plan.forgets_refusal and plan.owner.company_id is not None:
        refusal = session.get(LeadRefusal, (lead.id, plan.owner.company_id))
        if refusal is not None:
            before["refusal"] = {
                "company": refusal.company_id,
                "at": refusal.at.isoformat(),
                "cause": refusal.cause,
            }
    return before


def _tell(
    session: Session, actor: Actor, wish: Wish, plans: Iterable[Plan], act: BulkAct, now: datetime
) -> None:
    """One notification for each person who was given something or whose partner queue was."""
    people: dict[int, User] = {}
    queues: dict[int, Queue] = {}
    for plan in plans:
        if plan.owner.user is not None:
            people[plan.owner.user.id] = plan.owner.user
        elif plan.owner.queue is not None and plan.owner.queue.partner_account_id is not None:
            queues[plan.owner.queue.id] = plan.owner.queue
    for queue in queues.values():
        people.update({user.id: user for user in partner_queue_listeners(session, queue)})
    notices = [
        Notice(
            act_name(act),
            user,
            NotificationKind.LEADS_ASSIGNED,
            record_kind=BulkAct.__tablename__,
            record_id=act.id,
            mail=Mail.HELD if wish.notify else Mail.SUPPRESSED,
            due_at=act.undo_until,
        )
        for _key, user in sorted(people.items())
        if user.id != actor.user_id and user.state is UserState.ACTIVE
    ]
    notify_many(session, notices, now=now)


def act_name(act: BulkAct) -> str:
    return f"bulk:{act.id}"
