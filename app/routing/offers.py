"""Offers and what becomes of them: accepted, declined, expired; and leads that their owner gives back.

What is declined or not accepted in time goes on: to the next member of its round robin, else to a queue.
It does not come back to a company that refused it, unless a person gives it there.
"""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotAllowed
from app.kernel.text import NOTE, clean_text
from app.leads.errors import LeadMoved
from app.leads.models import (
    Assignment,
    AssignmentCause,
    DeclineReason,
    Lead,
    LeadRefusal,
    Offer,
    OfferState,
)
from app.leads.placement import Closing, Move, Owner, place
from app.leads.queries import get_lead
from app.leads.touching import taken_columns, touch_columns
from app.notifications.models import NotificationKind
from app.notifications.operations import Notice, notify_many
from app.routing import steps
from app.routing.alerts import Alert
from app.routing.desk import Decision, Desk
from app.routing.errors import OfferEnded
from app.routing.matching import facts_of_lead
from app.routing.models import Queue
from app.routing.trace import TOO_MANY_HOPS
from app.routing.turns import find_turn, give_turn_back, refusing_companies
from app.sharing.scope import scope

MOST_HOPS = 5
# The person to whom a lead is offered sees its preview only; answering changes it all the same.
_ANSWERING = Actor.system("answers to offers")
_EXPIRING = Actor.system("expiry of offers")


def accept_offer(session: Session, actor: Actor, ref: str, *, now: datetime) -> Lead:
    """Take a lead that is offered to the actor: from now on they have it in full.

    Accepting what one has accepted, or owns anyway, changes nothing and succeeds.  Writes an event.
    Does not commit.

    Raises NotAllowed (it is offered to somebody else), NotFound, OfferEnded.
    """
    actor.require(Permission.LEAD_ANSWER_OFFER)
    lead = _own_lead(session, actor, ref)
    if lead.offer_id is None:
        return lead
    accepted = session.execute(
        update(Offer)
        .where(Offer.id == lead.offer_id, Offer.state == OfferState.PENDING, Offer.expires_at > now)
        .values(state=OfferState.ACCEPTED, answered_at=now)
        .execution_options(synchronize_session=False)
    )
    if accepted.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE has a count
        lead = _own_lead(session, actor, ref)
        if lead.offer_id is None:
            return lead  # the same button, pressed twice
        raise OfferEnded
    session.execute(
        update(Lead)
        .where(scope(Lead, _ANSWERING), Lead.id == lead.id, Lead.offer_id == lead.offer_id)
        .values(
            offer_id=None,
            offer_expires_at=None,
            **touch_columns(session, _origin_of(session, lead), actor.company_id, now=now),
            **taken_columns(now, since=lead.owned_since),
            version=Lead.version + 1,
            updated_at=now,
            updated_by_id=actor.user_id,
        )
        .execution_options(synchronize_session=False)
    )
    session.refresh(lead)
    record(session, actor, verb="accepted", subject=lead, at=now)
    return lead


def _origin_of(session: Session, lead: Lead) -> Queue | None:
    """The queue that the lead was offered from."""
    offer = session.get(Offer, lead.offer_id) if lead.offer_id is not None else None
    return session.get(Queue, offer.origin_queue_id) if offer and offer.origin_queue_id else None


def decline_offer(
    session: Session, actor: Actor, ref: str, *, reason: str | None, note: str | None = None, now: datetime
) -> Lead:
    """Refuse a lead that is offered to the actor; it goes on, and not back to their company.

    reason: key of a decline reason; some give the turn back.  Writes what `place` writes, the refusal
    and the ledger's rows.  Does not commit.

    Raises NotAllowed, NotFound, Invalid, OfferEnded, LeadMoved.
    """
    actor.require(Permission.LEAD_ANSWER_OFFER)
    lead = _own_lead(session, actor, ref)
    why = _reason(session, reason)
    closing = Closing(OfferState.DECLINED, why.key, clean_text(note, max_length=NOTE, field="note"))
    offer = session.get(Offer, lead.offer_id, populate_existing=True) if lead.offer_id else None
    if offer is None or offer.state is not OfferState.PENDING:
        raise OfferEnded
    _send_on(
        session,
        actor,
        lead,
        offer,
        AssignmentCause.DECLINE,
        closing,
        gives_turn_back=why.gives_turn_back,
        now=now,
    )
    return lead


def release_lead(
    session: Session, actor: Actor, ref: str, *, reason: str | None, note: str | None = None, now: datetime
) -> Lead:
    """Give back a lead that the actor owns: to the queue it came from, else to the default queue.

    A lead that is only offered is declined.  A reason that says the lead is no good gives its turn back.
    Writes what `place` writes.  Does not commit.

    Raises NotAllowed, NotFound, Invalid, AlreadyConverted, LeadMoved.
    """
    actor.require(Permission.LEAD_RELEASE)
    lead = _own_lead(session, actor, ref)
    if lead.offer_id is not None:
        return decline_offer(session, actor, ref, reason=reason, note=note, now=now)
    why = _reason(session, reason)
    note = clean_text(note, max_length=NOTE, field="note")
    trace: list[steps.Step] = []
    turn_id = _turn_of(session, lead) if why.gives_turn_back else None
    if turn_id is not None and give_turn_back(session, turn_id, now=now):
        trace.append(steps.turn_given_back())
    queue = queue_to_return_to(session, lead)
    move = Move(AssignmentCause.RELEASE, trace=trace, closing=Closing(reason=why.key, note=note))
    place(session, actor, lead, Owner(queue=queue), move, now=now)
    return lead


def due_offers(session: Session, *, now: datetime, limit: int = 100) -> Sequence[int]:
    """Keys of offers that have not been accepted in time, the earliest first."""
    due = (
        select(Lead.offer_id)
        .where(scope(Lead, _EXPIRING), Lead.offer_id.is_not(None), Lead.offer_expires_at <= now)
        .where(Lead.deleted_at.is_(None))
        .order_by(Lead.offer_expires_at)
        .limit(limit)
    )
    return [key for key in session.scalars(due) if key is not None]


def expire_offer(session: Session, offer_id: int, *, now: datetime) -> bool:
    """End one offer that was not accepted in time; False when it has been answered, or is not due.

    The person who let it lapse and the company's channel manager are told.  Does not commit.

    Raises LeadMoved (somebody else was at it: roll back).
    """
    offer = session.get(Offer, offer_id, populate_existing=True)
    if offer is None or offer.state is not OfferState.PENDING or offer.expires_at > now:
        return False
    lead = session.scalar(
        select(Lead)
        .where(scope(Lead, _EXPIRING), Lead.id == offer.lead_id, Lead.offer_id == offer_id)
        .execution_options(populate_existing=True)
    )
    if lead is None or lead.deleted_at is not None:
        return False
    closing = Closing(OfferState.EXPIRED)
    _send_on(session, _EXPIRING, lead, offer, AssignmentCause.EXPIRY, closing, now=now)
    _tell_of_lapse(session, lead, offer, now)
    return True


def expire_offers(session: Session, *, now: datetime, limit: int = 100) -> int:
    """End the offers that were not accepted in time; how many.  Each counts once, however many try.

    For one transaction; the worker takes one for each offer.  Does not commit.
    """
    done = 0
    for offer_id in due_offers(session, now=now, limit=limit):
        try:
            with session.begin_nested():
                done += expire_offer(session, offer_id, now=now)
        except LeadMoved:
            continue  # accepted, declined or taken back at this very moment
    return done


def _own_lead(session: Session, actor: Actor, ref: str) -> Lead:
    """A lead that the actor owns or is offered.  Raises NotFound, NotAllowed."""
    lead = get_lead(session, actor, ref, Level.PREVIEW)
    if actor.user_id is None or lead.owner_user_id != actor.user_id:
        raise NotAllowed(_l("It is somebody else's to answer for."))
    return lead


def _reason(session: Session, key: str | None) -> DeclineReason:
    found = session.scalar(
        select(DeclineReason).where(DeclineReason.key == (key or ""), DeclineReason.is_active)
    )
    if found is None:
        message = _l("Choose a reason.") if not key else _l("There is no such reason.")
        raise Invalid({"reason": [message]})
    return found


