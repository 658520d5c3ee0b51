"""Reading the outbox, for those who look after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page
from app.leads.models import Lead
from app.notifications.models import Delivery, DeliveryState, Notification, NotificationKind
from app.notifications.queries import Record, find_records, newest_first
from app.notifications.told import is_about_lead
from app.sharing.scope import scope

WAITING = (DeliveryState.DUE, DeliveryState.HELD, DeliveryState.SENDING)
# Failed for good, or refused and waiting to be tried again.
TROUBLE = "trouble"
# Of one record the latest are listed.
MOST_ABOUT_ONE = 5_000


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery.  error: for `outcomes.in_words`.  record: None where the actor may not see it."""

    ref: str
    state: DeliveryState
    kind: NotificationKind
    channel: str
    name: str
    user_ref: str
    recipient: str
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    attempts: int
    error: str | None
    record: Record | None


def list_deliveries(
    session: Session,
    actor: Actor,
    states: Sequence[str] = (),
    *,
    record: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[DeliveryRow]:
    """Deliveries in any of the states (`DeliveryState` values, or `trouble`), newest first; all when none is named.

    record: public name of a lead or account; only what is about it, and nothing where the actor may not read it.
    Raises NotAllowed, BadCursor.
    """
    actor.require(Permission.DELIVERY_MANAGE)
    statement = select(Delivery)
    if record is not None:
        statement = statement.where(_is_about(session, actor, record))
    if states:
        statement = statement.where(or_(*(_in_state(state) for state in states)))
    found, page = newest_first(
        session, actor, ["deliveries", sorted(states), record], statement, Delivery.id, cursor, limit
    )
    return Page(_rows(session, actor, found), page.older, page.newer)


def get_delivery(session: Session, actor: Actor, delivery: Delivery) -> DeliveryRow:
    """A loaded delivery as a row."""
    return _rows(session, actor, [delivery])[0]


def count_deliveries(session: Session, actor: Actor, state: str) -> int:
    """How many are in the state, at most 1,001."""
    actor.require(Permission.DELIVERY_MANAGE)
    some = select(Delivery.id).where(_in_state(state)).limit(COUNT_CAP + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _is_about(session: Session, actor: Actor, record: str) -> ColumnElement[bool]:
    """That a delivery, or the digest it is, tells of the record; nothing is, where the actor may not read it."""
    about: ColumnElement[bool] | None = None
    if refs.is_ref(refs.LEAD, record):
        key = session.scalar(select(Lead.id).where(scope(Lead, actor, Level.READ), Lead.ref == record))
        about = None if key is None else is_about_lead(session, key)
    elif refs.is_ref(refs.ACCOUNT, record):
        key = session.scalar(
            select(Account.id).where(scope(Account, actor, Level.READ), Account.ref == record)
        )
        about = and_(Notification.record_kind == "account", Notification.record_id == key)
    if about is None:
        return false()
    told = session.execute(
        select(Delivery.id, Delivery.digest_id)
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(about)
        .order_by(Delivery.id.desc())
        .limit(MOST_ABOUT_ONE)
    )
    return Delivery.id.in_({key for pair in told for key in pair if key is not None})


def _in_state(state: str) -> ColumnElement[bool]:
    if state == TROUBLE:
        refused = and_(Delivery.state.in_(WAITING), Delivery.error.is_not(None))
        return or_(Delivery.state == DeliveryState.FAILED, refused)
    return Delivery.state == DeliveryState(state)


def _rows(session: Session, actor: Actor, deliveries: Sequence[Delivery]) -> list[DeliveryRow]:
    rows = session.execute(
        select(Notification, User.name, User.ref)
        .join(User, User.id == Notification.user_id)
        .where(Notification.id.in_([delivery.notification_id for delivery in deliveries]))
    ).all()
    about = {notification.id: (notification, name, ref) for notification, name, ref in rows}
    records = find_records(session, actor, [notification for notification, _name, _ref in rows])
    return [
        DeliveryRow(
            ref=delivery.ref,
            state=delivery.state,
            kind=about[delivery.notification_id][0].kind,
            channel=delivery.channel,
            name=about[delivery.notification_id][1],
            user_ref=about[delivery.notification_id][2],
            recipient=delivery.recipient,
            created_at=delivery.created_at,
            due_at=delivery.due_at,
            sent_at=delivery.sent_at,
            attempts=delivery.attempts,
            error=delivery.error,
            record=records.get(delivery.notification_id),
        )
        for delivery in deliveries
    ]
