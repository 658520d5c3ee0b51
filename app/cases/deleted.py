"""Cases that were deleted and can still be restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.cases.operations import RESTORABLE
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.sharing.scope import scope_of_deleted_cases

SHOWN = 200


@dataclass(frozen=True, slots=True)
class DeletedCase:
    """by: who deleted it."""

    ref: str
    number: str
    subject: str
    deleted_at: datetime
    by: str | None

    @property
    def until(self) -> datetime:
        """When it can be restored no more."""
        return self.deleted_at + RESTORABLE


def list_deleted(session: Session, actor: Actor, *, now: datetime) -> Sequence[DeletedCase]:
    """The latest SHOWN of the last 30 days, of those that the actor could edit again if they were brought back.

    Raises NotAllowed.
    """
    actor.require(Permission.CASE_DELETE)
    rows = session.execute(
        select(Case, User.name)
        .outerjoin(User, User.id == Case.updated_by_id)
        .where(scope_of_deleted_cases(actor, Level.EDIT), Case.deleted_at > now - RESTORABLE)
        .order_by(Case.deleted_at.desc(), Case.id.desc())
        .limit(SHOWN)
    )
    return [
        DeletedCase(case.ref, case.number, case.subject, case.deleted_at, name)
        for case, name in rows
        if case.deleted_at is not None
    ]
