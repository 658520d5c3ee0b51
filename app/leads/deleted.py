"""Leads that were deleted and can still be restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Permission
from app.leads.models import Lead
from app.leads.operations import RESTORABLE
from app.sharing.scope import scope

# What is deleted is gone for every rule of visibility; those who may delete may bring it back.
_RESTORING = Actor.system("deleted leads")
SHOWN = 200


@dataclass(frozen=True, slots=True)
class DeletedLead:
    """by: who deleted it."""

    ref: str
    title: str
    deleted_at: datetime
    by: str | None


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[DeletedLead]:
    """The latest SHOWN of the last 30 days.  Those who see their portfolio only: what they deleted themselves.

    Raises NotAllowed.
    """
    actor.require(Permission.LEAD_DELETE)
    statement = (
        select(Lead, User.name)
        .outerjoin(User, User.id == Lead.updated_by_id)
        .where(scope(Lead, _RESTORING), Lead.deleted_at > now - RESTORABLE)
        .order_by(Lead.deleted_at.desc(), Lead.id.desc())
        .limit(SHOWN)
    )
    if actor.sees_portfolio_only:
        statement = statement.where(Lead.updated_by_id == actor.user_id)
    return [
        DeletedLead(lead.ref, lead.display_title, lead.deleted_at, name)
        for lead, name in session.execute(statement)
        if lead.deleted_at is not None
    ]
