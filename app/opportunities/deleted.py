"""Opportunities that were deleted and can still be restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.opportunities.models import Opportunity
from app.opportunities.operations import RESTORABLE
from app.sharing.scope import scope_of_deleted_opportunities

SHOWN = 200


@dataclass(frozen=True, slots=True)
class DeletedOpportunity:
    """by: who deleted it."""

    ref: str
    name: str
    deleted_at: datetime
    by: str | None


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[DeletedOpportunity]:
    """The latest SHOWN of the last 30 days, of those that the actor could edit again if they were brought back.

    Raises NotAllowed.
    """
    actor.require(Permission.OPPORTUNITY_DELETE)
    rows = session.execute(
        select(Opportunity, User.name)
        .outerjoin(User, User.id == Opportunity.updated_by_id)
        .where(scope_of_deleted_opportunities(actor, Level.EDIT), Opportunity.deleted_at > now - RESTORABLE)
        .order_by(Opportunity.deleted_at.desc(), Opportunity.id.desc())
        .limit(SHOWN)
    )
    return [
        DeletedOpportunity(row.ref, row.name, row.deleted_at, name)
        for row, name in rows
        if row.deleted_at is not None
    ]
