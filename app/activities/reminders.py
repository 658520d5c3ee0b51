"""Reminding people of what they planned: done by the worker when the moment has come."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, Participant
from app.identity.models import User, UserState
from app.kernel import clock
from app.kernel.db import reading, transaction
from app.notifications.models import NotificationKind
from app.notifications.operations import notify

AT_ONCE = 100


def give_reminders() -> bool:
    """Remind of what is due, a batch in a transaction of its own; true when there may be more."""
    now = clock.now()
    with reading() as session:  # without asking for SQLite's write lock
        if not _due(session, now, 1):
            return False
    with transaction() as session:
        return remind_due(session, now=now) == AT_ONCE


def remind_due(session: Session, *, now: datetime) -> int:
    """Tell the people of each activity whose moment has come, once; how many activities it were.

    Nobody is reminded of what is done.  What is put off afterwards reminds again.  Does not commit.
    """
    due = _due(session, now, AT_ONCE)
    people = _people_of(session, due)
    for activity in due:
        activity.reminded_at = now
        if activity.is_done or activity.remind_at is None:
            continue
        for user in people.get(activity.id, ()):
            notify(
                session,
                act=f"reminder:{activity.id}:{activity.remind_at.timestamp():.0f}:{activity.version}",
                user=user,
                kind=NotificationKind.ACTIVITY_DUE,
                now=now,
                record=activity,
            )
    return len(due)


def _due(session: Session, now: datetime, limit: int) -> Sequence[Activity]:
    """Other workers' are passed over: they are being given."""
    return session.scalars(
        select(Activity)
        .where(Activity.remind_at <= now, Activity.remind_at.is_not(None), Activity.reminded_at.is_(None))
        .order_by(Activity.remind_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def _people_of(session: Session, activities: Sequence[Activity]) -> dict[int, list[User]]:
    """Activity's key → the active people whose it is, and who take part.  Two statements."""
    keys = [activity.id for activity in activities]
    wanted = {(activity.id, activity.assignee_id) for activity in activities}
    wanted |= {
        (key, user_id)
        for key, user_id in session.execute(
            select(Participant.activity_id, Participant.user_id).where(
                Participant.activity_id.in_(keys), Participant.user_id.is_not(None)
            )
        )
    }
    users = {
        user.id: user
        for user in session.scalars(
            select(User).where(
                User.id.in_({user_id for _key, user_id in wanted}), User.state == UserState.ACTIVE
            )
        )
    }
    found: dict[int, list[User]] = {}
    for key, user_id in sorted((k, u) for k, u in wanted if u is not None and u in users):
        found.setdefault(key, []).append(users[user_id])
    return found
