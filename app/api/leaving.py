"""What becomes of open records when somebody leaves, as a body says it."""

from sqlalchemy.orm import Session

from app.api.schemas.common import SuccessorIn
from app.kernel.actor import Actor
from app.offboarding.choices import GiveTo, Keep, OpenRecords, Route
from app.routing.targets import find_target


def read_choice(session: Session, actor: Actor, given: str | SuccessorIn) -> OpenRecords:
    """`keep`, `route` or a successor.  Raises NotAssignable."""
    if isinstance(given, SuccessorIn):
        return GiveTo(find_target(session, actor, given.owner.type, given.owner.id))
    return Keep() if given == "keep" else Route()
