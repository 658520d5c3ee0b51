"""Leads that were deleted and can still be restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Lead
from app.leads.operations import RESTORABLE
from app.sharing.scope import scope_of_deleted_leads

SHOWN = 200


@dataclass(frozen=True, slots=True)
class DeletedLead:
    """by: who deleted it."""

    ref: str
    title: str
    deleted_at: datetime
    by: str | None

    @property
    def until(self) -> datetime:
        """When it can be restored no more."""
        return self.deleted_at + RESTORABLE


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[DeletedLead]:
    """The latest SHOWN of the last 30 days, of those that the actor could edit again if they were brought back.

    Raises NotAllowed.
    """
    actor.require(Permission.LEAD_DELETE)
    statement = (
        select(Lead, User.name)
        .outerjoin(User, User.id == Lead.updated_by_id)
        .where(scope_of_deleted_leads(actor, Level.EDIT), Lead.deleted_at > now - RESTORABLE)
        .order_by(Lead.deleted_at.desc(), Lead.id.desc())
        .limit(SHOWN)
    )
    return [
        DeletedLead(lead.ref, lead.title_for(actor), lead.deleted_at, name)
        for lead, name in session.execute(statement)
        if lead.deleted_at is not None
    ]
