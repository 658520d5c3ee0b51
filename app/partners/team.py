"""A partner's own people, as their managers and executives see them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.kernel.actor import Actor, Permission
from app.partners.queries import Member, open_by_owner


def my_team(session: Session, actor: Actor) -> Sequence[Member]:
    """The active and invited users of the actor's own company.

    Numbers of leads stand only beside those whose leads the actor may see: their own and those of lower rank.
    """
    actor.require(Permission.TEAM_VIEW)
    users = session.scalars(
        select(User)
        .where(User.partner_account_id == actor.company_id, User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    ).all()
    leads = open_by_owner(session, actor, [user.id for user in users])
    return [_team_member(actor, user, leads) for user in users]


def _team_member(actor: Actor, user: User, leads: Mapping[int, tuple[int, int]]) -> Member:
    if user.id != actor.user_id and user.role.rank >= actor.rank:
        return Member(user, None, None, is_seen=False)
    return Member(user, *leads.get(user.id, (0, 0)))
