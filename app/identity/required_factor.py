"""Who must have a second factor, and what is left to them until they do."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.identity.queries import get_organisation
from app.identity.recovery_codes import count_codes
from app.kernel.actor import INTERNAL_ROLES, Actor, Permission, Role
from app.settings import current_settings

# Enough to set one up; the door keeps them from the rest of their profile.
_LEFT = frozenset({Permission.PROFILE_EDIT})


def required_roles(organisation: Organisation) -> frozenset[Role]:
    """The roles that the setting names; where it names none, all internal ones, but nobody in the demo.

    What the database holds decides whether this is the demo: `CANAL_DEMO` only says what to do with an
    empty one, and `make run` sets it for everybody.
    """
    named = current_settings().second_factor_of
    if named is not None:
        return named
    return frozenset() if organisation.is_demo else frozenset(INTERNAL_ROLES)


def must_have_one(user: User, organisation: Organisation) -> bool:
    """Whether the user's role asks for a second factor."""
    return user.role in required_roles(organisation)


@dataclass(frozen=True, slots=True)
class FactorState:
    """How it stands with somebody's second factor.  since: None where there is none."""

    since: datetime | None
    is_required: bool
    codes_left: int


def factor_state(session: Session, user: User) -> FactorState:
    """For the profile and the user's page."""
    is_required = must_have_one(user, get_organisation(session))
    codes_left = count_codes(session, user.id) if user.has_second_factor else 0
    return FactorState(user.second_factor_at, is_required, codes_left)


def held_back(actor: Actor, user: User, organisation: Organisation) -> Actor:
    """The actor of a browser's session, with next to no permissions while a second factor is missing."""
    if user.has_second_factor or not must_have_one(user, organisation):
        return actor
    return replace(actor, permissions=_LEFT, must_enrol=True)
