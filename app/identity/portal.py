"""Which roles of partners are members of the portal.

A person whose role is no member is given nothing and stays out, by the sign-in form, an open session or a
token; what is theirs stays theirs and shows under *needs an owner*.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User, UserState
from app.identity.organisation import SUBJECT, PrmOff, lock_organisation
from app.kernel.actor import PARTNER_ROLES, Actor, Permission, Role
from app.kernel.errors import Invalid


def set_portal_roles(session: Session, actor: Actor, roles: Sequence[str], *, now: datetime) -> bool:
    """Say which partner roles are members of the portal; False when that is so already.

    Counts on the next request of every session and token.  Moves no leads.  Writes an event; does not commit.
    Raises NotAllowed, PrmOff, Invalid (none, or a role that is no partner's).
    """
    actor.require(Permission.PORTAL_PUBLISH)
    organisation = lock_organisation(session)
    if organisation.prm_enabled_at is None:
        raise PrmOff
    known = [role.value for role in PARTNER_ROLES]
    if any(role not in known for role in roles):
        raise Invalid({"portal_roles": [_l("Choose among the roles of partners.")]})
    wanted = [role for role in known if role in roles]
    if not wanted:
        raise Invalid({"portal_roles": [_l("Choose one at least: a portal of nobody cannot be used.")]})
    if wanted == organisation.portal_roles:
        return False
    changes = {"portal_roles": (organisation.portal_roles, wanted)}
    organisation.portal_roles = wanted
    organisation.version += 1
    record(session, actor, verb="portal_roles_changed", subject=SUBJECT, at=now, changes=changes)
    return True


def count_partner_people(session: Session) -> Mapping[Role, int]:
    """Role → how many partner users have it, those who left aside."""
    rows = session.execute(
        select(User.role, func.count())
        .where(User.role.in_(PARTNER_ROLES), User.state != UserState.DEACTIVATED)
        .group_by(User.role)
    ).all()
    found: dict[Role, int] = dict(rows)
    return {role: found.get(role, 0) for role in PARTNER_ROLES}
