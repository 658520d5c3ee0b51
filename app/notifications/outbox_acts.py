"""What people do with the outbox: hold it, release it, try a failed mail again."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import Organisation
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Conflict, NotFound
from app.notifications.models import Delivery, DeliveryState


class NotFailed(Conflict):
    """Only a failed delivery is tried again by hand."""

    slug = "not-failed"
    message = _l("This mail has not failed. Reload the page to see how it stands.")


@dataclass(frozen=True, slots=True)
class _TheOutbox:
    """The organisation's sending, as the subject of an event."""

    __tablename__ = "organisation"
    id: int = 1
    ref: str = "organisation"


def hold_sending(session: Session, actor: Actor, *, now: datetime) -> bool:
    """Send nothing from here on; what is due waits.  False when it was held already.

    Writes an event; does not commit.  Raises NotAllowed.
    """
    actor.require(Permission.SETTING_MANAGE)
    held = session.execute(
        update(Organisation).where(Organisation.sending_held_at.is_(None)).values(sending_held_at=now)
    )
    if not held.rowcount:  # type: ignore[attr-defined]
        return False
    record(session, actor, verb="sending_held", subject=_TheOutbox(), at=now)
    return True


def release_sending(session: Session, actor: Actor, *, now: datetime) -> bool:
    """Send again, what has waited first.  False when it was not held.

    Writes an event; does not commit.  Raises NotAllowed.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = get_organisation(session)
    since = organisation.sending_held_at
    if since is None:
        return False
    organisation.sending_held_at = None
    record(
        session, actor, verb="sending_released", subject=_TheOutbox(), at=now, detail={"held_since": since}
    )
    return True


def retry_delivery(session: Session, actor: Actor, ref: str, *, now: datetime) -> Delivery:
    """Make a failed delivery due at once, with all its tries before it again.

    Writes an event; does not commit.  Raises NotAllowed, NotFound, NotFailed.
    """
    actor.require(Permission.DELIVERY_MANAGE)
    delivery = session.scalar(select(Delivery).where(Delivery.ref == ref))
    if delivery is None:
        raise NotFound("delivery", ref)
    again = session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == DeliveryState.FAILED)
        .values(state=DeliveryState.DUE, due_at=now, attempts=0, give_up_at=None, error=None)
        .execution_options(synchronize_session=False)
    )
    if not again.rowcount:  # type: ignore[attr-defined]
        raise NotFailed
    session.refresh(delivery)
    record(session, actor, verb="retried", subject=delivery, at=now)
    return delivery
