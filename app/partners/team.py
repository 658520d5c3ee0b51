"""A partner's own people, as their managers and executives see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.leading import leads as may_lead
from app.identity.leading import may_invite, roles_to_give
from app.identity.models import User, UserState
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Permission, Role
from app.kernel.errors import NotAllowed, NotFound
from app.partners.models import PartnerAccount
from app.partners.queries import Member, open_by_owner
from app.sharing.scope import scope

# Partners see no accounts; who looks after them at the vendor's is theirs to know.
_LOOKING_AFTER = Actor.system("who looks after a partner")


@dataclass(frozen=True, slots=True)
class Team:
    """The people, and what the actor may do.  led: keys of those whom the actor may change.

    manager: name and address of whoever looks after the company at the vendor's.
    """

    members: Sequence[Member]
    led: frozenset[int]
    may_invite: bool
    manager: tuple[str, str] | None


def my_team(session: Session, actor: Actor) -> Team:
    """The active and invited users of the actor's own company.  Four statements.

    Numbers of leads stand only beside those whose leads the actor may see: their own and those of lower rank.
    """
    actor.require(Permission.TEAM_VIEW)
    users = session.scalars(
        select(User)
        .where(User.partner_account_id == actor.company_id, User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    ).all()
    open_leads = open_by_owner(session, actor, [user.id for user in users])
    partner = session.get(PartnerAccount, actor.company_id)
    return Team(
        members=[_team_member(actor, user, open_leads) for user in users],
        led=frozenset(user.id for user in users if may_lead(actor, user)),
        may_invite=partner is not None and may_invite(actor, partner),
        manager=_manager(session, actor),
    )


def _team_member(actor: Actor, user: User, open_leads: Mapping[int, tuple[int, int]]) -> Member:
    if user.id != actor.user_id and user.role.rank >= actor.rank:
        return Member(user, None, None, is_seen=False)
    return Member(user, *open_leads.get(user.id, (0, 0)))


def _manager(session: Session, actor: Actor) -> tuple[str, str] | None:
    row = session.execute(
        select(User.name, User.email)
        .join(Account, Account.owner_user_id == User.id)
        .where(scope(Account, _LOOKING_AFTER), Account.id == actor.company_id)
        .where(User.state == UserState.ACTIVE)
    ).first()
    return (row[0], row[1]) if row else None


def get_led(session: Session, actor: Actor, ref: str) -> User:
    """A colleague whom the actor may change.

    Raises NotFound (of another company, or deactivated: neither is in the team), NotAllowed.
    """
    actor.require(Permission.TEAM_MANAGE)
    user = session.scalar(
        select(User).where(
            User.ref == ref,
            User.partner_account_id == actor.company_id,
            User.state != UserState.DEACTIVATED,
        )
    )
    if user is None:
        raise NotFound("user", ref)
    if not may_lead(actor, user):
        raise NotAllowed
    return user


def offered_roles(session: Session, actor: Actor, present: Role | None = None) -> list[Role]:
    """The roles that the actor may give and whose people can sign in; `present` stays among them."""
    members = get_organisation(session).portal_roles
    return [role for role in roles_to_give(actor) if role.value in members or role is present]
