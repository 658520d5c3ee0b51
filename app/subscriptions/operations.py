"""Having a report mailed week by week, and having it no more."""

from collections.abc import Collection
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid, NotFound
from app.subscriptions.models import ReportSubscription
from app.subscriptions.weeks import next_mail

MOST = 20
LONGEST_QUERY = 1000


def subscribe(
    session: Session,
    actor: Actor,
    report: str,
    query: str,
    weekday: int,
    *,
    offered: Collection[str],
    now: datetime,
) -> ReportSubscription:
    """Have a report mailed to oneself on a day of the week; the same report again changes its day.

    offered: the names of the reports that the actor has; what is sent is asked again then.
    query: of its address, see `weeks.kept_query`.  Writes an event; does not commit.
    Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.REPORT_VIEW)
    if report not in offered:
        raise NotFound("report", report)
    if weekday not in range(7):
        raise Invalid({"weekday": [_l("Choose one of those listed.")]})
    if len(query) > LONGEST_QUERY:
        raise Invalid({"": [_l("This report has too many filters to be mailed.")]})
    user = session.scalars(select(User).where(User.id == actor.user_id).with_for_update()).one()
    own = ReportSubscription.user_id == user.id
    found = session.scalar(
        select(ReportSubscription).where(
            own, ReportSubscription.report == report, ReportSubscription.query == query
        )
    )
    if found is None:
        if (session.scalar(select(func.count(ReportSubscription.id)).where(own)) or 0) >= MOST:
            raise Invalid({"": [_l("As many reports as can be are mailed to you; stop one first.")]})
        found = ReportSubscription(
            ref=refs.new_ref(refs.SUBSCRIPTION), user_id=user.id, report=report, query=query, created_at=now
        )
        session.add(found)
    found.weekday, found.next_at = weekday, next_mail(now, weekday, user.time_zone)
    session.flush()
    detail = {"report": report, "filter": {"query": query} if query else {}, "weekday": weekday}
    record(session, actor, verb="report_subscribed", subject=user, at=now, detail=detail)
    return found


def unsubscribe(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Have a report mailed no more.  Writes an event; does not commit.  Raises NotFound for another person's too."""
    found = session.scalar(
        select(ReportSubscription).where(
            ReportSubscription.ref == ref, ReportSubscription.user_id == actor.user_id
        )
    )
    if found is None:
        raise NotFound("subscription", ref)
    session.delete(found)
    detail = {"report": found.report}
    subject = session.get_one(User, actor.user_id)
    record(session, actor, verb="report_unsubscribed", subject=subject, at=now, detail=detail)
