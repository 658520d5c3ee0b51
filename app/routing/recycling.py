"""Leads that somebody took and never touched: their owner is warned, then they go back to where they came from.

The hours are those of `leads.touching`.  What is recycled waits in its queue as it did before, at the place that its
first arrival gives it; no turn is taken or given back.  The company that let it lapse is treated as one that let an
offer lapse: it does not see the lead any more and cannot claim it, unless a person gives it there.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import reading, transaction
from app.leads.errors import LeadMoved
from app.leads.models import AssignmentCause, Lead, LeadRefusal
from app.leads.placement import Move, Owner, place
from app.leads.touching import note_touch
from app.notifications.models import NotificationKind
from app.notifications.operations import Notice, notify_many
from app.routing import steps
from app.routing.models import Queue
from app.routing.offers import queue_to_return_to
from app.sharing.scope import scope

log = structlog.get_logger("canal.recycling")
AT_ONCE = 100
_RECYCLING = Actor.system("recycling")


def due_leads(session: Session, *, now: datetime, limit: int = AT_ONCE) -> Sequence[int]:
    """Keys of leads whose first touch is overdue, the earliest first."""
    return session.scalars(
        select(Lead.id)
        .where(scope(Lead, _RECYCLING), Lead.touch_due_at <= now, Lead.touch_due_at.is_not(None))
        .where(Lead.deleted_at.is_(None))
        .order_by(Lead.touch_due_at, Lead.id)
        .limit(limit)
    ).all()


def recycle_lead(session: Session, lead_id: int, *, now: datetime) -> bool:
    """Take one lead from whoever has not touched it in time; False when they have, or it is not due.

    Writes what `place` writes, and the company's refusal; tells who let it lapse, and their channel manager.
    Does not commit.  Raises LeadMoved (touched or moved at this very moment: roll back).
    """
    lead = session.scalar(
        select(Lead)
        .where(scope(Lead, _RECYCLING), Lead.id == lead_id, Lead.deleted_at.is_(None))
        .execution_options(populate_existing=True)
    )
    if lead is None or lead.touch_due_at is None or lead.touch_due_at > now:
        return False
    if not lead.is_open or lead.converted_at is not None or lead.owner_user_id is None:
        note_touch(lead)  # nothing is to be done on it any more
        return False
    who, company_id = session.get_one(User, lead.owner_user_id), lead.partner_account_id
    queue = queue_to_return_to(session, lead)
    if company_id is not None and queue.partner_account_id == company_id:
        # A company's own queue would be a dead end: nobody else looks into it.
        queue = session.scalars(select(Queue).where(Queue.is_default)).one()
    move = Move(AssignmentCause.RECYCLE, trace=[steps.recycled()], untouched=lead.touch_due_at)
    assignment_id = place(session, _RECYCLING, lead, Owner(queue=queue), move, now=now)
    if company_id is not None and session.get(LeadRefusal, (lead.id, company_id)) is None:
        session.add(LeadRefusal(lead_id=lead.id, company_id=company_id, at=now, cause=move.cause.value))
    _tell(session, lead, assignment_id, who, company_id, now)
    return True


def _tell(
    session: Session, lead: Lead, assignment_id: int, who: User, company_id: int | None, now: datetime
) -> None:
    """Tell whoever let it lapse, and the company's channel manager."""
    manager = session.scalar(
        select(User)
        .join(Account, Account.owner_user_id == User.id)
        .where(scope(Account, _RECYCLING), Account.id == company_id)
    )
    kind, act = NotificationKind.LEAD_RECYCLED, f"assignment:{assignment_id}"
    notices = [
        Notice(act, user, kind, Lead.__tablename__, lead.id, detail={"who": who.name})
        for user in (who, manager)
        if user is not None and user.state is UserState.ACTIVE
    ]
    notify_many(session, notices, now=now)


def warn_owners(session: Session, *, now: datetime, limit: int = AT_ONCE) -> int:
    """Tell owners whose time for a first touch is soon over, once each; of how many leads.  Does not commit."""
    ending = (
        select(Lead.id)
        .where(scope(Lead, _RECYCLING), Lead.touch_warn_at <= now, Lead.touch_warn_at.is_not(None))
        .where(Lead.deleted_at.is_(None))
        .order_by(Lead.touch_warn_at, Lead.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # Whoever is warned by another worker, or touches the lead just now, is passed over.
    warned = session.execute(
        update(Lead)
        .where(scope(Lead, _RECYCLING), Lead.id.in_(ending), Lead.touch_warn_at <= now)
        .values(touch_warn_at=None)
        .returning(Lead.id, Lead.owner_user_id, Lead.owned_since, Lead.touch_due_at, Lead.is_open)
        .execution_options(synchronize_session=False)
    ).all()
    notices = []
    for key, owner_id, since, due_at, is_open in warned:
        user = session.get(User, owner_id) if owner_id is not None else None
        # Who is told too late, for the worker was not running, is told of the loss alone.
        if (
            user is None
            or user.state is not UserState.ACTIVE
            or due_at is None
            or due_at <= now
            or not is_open
        ):
            continue
        act = f"touch:{key}:{since.timestamp():.6f}"
        notices.append(Notice(act, user, NotificationKind.TOUCH_DUE, Lead.__tablename__, key))
    notify_many(session, notices, now=now)
    return len(warned)


def recycle_step() -> bool:
    """Warn, then recycle what is due, each in a transaction of its own; true when there may be more.

    What cannot be recycled is logged and tried again next time; it keeps no other waiting.
    """
    now = clock.now()
    with reading() as session:  # without asking for SQLite's write lock
        due = due_leads(session, now=now)
        ending = session.scalar(
            select(Lead.id).where(scope(Lead, _RECYCLING), Lead.touch_warn_at <= now).limit(1)
        )
    if ending is not None:
        with transaction() as session:
            warn_owners(session, now=now)
    done = 0
    for lead_id in due:
        try:
            with transaction() as session:
                done += recycle_lead(session, lead_id, now=now)
        except LeadMoved:
            continue  # touched or taken back at this very moment
        except Exception:
            log.exception("a lead could not be recycled", lead=lead_id)
    return done == AT_ONCE
