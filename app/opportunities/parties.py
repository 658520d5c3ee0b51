"""Who an opportunity belongs to: its account, the partner that works on it, its owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid, NotFound
from app.opportunities.errors import no_such
from app.opportunities.models import Opportunity
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.scope import scope

# What an event tells is the public name of a record, whoever may see that.
_NAMING = Actor.system("names of parties")


@dataclass(frozen=True, slots=True)
class Holding:
    """Who works on it.  rank: of the owner's role, where they are a partner's."""

    owner: User
    partner_id: int | None

    @property
    def rank(self) -> int | None:
        return self.owner.role.rank if self.owner.is_partner else None


def account_of(session: Session, actor: Actor, ref: str | None) -> Account:
    """The account that may buy.  Raises Invalid, alike for none, hidden and absent."""
    if ref is None:
        raise Invalid({"account_id": [_l("Give a value.")]})
    try:
        return get_account(session, actor, ref)
    except NotFound as error:
        raise no_such("account_id") from error


def holding_of_new(session: Session, actor: Actor, cleaned: Mapping[str, Any]) -> Holding:
    """Owner and partner of a new one; without an owner it is the actor's own.  Raises Invalid."""
    if cleaned.get("owner") is not None:
        owner = find_holder(session, cleaned["owner"])
    elif actor.user_id is not None:
        owner = session.get_one(User, actor.user_id)
    else:
        raise Invalid({"owner": [_l("Choose one of the people listed.")]})
    partner_id = partner_of(session, actor, cleaned.get("partner_account_id"))
    return fitting(owner, partner_id, named=cleaned.get("partner_account_id") is not None)


def fitting(owner: User, partner_id: int | None, *, named: bool) -> Holding:
    """The two together: a partner user brings their company.  Raises Invalid where they do not fit."""
    if not owner.is_partner:
        return Holding(owner, partner_id)
    if named and partner_id != owner.partner_account_id:
        raise Invalid({"partner_account_id": [_l("%(name)s belongs to another partner.", name=owner.name)]})
    return Holding(owner, owner.partner_account_id)


def find_holder(session: Session, ref: str | None) -> User:
    """Somebody who can own an opportunity: of the vendor, or of a partner at work.  Raises Invalid."""
    user = session.scalar(select(User).where(User.ref == ref)) if refs.is_ref(refs.USER, ref) else None
    wrong = Invalid({"owner": [_l("Choose one of the people listed.")]})
    if user is None or user.state is UserState.DEACTIVATED:
        raise wrong
    if user.is_partner:
        company = session.scalar(
            select(PartnerAccount).where(PartnerAccount.account_id == user.partner_account_id)
        )
        if user.state is not UserState.ACTIVE or company is None or company.state is not PartnerState.ACTIVE:
            raise wrong
    return user


def partner_of(session: Session, actor: Actor, ref: str | None) -> int | None:
    """Key of a partner account that the actor may read.  Raises Invalid."""
    if ref is None:
        return None
    found = session.scalar(
        select(Account.id)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor, Level.READ), Account.ref == ref)
    )
    if found is None:
        raise no_such("partner_account_id")
    return found


def ref_of(session: Session, key: int | None) -> str | None:
    """Public name of an account, for events."""
    if key is None:
        return None
    return session.scalar(select(Account.ref).where(scope(Account, _NAMING), Account.id == key))


def is_hidden(session: Session, actor: Actor, key: int | None) -> bool:
    """Whether there is an account of that key which the actor may not read: to them the field looks empty."""
    if key is None:
        return False
    seen = select(Account.id).where(scope(Account, actor, Level.READ), Account.id == key)
    return session.scalar(seen) is None


def holds(opportunity: Opportunity, holding: Holding) -> bool:
    """Whether it is theirs already."""
    return (opportunity.owner_user_id, opportunity.partner_account_id) == (
        holding.owner.id,
        holding.partner_id,
    )
