"""Who is told about a lead that waits in a queue."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.kernel.actor import Role
from app.notifications.models import NotificationKind
from app.notifications.preferences import choice
from app.partners.models import PartnerAccount, PartnerState
from app.routing.models import Queue, QueueMember


def queue_recipients(session: Session, queue: Queue) -> Sequence[User]:
    """The members of a queue who are told when a lead begins to wait there, in the order of their ids.

    A partner queue tells those who chose to know, and by default its managers, or everyone where
    it has none.  Any other queue tells those who chose it.  Nobody of a suspended company, nobody
    who is not active.
    """
    members = session.scalars(
        select(User)
        .join(
            QueueMember,
            or_(
                QueueMember.user_id == User.id,
                QueueMember.account_id == User.partner_account_id,
            ),
        )
        .outerjoin(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        .where(
            QueueMember.queue_id == queue.id,
            or_(QueueMember.user_id.is_not(None), _has_rank()),
            User.state == UserState.ACTIVE,
            or_(User.partner_account_id.is_(None), PartnerAccount.state == PartnerState.ACTIVE),
        )
        .order_by(User.id)
    ).unique()
    everyone = list(members)
    if queue.partner_account_id is None:
        return [user for user in everyone if choice(user, NotificationKind.LEAD_IN_QUEUE)]
    managers = {user.id for user in everyone if user.role is Role.MANAGER} or {user.id for user in everyone}
    return [user for user in everyone if user.id in managers or choice(user, NotificationKind.LEAD_IN_QUEUE)]


def _has_rank() -> ColumnElement[bool]:
    """The member's role is at or above the one that the membership starts at."""
    return or_(
        QueueMember.minimum_rank <= 0,
        and_(QueueMember.minimum_rank <= 1, User.role.in_((Role.MANAGER, Role.EXECUTIVE))),
        User.role == Role.EXECUTIVE,
    )
