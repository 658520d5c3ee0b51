"""Leads that were deleted and can still be restored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Lead
from app.lists.deleted import Deleted, latest_deleted
from app.sharing.scope import scope_of_deleted_leads


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """Those that the actor could edit again if they were brought back.  Raises NotAllowed."""
    actor.require(Permission.LEAD_DELETE)
    mine = scope_of_deleted_leads(actor, Level.EDIT)
    return latest_deleted(session, Lead, mine, name=lambda lead: lead.title_for(actor), now=now)
