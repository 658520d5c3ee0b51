"""What conversion does to the lead itself.  What it becomes is `app.conversion`'s."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.leads.touching import note_touch


def mark_converted(session: Session, actor: Actor, lead: Lead, *, now: datetime) -> dict[str, Any]:
    """Give the lead the status that conversion alone sets; what stood there before.  Does not commit."""
    before = {"status_id": lead.status_id, "is_open": lead.is_open}
    lead.status_id = session.scalars(
        select(LeadStatus.id).where(LeadStatus.category == StatusCategory.CONVERTED).limit(1)
    ).one()
    lead.is_open, lead.converted_at = False, now
    note_touch(lead)
    lead.stamp(actor, now)
    return before


def unmark_converted(
    session: Session, actor: Actor, lead: Lead, before: dict[str, Any], *, now: datetime
) -> None:
    """Let the lead be as it was before.  Does not commit."""
    lead.status_id, lead.is_open = before["status_id"], before["is_open"]
    lead.converted_at = None
    lead.stamp(actor, now)
