"""What was mailed, as the outbox holds it; and the links in it."""

from sqlalchemy import select

from app.identity.links import link_token
from app.identity.models import OneTimeLink
from app.notifications.models import Delivery, Notification


def mailed(session, user=None):
    """(kind, recipient, state) of each delivery, in order."""
    statement = select(Notification.kind, Delivery.recipient, Delivery.state).join(
        Delivery, Delivery.notification_id == Notification.id
    )
    if user is not None:
        statement = statement.where(Notification.user_id == user.id)
    return [tuple(map(str, row)) for row in session.execute(statement.order_by(Delivery.id))]


def last_link(session, user):
    """Path of the newest link that was mailed to the user."""
    link = session.scalars(
        select(OneTimeLink).where(OneTimeLink.user_id == user.id).order_by(OneTimeLink.id.desc())
    ).first()
    return f"/welcome/{link_token(link)}"
