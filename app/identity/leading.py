"""What partner managers and executives may do with the users of their own company.

They lead those of lower rank, never one of their own rank or above: what is seen never goes sideways, and
whoever was let in by the vendor beside them cannot be put out by them.  The one exception is an invitation
of their own that nobody has accepted yet.
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.kernel.actor import PARTNER_ROLES, Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotAllowed
from app.partners.models import MayInvite, PartnerAccount, PartnerState

# What leaders change of a colleague; the rest is the person's own, or the vendor's.
CHANGEABLE = ("role", "capacity", "away_until")
_FROM = {MayInvite.MANAGER: Role.MANAGER, MayInvite.EXECUTIVE: Role.EXECUTIVE}


def leads(actor: Actor, user: User) -> bool:
    """Whether the actor may change, and deactivate, that colleague."""
    is_colleague = actor.company_id is not None and user.partner_account_id == actor.company_id
    if not is_colleague or user.id == actor.user_id or not actor.can(Permission.TEAM_MANAGE):
        return False
    if user.state is UserState.DEACTIVATED:
        return False  # who comes back is the vendor's to say
    own = user.state is UserState.INVITED and user.created_by_id == actor.user_id
    return user.role.rank < actor.rank or (own and user.role.rank == actor.rank)


def roles_to_give(actor: Actor) -> list[Role]:
    """The roles up to the actor's own, from the lowest."""
    return [role for role in PARTNER_ROLES if role.rank <= actor.rank]


def may_invite(actor: Actor, partner: PartnerAccount) -> bool:
    """Whether the actor may invite colleagues, as the vendor has set it for their company."""
    since = _FROM.get(partner.may_invite)
    return since is not None and actor.can(Permission.TEAM_MANAGE) and actor.rank >= since.rank


def hold_leader(session: Session, actor: Actor, user: User | None = None) -> PartnerAccount:
    """The actor's company, held with the actor and the colleague until the transaction ends.

    The actor was read when the request began: whoever has been demoted, deactivated or suspended since is
    refused here.  Raises NotAllowed.
    """
    actor.require(Permission.TEAM_MANAGE)
    company = select(PartnerAccount).where(PartnerAccount.account_id == actor.company_id)
    people = select(User).where(User.id.in_([actor.user_id, user.id] if user else [actor.user_id]))
    people = people.order_by(User.id)
    if not is_sqlite(session):
        company, people = company.with_for_update(read=True), people.with_for_update(key_share=True)
    fresh = {"populate_existing": True}
    partner = session.scalars(company, execution_options=fresh).one()
    found = {person.id: person for person in session.scalars(people, execution_options=fresh)}
    leader = found[actor.user_id or 0]
    if partner.state is not PartnerState.ACTIVE or leader.state is not UserState.ACTIVE:
        raise NotAllowed
    if leader.role is not actor.role or leader.partner_account_id != actor.company_id:
        raise NotAllowed(_l("Your role has changed meanwhile. Reload the page."))
    return partner


def require_leading(session: Session, actor: Actor, user: User) -> None:
    """Hold both, and see that the actor may change the colleague.  Raises NotAllowed."""
    hold_leader(session, actor, user)
    if not leads(actor, user):
        raise NotAllowed(_l("You can change people whose role is below yours."))


def check_changes(actor: Actor, values: Mapping[str, Any]) -> None:
    """That a leader changes nothing else, and gives no role above their own.  Raises Invalid."""
    other = [name for name in values if name not in CHANGEABLE]
    if other:
        raise Invalid({name: [_l("This is not yours to change.")] for name in other})
    if "role" in values:
        check_role(actor, values["role"])


def check_role(actor: Actor, role: Any) -> None:
    """That the role is one of a partner's, up to the actor's own.  Raises Invalid."""
    if role not in [known.value for known in roles_to_give(actor)]:
        raise Invalid({"role": [_l("Choose one of the roles offered.")]})
