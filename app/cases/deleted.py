"""Cases that were deleted and can still be restored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.cases.models import Case
from app.kernel.actor import Actor, Level, Permission
from app.lists.deleted import Deleted, latest_deleted
from app.sharing.scope import scope_of_deleted_cases


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """Those that the actor could edit again if they were brought back.  Raises NotAllowed."""
    actor.require(Permission.CASE_DELETE)
    mine = scope_of_deleted_cases(actor, Level.EDIT)
    return latest_deleted(
        session, Case, mine, name=lambda case: case.subject, note=lambda case: case.number, now=now
    )
