"""Which members of a queue are told of what comes into it."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Text, and_, case, cast, or_, select
from sqlalchemy.orm import Session

from app.identity.membership import is_member
from app.identity.models import Organisation, User, UserState
from app.kernel.actor import PARTNER_ROLES, Role
from app.notifications.models import NotificationKind
from app.notifications.preferences import DIGEST, MAIL, choice
from app.routing.models import Queue, QueueMember


def partner_queue_listeners(session: Session, queue: Queue) -> Sequence[User]:
    """Members of a partner queue who are told of arrivals: those who chose it, else managers, else everyone."""
    members = session.scalars(
        select(User)
        .join(QueueMember, QueueMember.account_id == User.partner_account_id)
        .join(Organisation, is_member(User.role))
        .where(QueueMember.queue_id == queue.id, User.state == UserState.ACTIVE, _reaches_rank())
        .order_by(User.id)
    ).all()
    chosen = [u for u in members if choice(u, NotificationKind.LEAD_IN_QUEUE) in (MAIL, DIGEST)]
    undecided = [u for u in members if NotificationKind.LEAD_IN_QUEUE not in u.mail_preferences]
    if chosen:
        return chosen
    leaders = [u for u in undecided if u.role is not Role.USER]
    return leaders or undecided


def members_who_asked(session: Session, queue: Queue) -> Sequence[User]:
    """Members of a queue of the vendor's who chose to be told of what comes into it; else nobody is."""
    by_company = and_(
        QueueMember.account_id == User.partner_account_id, _reaches_rank(), is_member(User.role)
    )
    members = session.scalars(
        select(User)
        .join(Organisation, Organisation.id == 1)
        .join(QueueMember, or_(QueueMember.user_id == User.id, by_company))
        .where(QueueMember.queue_id == queue.id, User.state == UserState.ACTIVE)
        .where(cast(User.mail_preferences, Text).contains(f'"{NotificationKind.LEAD_IN_QUEUE.value}"'))
        .order_by(User.id)
    ).unique()
    return [u for u in members if choice(u, NotificationKind.LEAD_IN_QUEUE) in (MAIL, DIGEST)]


def _reaches_rank() -> ColumnElement[bool]:
    """That the user's role is at least the rank that the membership asks for."""
    rank = case({role.value: role.rank for role in PARTNER_ROLES}, value=User.role, else_=-1)
    return rank >= QueueMember.minimum_rank
