"""Open opportunities of somebody who leaves."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record_many
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.opportunities.models import Opportunity, StageCategory
from app.sharing.scope import scope

# Whoever ends somebody's rights decides about all that is theirs, whether or not they see each record.
_LEAVING = Actor.system("leaving")
AT_ONCE = 500


def give_open_opportunities(
    session: Session, actor: Actor, leaver: User, successor: User, *, now: datetime
) -> int:
    """Make somebody of the same side the owner of every open opportunity of somebody else; how many.

    The caller has seen to it that the actor may.  Writes an event for each; does not commit.
    """
    moved = 0
    rank = successor.role.rank if successor.is_partner else None
    while found := _next(session, leaver):
        for opportunity in found:
            opportunity.owner_user_id, opportunity.owner_rank = successor.id, rank
            opportunity.stamp(actor, now)
        session.flush()
        changes = {"owner": (leaver.name, successor.name)}
        record_many(
            session, actor, [("edited", each, changes, {"version": each.version}) for each in found], at=now
        )
        moved += len(found)
    return moved


def _next(session: Session, leaver: User) -> Sequence[Opportunity]:
    statement = (
        select(Opportunity)
        .where(
            scope(Opportunity, _LEAVING),
            Opportunity.owner_user_id == leaver.id,
            Opportunity.category == StageCategory.OPEN,
            Opportunity.deleted_at.is_(None),
        )
        .order_by(Opportunity.id)
        .limit(AT_ONCE)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement if is_sqlite(session) else statement.with_for_update()).all()
