"""Writing the weekly mails that are due, each exactly once.

The mail is a notification whose act names the subscription and the day, written in the transaction that moves the
subscription on to its next week: a worker that is killed in between has done neither.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.identity.queries import find_actor
from app.notifications.apart import write_each
from app.notifications.models import Notification, NotificationKind
from app.notifications.mornings import local_day
from app.notifications.operations import notify
from app.subscriptions.models import ReportSubscription
from app.subscriptions.standing import needs_attention
from app.subscriptions.weeks import next_mail


def write_report_mails() -> bool:
    """Write those that are due, each in a transaction of its own; true when there may be more."""
    return write_each(due, write_report_mail, "weekly report")


def due(session: Session, *, now: datetime, limit: int) -> Sequence[int]:
    """The subscriptions whose morning has come; none while sending is held."""
    if session.scalar(select(Organisation.sending_held_at)) is not None:
        return ()
    return session.scalars(
        select(ReportSubscription.id)
        .where(ReportSubscription.next_at <= now)
        .order_by(ReportSubscription.next_at, ReportSubscription.id)
        .limit(limit)
    ).all()


def write_report_mail(session: Session, key: int, *, now: datetime) -> bool:
    """Put one mail into the outbox and move the subscription on; whether there is one.  Does not commit.

    Weeks that were missed are left out.  Who may not sign in now gets none, and is asked again next week.
    Of a report that cannot be told as it was asked for any more one mail says so, and no other follows.
    """
    found = session.scalar(
        select(ReportSubscription)
        .where(ReportSubscription.id == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None or found.next_at > now:
        return False  # another worker was here, or it was stopped
    user = session.get_one(User, found.user_id)
    day = local_day(found.next_at, user.time_zone)
    found.next_at = next_mail(now, found.weekday, user.time_zone)
    actor = find_actor(session, user.id, door="mail")
    if actor is None:
        return False
    act = f"report:{found.id}:{day.isoformat()}"
    if needs_attention(session, actor, found):
        act = f"report:{found.id}:stopped"
        if session.scalar(select(Notification.id).where(Notification.act == act)) is not None:
            return False
    notify(
        session,
        act=act,
        user=user,
        kind=NotificationKind.REPORT_MAIL,
        now=now,
        detail={"subscription": found.ref, "report": found.report, "query": found.query},
    )
    return True