def _send_on(
    session: Session,
    actor: Actor,
    lead: Lead,
    offer: Offer,
    cause: AssignmentCause,
    closing: Closing,
    *,
    gives_turn_back: bool = False,
    now: datetime,
) -> int:
    """Take the lead from whom it was offered to and give it to whoever is next."""
    refusing = refusing_companies(session, lead.id) | {offer.company_id}
    round_robins = [] if offer.round_robin_id is None else [offer.round_robin_id]
    desk = Desk.open(session, None, now=now, one=True, entries=[], round_robins=round_robins)
    if not is_sqlite(session):
        session.refresh(offer, ["state"])  # somebody may have answered while the round robin was waited for
        if offer.state is not OfferState.PENDING:
            raise LeadMoved
    trace = [steps.went_on(cause.value, offer.hops + 1)]
    turn = find_turn(session, offer.turn_id) if gives_turn_back and offer.turn_id is not None else None
    if turn is not None and turn.round_robin_id in desk.turns:
        desk.turns.give_back(turn)
        trace.append(steps.turn_given_back())
    decision = _next(desk, lead, offer, cause, trace, refusing)
    desk.write()
    _remember_refusal(session, lead, offer, cause, now)
    move = decision.move(now=now, origin_queue_id=offer.origin_queue_id, hops=offer.hops + 1, closing=closing)
    return place(session, actor, lead, decision.owner, move, now=now)


def _next(
    desk: Desk,
    lead: Lead,
    offer: Offer,
    cause: AssignmentCause,
    trace: list[steps.Step],
    refusing: frozenset[int],
) -> Decision:
    fallback = None
    if offer.round_robin_id is not None and offer.round_robin_id in desk.turns:
        if offer.hops < MOST_HOPS:
            decision = desk.take(offer.round_robin_id, trace, cause, facts_of_lead(lead), refusing=refusing)
            if decision is not None:
                return decision
        else:
            trace.append(steps.no_more_hops(offer.hops + 1))
            detail = {"hops": offer.hops + 1, "lead": lead.ref}
            desk.alerts.append(Alert(TOO_MANY_HOPS, lead.ref, detail, lead.ref))
        fallback = desk.find_queue(desk.turns.round_robin(offer.round_robin_id).fallback_queue_id)
    if fallback is not None:
        return desk.to_queue(fallback, "round_robin", trace, cause)
    origin = desk.find_queue(offer.origin_queue_id)
    # A company's own queue would be a dead end: nobody else looks into it.
    if origin is not None and origin.partner_account_id not in refusing:
        return desk.to_queue(origin, "origin", trace, cause)
    return desk.to_queue(desk.default_queue, "default", trace, cause)


def _remember_refusal(
    session: Session, lead: Lead, offer: Offer, cause: AssignmentCause, now: datetime
) -> None:
    if session.get(LeadRefusal, (lead.id, offer.company_id)) is None:
        session.add(LeadRefusal(lead_id=lead.id, company_id=offer.company_id, at=now, cause=cause.value))


def _turn_of(session: Session, lead: Lead) -> int | None:
    """The turn by which the lead came to the company that holds it, if no person moved it in between."""
    rows = session.execute(
        select(Assignment.turn_id, Assignment.cause)
        .where(Assignment.lead_id == lead.id)
        .order_by(Assignment.id.desc())
    )
    for turn_id, cause in rows:
        if turn_id is not None:
            return int(turn_id)
        if cause not in (AssignmentCause.CLAIM, AssignmentCause.TRANSFER):
            return None
    return None


def queue_to_return_to(session: Session, lead: Lead) -> Queue:
    """The queue from which its owner took it, where that is still there for others; else the default queue."""
    queue = session.get(Queue, lead.last_queue_id) if lead.last_queue_id is not None else None
    is_ours = queue is not None and queue.partner_account_id in (None, lead.partner_account_id)
    if queue is not None and is_ours and queue.deleted_at is None:
        return queue
    return session.scalars(select(Queue).where(Queue.is_default)).one()


def _tell_of_lapse(session: Session, lead: Lead, offer: Offer, now: datetime) -> None:
    who = session.get_one(User, offer.user_id)
    manager = session.scalar(
        select(User)
        .join(Account, Account.owner_user_id == User.id)
        .where(scope(Account, _EXPIRING), Account.id == offer.company_id)
    )
    kind, act = NotificationKind.OFFER_LAPSED, f"offer:{offer.id}"
    notices = [
        Notice(act, user, kind, "lead", lead.id, detail={"who": who.name})
        for user in (who, manager)
        if user is not None and user.state is UserState.ACTIVE
    ]
    notify_many(session, notices, now=now)
