"""Open cases of somebody who leaves."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.events.operations import record_many
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.sharing.scope import scope

# Whoever ends somebody's rights decides about all that is theirs, whether or not they see each case.
_LEAVING = Actor.system("leaving")
AT_ONCE = 500


def give_open_cases(session: Session, actor: Actor, leaver: User, successor: User, *, now: datetime) -> int:
    """Make somebody the owner of every open case of somebody else; how many.

    The caller has seen to it that the actor may.  Writes an event for each; does not commit.
    """
    moved = 0
    while cases := _next_cases(session, leaver):
        for case in cases:
            case.owner_user_id = successor.id
            case.stamp(actor, now)
        session.flush()
        changes = {"owner": (leaver.name, successor.name)}
        record_many(
            session, actor, [("edited", case, changes, {"version": case.version}) for case in cases], at=now
        )
        moved += len(cases)
    return moved


def _next_cases(session: Session, leaver: User) -> Sequence[Case]:
    statement = (
        select(Case)
        .where(
            scope(Case, _LEAVING),
            Case.owner_user_id == leaver.id,
            Case.is_open,
            Case.deleted_at.is_(None),
        )
        .order_by(Case.id)
        .limit(AT_ONCE)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement if is_sqlite(session) else statement.with_for_update()).all()
