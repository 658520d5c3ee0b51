"""What people do with their notifications."""

from datetime import datetime

from sqlalchemy import Update, update
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.notifications.models import Notification
from app.notifications.queries import NoticeRow, get_notice


def mark_read(session: Session, actor: Actor, ref: str, *, now: datetime) -> NoticeRow:
    """Note that the person has seen one of their notifications.  Does not commit.  Raises NotFound."""
    notice = get_notice(session, actor, ref)
    session.execute(_mark(actor, now).where(Notification.ref == ref))
    return notice


def mark_all_read(session: Session, actor: Actor, *, now: datetime) -> int:
    """Note that the person has seen all there are; how many were new.  Does not commit."""
    return int(session.execute(_mark(actor, now)).rowcount)  # type: ignore[attr-defined]


def _mark(actor: Actor, now: datetime) -> Update:
    return (
        update(Notification)
        .where(Notification.user_id == actor.user_id, Notification.read_at.is_(None))
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )
