"""`place`: the only code that changes a lead's owner.

Every placement is one conditional update on the owner it was decided from, one assignment row, one
event and the notifications that follow from it, in the caller's transaction.  Two moves at the same
moment cannot both win: the later one raises LeadMoved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, inspect, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.sql.dml import ReturningUpdate

from app.campaigns.linking import join_campaign
from app.documents.holding import follow_holder
from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel.actor import Actor
from app.kernel.bulk import insert_row
from app.leads.errors import AlreadyConverted, LeadMoved
from app.leads.listeners import members_who_asked, partner_queue_listeners
from app.leads.models import Assignment, AssignmentCause, Lead, LeadRefusal, Offer, OfferState
from app.leads.touching import TOUCHED, UNTAKEN, taken_columns, touch_columns
from app.notifications.models import NotificationKind
from app.notifications.operations import Mail, Notice, notify_many
from app.routing.models import Queue
from app.sharing.scope import scope
from app.sharing.touched import touch

# The caller has decided that the move is allowed; here only the expected owner must still hold.
_MOVING = Actor.system("placement")


@dataclass(frozen=True, slots=True)
class Owner:
    """Where a lead goes: exactly one user or exactly one queue."""

    user: User | None = None
    queue: Queue | None = None

    @property
    def name(self) -> str:
        return self.user.name if self.user else self.queue.name if self.queue else ""

    @property
    def ref(self) -> str:
        return self.user.ref if self.user else self.queue.ref if self.queue else ""

    @property
    def company_id(self) -> int | None:
        if self.user is not None:
            return self.user.partner_account_id
        return self.queue.partner_account_id if self.queue is not None else None


@dataclass(frozen=True, slots=True)
class OfferTerms:
    """The lead is held out, not given: until when, and where it goes on to after a refusal."""

    expires_at: datetime
    round_robin_id: int | None = None
    origin_queue_id: int | None = None
    turn_id: int | None = None
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """What becomes of the pending offer that this move ends."""

    state: OfferState = OfferState.WITHDRAWN
    reason: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """How a placement came about.

    trace: what routing considered, see `routing.trace`.  forgets_refusal: a person gives it to a
    company that refused it before, on purpose.  mail: whether and when the new owner is mailed.
    template_id: the mail template that the rule chose.  untouched: only while the first touch is awaited until then.
    """

    cause: AssignmentCause
    trace: Sequence[Any] = ()
    turn_id: int | None = None
    rule_entry_id: int | None = None
    offer: OfferTerms | None = None
    closing: Closing = field(default_factory=Closing)
    mail: Mail = Mail.NOW
    template_id: int | None = None
    bulk_act_id: int | None = None
    forgets_refusal: bool = False
    owner_chosen: bool = False
    untouched: datetime | None = None


def place(session: Session, actor: Actor, lead: Lead, to: Owner, move: Move, *, now: datetime) -> int:
    """Give the lead to `to`; the assignment's key.  A lead that is not stored yet is stored with it.

    Does not commit.

    Raises AlreadyConverted, LeadMoved (the owner is not the one that was read, or it was touched).
    """
    if lead.converted_at is not None:
        raise AlreadyConverted
    state = inspect(lead)
    is_new = state.transient or state.pending
    before = Owner(
        session.get(User, lead.owner_user_id) if lead.owner_user_id else None,
        session.get(Queue, lead.owner_queue_id) if lead.owner_queue_id else None,
    )
    values = owner_columns(lead, to, move, now)
    if move.cause is AssignmentCause.CLAIM:
        values.update(touch_columns(session, before.queue, to.company_id, now=now))
    if is_new:
        for name, value in values.items():
            setattr(lead, name, value)
        session.add(lead)
        session.flush()  # its id is wanted below
        join_campaign(session, actor, lead, now=now)
    else:
        _close_offer(session, lead, move.closing, now)
        _move(session, actor, lead, values, move.untouched, now)
    assignment_id = _assign(session, actor, lead, before, to, move, now)
    if move.offer is not None:
        _offer(session, lead, to, move.offer, now)
    if not is_new and before.company_id != to.company_id:
        _leave_company(session, actor, lead, before.company_id, now)
    if move.forgets_refusal and to.company_id is not None:
        _forget_refusal(session, lead, to.company_id)
    _record(session, actor, lead, before, to, move, is_new, now)
    tell(session, actor, lead, assignment_id, to, move, now=now)
    return assignment_id


def _leave_company(session: Session, actor: Actor, lead: Lead, company_id: int | None, now: datetime) -> None:
    """What hangs on a lead that comes to another company, or to none.  company_id: the one that it leaves, if any."""
    follow_holder(session, lead)
    if company_id is not None:
        from app.sharing.shares import end_shares_with_company  # which knows leads

        end_shares_with_company(session, actor, lead, company_id, now=now)


def owner_columns(lead: Lead, to: Owner, move: Move, now: datetime) -> dict[str, Any]:
    """The owner's columns of a lead that goes to `to`; also what bulk inserts write."""
    values: dict[str, Any] = {
        "owner_user_id": to.user.id if to.user else None,
        "owner_queue_id": to.queue.id if to.queue else None,
        "partner_account_id": to.company_id,
        "owner_rank": to.user.role.rank if to.user and to.user.is_partner else None,
        "offer_expires_at": move.offer.expires_at if move.offer else None,
        "owned_since": now,
        "last_cause": move.cause.value,
        "is_owner_chosen": move.owner_chosen,
    }
    if to.queue is not None:
        if lead.last_queue_id is None or lead.waiting_since is None:
            values["waiting_since"] = now  # a returned lead keeps its first arrival
        values["last_queue_id"] = to.queue.id
    elif lead.owner_queue_id is not None:
        values["last_queue_id"] = lead.owner_queue_id
    # Who is handed a lead by a colleague has what is left of the colleague's time.
    is_transfer = move.cause is AssignmentCause.TRANSFER
    awaited = {} if is_transfer else TOUCHED
    if to.user is None or move.offer is not None:
        return {**values, **awaited, **UNTAKEN}
    if is_transfer and lead.taken_at is not None:
        return values
    claimed = lead.owned_since if move.cause is AssignmentCause.CLAIM else None
    return {**values, **awaited, **taken_columns(now, since=claimed)}


