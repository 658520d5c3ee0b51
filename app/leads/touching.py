"""The first touch: in how many hours whoever took a lead does something on it, and what counts as that.

Whoever claims a lead, or accepts an offer, is given plain hours, by the queue that it came from, else by the level of
their company.  Something done on it, a change of a field by their company and a change of status end the matter, and
so do closing and conversion.  Who has done nothing by then loses it: `routing.recycling`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.models import Queue

# When the owner is told: after so much of their time.
WARN_AFTER = 0.75
# Nothing is awaited.
TOUCHED: dict[str, Any] = {"touch_due_at": None, "touch_warn_at": None}


def touch_columns(
    session: Session, queue: Queue | None, company_id: int | None, *, now: datetime
) -> dict[str, Any]:
    """Until when a lead is to be touched that was taken now.  queue: where it came from; its hours go first."""
    hours = queue.touch_within_hours if queue is not None else None
    if hours is None and company_id is not None:
        hours = session.scalar(
            select(PartnerLevel.touch_within_hours)
            .join(PartnerAccount, PartnerAccount.level_id == PartnerLevel.id)
            .where(PartnerAccount.account_id == company_id)
        )
    if hours is None:
        return TOUCHED
    given = timedelta(hours=hours)
    return {"touch_due_at": now + given, "touch_warn_at": now + given * WARN_AFTER}


def is_touch_of(actor: Actor, lead: Lead) -> bool:
    """Whether what the actor does on it is the owner's doing: theirs, or somebody's of the same partner."""
    if lead.partner_account_id is not None:
        return actor.company_id == lead.partner_account_id
    return actor.user_id is not None and actor.user_id == lead.owner_user_id


def note_edit(actor: Actor, lead: Lead, names: Collection[str]) -> None:
    """Fields of the lead were changed: by its owner's side that is a touch, a change of status by anybody."""
    if "status" in names or is_touch_of(actor, lead):
        note_touch(lead)


def note_touch(lead: Lead) -> None:
    """The lead was touched: nothing is awaited any more."""
    lead.touch_due_at = lead.touch_warn_at = None
