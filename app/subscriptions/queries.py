"""Which reports are mailed to somebody."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.subscriptions.models import ReportSubscription


def my_subscriptions(session: Session, actor: Actor) -> Sequence[ReportSubscription]:
    """The actor's own, by report."""
    return session.scalars(
        select(ReportSubscription)
        .where(ReportSubscription.user_id == actor.user_id)
        .order_by(ReportSubscription.report, ReportSubscription.id)
    ).all()


def find_subscription(session: Session, actor: Actor, report: str, query: str) -> ReportSubscription | None:
    """The actor's own of that report with those filters, if there is one."""
    return session.scalar(
        select(ReportSubscription).where(
            ReportSubscription.user_id == actor.user_id,
            ReportSubscription.report == report,
            ReportSubscription.query == query,
        )
    )