def _move(
    session: Session,
    actor: Actor,
    lead: Lead,
    values: Mapping[str, Any],
    untouched: datetime | None,
    now: datetime,
) -> None:
    values = {**values, "offer_id": None, "updated_at": now, "updated_by_id": actor.user_id}
    session.flush()  # what was changed on the lead before goes first, under its own version
    by_user = lead.owner_user_id is not None
    read = {
        "lead": lead.id,
        "owner": lead.owner_user_id if by_user else lead.owner_queue_id,
        "offer": lead.offer_id,
        "touch": untouched,
    }
    moved = session.scalar(
        _moving(tuple(values), by_user, lead.offer_id is not None, untouched is not None),
        {**read, **{f"new_{name}": value for name, value in values.items()}},
        execution_options={"synchronize_session": False},
    )
    if moved is None:
        raise LeadMoved
    touch(session, Lead.__tablename__, (lead.id,))
    for name, value in {**values, "version": moved}.items():
        set_committed_value(lead, name, value)


@lru_cache(maxsize=64)
def _moving(
    names: tuple[str, ...], by_user: bool, is_offered: bool, is_untouched: bool
) -> ReturningUpdate[int]:
    """The move of a lead that has still the owner and offer that it was read with; its new version.

    Made once for each set of columns, since many may wait for whoever is making it.
    """
    offer = Lead.offer_id == bindparam("offer") if is_offered else Lead.offer_id.is_(None)
    owner = (Lead.owner_user_id if by_user else Lead.owner_queue_id) == bindparam("owner")
    untouched = (Lead.touch_due_at == bindparam("touch"), Lead.is_open) if is_untouched else ()
    return (
        update(Lead)
        .where(scope(Lead, _MOVING), Lead.id == bindparam("lead"), owner, offer, *untouched)
        .where(Lead.deleted_at.is_(None), Lead.converted_at.is_(None))
        .values({**{name: bindparam(f"new_{name}") for name in names}, "version": Lead.version + 1})
        .returning(Lead.version)
    )


def _close_offer(session: Session, lead: Lead, closing: Closing, now: datetime) -> None:
    if lead.offer_id is None:
        return
    session.execute(
        update(Offer)
        .where(Offer.id == lead.offer_id, Offer.state == OfferState.PENDING)
        .values(state=closing.state, reason=closing.reason, note=closing.note, answered_at=now)
        .execution_options(synchronize_session=False)
    )


def _offer(session: Session, lead: Lead, to: Owner, terms: OfferTerms, now: datetime) -> None:
    offer_id = insert_row(session, Offer, offer_columns(lead.id, to, terms, now))
    session.execute(
        _OFFERED, {"lead": lead.id, "offer": offer_id}, execution_options={"synchronize_session": False}
    )
    set_committed_value(lead, "offer_id", offer_id)


