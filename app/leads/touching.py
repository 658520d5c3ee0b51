"""The first touch: in how many hours whoever took a lead does something on it, and what counts as that.

Whoever claims a lead, or accepts an offer, is given plain hours, by the queue that it came from, else by the level of
their company.  Something done on it, a change of a field by their company and a change of status end the matter, and
so do closing and conversion.  Who has done nothing by then loses it: `routing.recycling`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.models import Queue

# When the owner is told: after so much of their time.
WARN_AFTER = 0.75
# Nothing is awaited.
TOUCHED: dict[str, Any] = {"touch_due_at": None, "touch_warn_at": None}
# What reports tell of whoever has it begins anew.
UNTAKEN: dict[str, Any] = {"taken_at": None, "taken_after": None, "touched_at": None, "touched_after": None}


def taken_columns(now: datetime, *, since: datetime | None = None) -> dict[str, Any]:
    """A person has the lead from now on.  since: when it began to wait for them; None where it was given outright."""
    return {**UNTAKEN, "taken_at": now, "taken_after": _seconds(since, now)}


def first_touch_columns(lead: Lead, now: datetime) -> dict[str, Any]:
    """The first thing that its owner's side does on a lead; nothing where there was one before, or nobody has it."""
    if lead.touched_at is not None or lead.taken_at is None:
        return {}
    return {"touched_at": now, "touched_after": _seconds(lead.taken_at, now)}


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, int((now - since).total_seconds()))


_HOURS_OF_LEVEL = (
    select(PartnerLevel.touch_within_hours)
    .join(PartnerAccount, PartnerAccount.level_id == PartnerLevel.id)
    .where(PartnerAccount.account_id == bindparam("account_id"))
)


def touch_columns(
    session: Session, queue: Queue | None, company_id: int | None, *, now: datetime
) -> dict[str, Any]:
    """Until when a lead is to be touched that was taken now.  queue: where it came from; its hours go first."""
    hours = queue.touch_within_hours if queue is not None else None
    if hours is None and company_id is not None:
        hours = session.scalar(_HOURS_OF_LEVEL, {"account_id": company_id})
    if hours is None:
        return TOUCHED
    given = timedelta(hours=hours)
    return {"touch_due_at": now + given, "touch_warn_at": now + given * WARN_AFTER}


def is_touch_of(actor: Actor, lead: Lead) -> bool:
    """Whether what the actor does on it is the owner's doing: theirs, or somebody's of the same partner."""
    if lead.partner_account_id is not None:
        return actor.company_id == lead.partner_account_id
    return actor.user_id is not None and actor.user_id == lead.owner_user_id


def note_edit(actor: Actor, lead: Lead, names: Collection[str], *, now: datetime) -> None:
    """Fields of the lead were changed: by its owner's side that is a touch, a change of status by anybody."""
    if "status" in names or is_touch_of(actor, lead):
        note_touch(lead)
        for name, value in first_touch_columns(lead, now).items():
            setattr(lead, name, value)


def note_touch(lead: Lead) -> None:
    """The lead was touched: nothing is awaited any more."""
    lead.touch_due_at = lead.touch_warn_at = None
