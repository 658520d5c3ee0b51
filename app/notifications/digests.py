"""Gathering what people read once a day into one mail each, exactly once per person and day.

The lines of a digest are deliveries of the channel "digest" that are held until their recipient's next
morning.  The mail that tells them is a notification of its own whose act names the day, so that the
database refuses a second one, whatever clocks and other workers do.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Subquery, literal_column, select, text, update
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.kernel.db import Moment, is_sqlite
from app.notifications.apart import write_each
from app.notifications.models import Delivery, Notification
from app.notifications.models import NotificationKind as Kind
from app.notifications.mornings import local_day, morning_of, next_morning
from app.notifications.operations import notify

_QUIETLY = {"synchronize_session": False}


def write_digests() -> bool:
    """Write the digests that are due, each in a transaction of its own; true when there may be more."""
    return write_each(people_due, write_digest, "daily digest")


def people_due(session: Session, *, now: datetime, limit: int) -> Sequence[int]:
    """Whose morning has come and who has something to read; nobody while sending is held."""
    if session.scalar(select(Organisation.sending_held_at)) is not None:
        return ()
    due = _lines_due(session, now)
    return session.scalars(
        select(Notification.user_id)
        .join(due, due.c.notification_id == Notification.id)
        .distinct()
        .limit(limit)
    ).all()


def write_digest(session: Session, user_id: int, *, now: datetime) -> int | None:
    """Put what waits for the person into one mail, due at once; the key of its delivery, None for none.

    When the day has its digest already, what has come since waits for the next morning.  Does not commit.
    """
    user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
    due = _lines_due(session, now)
    waiting = session.scalars(
        select(due.c.id)
        .join(Notification, Notification.id == due.c.notification_id)
        .where(Notification.user_id == user.id)
    ).all()
    if not waiting:
        return None  # another worker was here
    day = local_day(now, user.time_zone)
    act = f"digest:{day.isoformat()}"
    of_the_day = select(Notification.id).where(
        Notification.act == act, Notification.user_id == user.id, Notification.kind == Kind.DAILY_DIGEST
    )
    if session.scalar(of_the_day) is not None:
        later = max(next_morning(now, user.time_zone), morning_of(day + timedelta(days=1), user.time_zone))
        _update(session, waiting, {"due_at": later})
        return None
    notification = notify(session, act=act, user=user, kind=Kind.DAILY_DIGEST, now=now)
    mail_id = session.scalars(select(Delivery.id).where(Delivery.notification_id == notification.id)).one()
    _update(session, waiting, {"digest_id": mail_id})
    return mail_id


def _lines_due(session: Session, now: datetime) -> Subquery:
    """The lines whose morning has come and that no digest tells yet; as in `outbox`, by the index of what is due."""
    index = " INDEXED BY ix_delivery_due" if is_sqlite(session) else ""
    return (
        select(
            literal_column("delivery.id").label("id"),
            literal_column("delivery.notification_id").label("notification_id"),
        )
        .select_from(text("delivery" + index))
        .where(text("delivery.state IN ('due','held','sending')"), text("delivery.state = 'held'"))
        .where(text("delivery.channel = 'digest'"), text("delivery.digest_id IS NULL"))
        .where(literal_column("delivery.due_at", Moment) <= now)
        .subquery("due")
    )


def _update(session: Session, ids: Sequence[int], values: dict[str, object]) -> None:
    session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**values), execution_options=_QUIETLY)