_OFFERED = (
    update(Lead).where(scope(Lead, _MOVING), Lead.id == bindparam("lead")).values(offer_id=bindparam("offer"))
)


def offer_columns(lead_id: int, to: Owner, terms: OfferTerms, now: datetime) -> dict[str, Any]:
    """The columns of an offer to `to`, who must be a partner user; also what bulk inserts write."""
    if to.user is None or to.user.partner_account_id is None:
        raise ValueError("offers are made to partner users")
    return {
        "lead_id": lead_id,
        "user_id": to.user.id,
        "company_id": to.user.partner_account_id,
        "state": OfferState.PENDING,
        "made_at": now,
        "expires_at": terms.expires_at,
        "round_robin_id": terms.round_robin_id,
        "origin_queue_id": terms.origin_queue_id,
        "turn_id": terms.turn_id,
        "hops": terms.hops,
    }


def _assign(
    session: Session, actor: Actor, lead: Lead, before: Owner, to: Owner, move: Move, now: datetime
) -> int:
    values = {
        **assignment_columns(lead.id, actor, to, move, now),
        "from_user_id": before.user.id if before.user else None,
        "from_queue_id": before.queue.id if before.queue else None,
        "from_company_id": before.company_id,
    }
    return insert_row(session, Assignment, values)


def assignment_columns(lead_id: int, actor: Actor, to: Owner, move: Move, now: datetime) -> dict[str, Any]:
    """The columns of an assignment, but for where the lead was before; also what bulk inserts write."""
    return {
        "lead_id": lead_id,
        "at": now,
        "cause": move.cause,
        "to_user_id": to.user.id if to.user else None,
        "to_queue_id": to.queue.id if to.queue else None,
        "to_company_id": to.company_id,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "actor_company_id": actor.company_id,
        "trace": list(move.trace),
        "turn_id": move.turn_id,
        "rule_entry_id": move.rule_entry_id,
        "bulk_act_id": move.bulk_act_id,
    }


def _forget_refusal(session: Session, lead: Lead, company_id: int) -> None:
    refusal = session.get(LeadRefusal, (lead.id, company_id))
    if refusal is not None:
        session.delete(refusal)


_VERBS = {
    AssignmentCause.CLAIM: "claimed",
    AssignmentCause.RELEASE: "released",
    AssignmentCause.DECLINE: "declined",
    AssignmentCause.EXPIRY: "expired",
    AssignmentCause.TRANSFER: "transferred",
    AssignmentCause.RECYCLE: "recycled",
}


def _record(
    session: Session,
    actor: Actor,
    lead: Lead,
    before: Owner,
    to: Owner,
    move: Move,
    is_new: bool,
    now: datetime,
) -> None:
    detail: dict[str, Any] = {"cause": move.cause.value, "to": to.name, "to_ref": to.ref}
    if move.offer is not None:
        detail["offered_until"] = move.offer.expires_at
    if move.closing.reason:
        detail["reason"] = move.closing.reason
    verb = "created" if is_new else _VERBS.get(move.cause, "assigned")
    changes = {} if is_new else {"owner": (before.name, to.name)}
    record(session, actor, verb=verb, subject=lead, at=now, changes=changes, detail=detail)


def tell(
    session: Session,
    actor: Actor,
    lead: Lead,
    assignment_id: int,
    to: Owner,
    move: Move,
    *,
    now: datetime,
) -> None:
    """Notify whom a placement concerns.  Claimers, and people who give it to themselves: nobody."""
    if move.mail is Mail.NONE or move.cause is AssignmentCause.CLAIM:
        return
    users: Sequence[User] = ()
    kind = NotificationKind.LEAD_OFFERED if move.offer else NotificationKind.LEAD_ASSIGNED
    if to.user is not None:
        if to.user.id != actor.user_id and to.user.state is UserState.ACTIVE:
            users = (to.user,)
    elif to.queue is not None and to.queue.partner_account_id is not None:
        kind, users = NotificationKind.LEAD_IN_QUEUE, partner_queue_listeners(session, to.queue)
    elif to.queue is not None:
        asked = members_who_asked(session, to.queue)
        kind, users = NotificationKind.LEAD_IN_QUEUE, [user for user in asked if user.id != actor.user_id]
    act = f"assignment:{assignment_id}"
    notices = [
        Notice(act, user, kind, Lead.__tablename__, lead.id, mail=move.mail, template_id=move.template_id)
        for user in users
    ]
    notify_many(session, notices, now=now)
