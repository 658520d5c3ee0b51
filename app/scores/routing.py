"""Routing leads anew that were handed over while they waited and nobody had chosen their owner."""

from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.kernel.db import is_sqlite
from app.leads.errors import LeadMoved
from app.leads.models import Lead
from app.routing.routes import route_lead
from app.scores.books import SCORING, find_active_book
from app.scores.writing import queue_to_leave, waits
from app.sharing.scope import scope

BATCH = 20


def routes_waiting(session: Session) -> bool:
    """Whether a lead waits to be routed anew.  Takes no lock."""
    return bool(session.scalar(select(exists().where(*_waiting()))))


def _waiting() -> tuple[Any, ...]:
    return scope(Lead, SCORING), Lead.route_due_at.is_not(None), Lead.deleted_at.is_(None)


def route_handed_over(session: Session, *, now: datetime) -> bool:
    """Send those on that still wait, by the assignment rules; whether there may be more.  Does not commit."""
    statement = select(Lead).where(*_waiting())
    statement = statement.order_by(Lead.route_due_at, Lead.id).limit(BATCH)
    leads = session.scalars(
        statement if is_sqlite(session) else statement.with_for_update(skip_locked=True)
    ).all()
    queue_id = queue_to_leave(session, find_active_book(session))
    session.execute(
        update(Lead)
        .where(scope(Lead, SCORING), Lead.id.in_([lead.id for lead in leads]))
        .values(route_due_at=None)
        .execution_options(synchronize_session=False)
    )
    for lead in leads:
        if waits(lead, queue_id) and lead.is_open and lead.converted_at is None:
            try:
                route_lead(session, SCORING, lead, now=now)
            except LeadMoved:
                continue  # somebody was quicker
    return len(leads) == BATCH
