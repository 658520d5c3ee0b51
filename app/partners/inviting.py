"""A partner's manager or executive lets a colleague in, as far as the vendor allows it."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app.accounts.contact_operations import create_contact
from app.accounts.models import Account, Contact
from app.events.operations import record
from app.identity.errors import AddressTaken, field_error
from app.identity.leading import check_role, hold_leader, may_invite
from app.identity.models import STAND_IN, User, UserState
from app.identity.operations import clean_email, create_user, queue_invitation
from app.identity.queries import find_user_by_email, get_organisation
from app.kernel.actor import Actor, Permission, Role
from app.kernel.errors import NotAllowed
from app.kernel.fold import email_key
from app.kernel.text import clean_text
from app.notifications.models import NotificationKind
from app.notifications.operations import notify
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

# Partners see neither accounts nor contacts; their new user gets a contact all the same.
_INVITING = Actor.system("invitations")
# As long as each part of a contact's name.
LONGEST_NAME = 120


class InvitingIsOff(NotAllowed):
    """The vendor has not allowed it for this company, or not for people of this role."""

    message = _l("Inviting colleagues is not open to you. Whoever looks after your company can change that.")


def invite_colleague(
    session: Session, actor: Actor, *, email: str, name: str, role: str, language: str = "", now: datetime
) -> User:
    """A new user of the actor's own company with a role up to the actor's own, and their invitation.

    They get a contact of the account: the one with that address who is nobody's user, else a new one of
    the channel manager's.  An address that is another user's is answered like any other: the user stands in
    the list with a contact, which partners may be shown with their company's account, nothing is sent to the
    address, and the channel manager is told.  Writes events; does not commit.
    Raises NotAllowed, InvitingIsOff, Invalid (also for a colleague whom the actor knows of).
    """
    actor.require(Permission.TEAM_MANAGE)
    partner = hold_leader(session, actor)
    if not may_invite(actor, partner):
        raise InvitingIsOff
    organisation = get_organisation(session)
    check_role(actor, role)
    if role not in organisation.portal_roles:
        raise field_error("role", _l("Choose one of the roles offered."))
    address, called = clean_email(email), clean_text(name, max_length=LONGEST_NAME, field="name")
    if called is None:
        raise field_error("name", _l("Enter a name."))
    holder = find_user_by_email(session, email_key(address) or "")
    known = _find_colleague(session, actor, address)
    if known is not None:
        raise field_error("email", _l("%(name)s of your team has this address.", name=known.name))
    account = session.scalars(
        select(Account).where(scope(Account, _INVITING), Account.id == partner.account_id)
    ).one()
    given: dict[str, Any] = {
        "email": address,
        "name": called,
        "role": Role(role),
        "partner_account": partner,
        "language": language or actor.language,
        "time_zone": actor.time_zone,
        "contact": _contact(session, account, called, address, now),
        "now": now,
    }
    try:
        if holder is not None:
            raise AddressTaken
        user = create_user(session, actor, **given)
        queue_invitation(session, actor, user, now=now)
    except AddressTaken:  # also of two who invite it at the same moment
        user = create_user(session, actor, **given, is_stand_in=True)
        _tell_of_taken(session, actor, account, user, now)
    detail = {"name": user.name, "user": user.ref, "role": user.role}
    record(session, actor, verb="partner_user_enabled", subject=account, at=now, detail=detail)
    return user


def _find_colleague(session: Session, actor: Actor, address: str) -> User | None:
    """Whoever has the address in the actor's own list, stand-ins too: they must not be told apart."""
    wanted = email_key(address)
    colleagues = session.scalars(
        select(User)
        .where(User.partner_account_id == actor.company_id, User.state != UserState.DEACTIVATED)
        .where(or_(User.email_key == wanted, User.email_key.startswith(STAND_IN)))
        .order_by(User.id)
    )
    return next((user for user in colleagues if email_key(user.email) == wanted), None)


def _contact(session: Session, account: Account, name: str, address: str, now: datetime) -> Contact:
    """The contact of that address who is nobody's user; a new one where there is none."""
    is_user = exists().where(User.contact_id == Contact.id, User.state != UserState.DEACTIVATED)
    found = session.scalar(
        select(Contact)
        .where(
            scope(Contact, _INVITING),
            Contact.account_id == account.id,
            Contact.email_key == email_key(address),
            Contact.deleted_at.is_(None),
            ~is_user,
        )
        .order_by(Contact.id)
        .limit(1)
    )
    if found is not None:
        return found
    first, _blank, last = name.rpartition(" ")
    values = {
        "first_name": first or None,
        "last_name": last,
        "email": address,
        "account_id": account.ref,
        "owner": session.get_one(User, account.owner_user_id).ref,
    }
    return create_contact(session, _INVITING, values, allow_duplicate=True, now=now)


def _tell_of_taken(session: Session, actor: Actor, account: Account, user: User, now: datetime) -> None:
    """Record and tell the channel manager what the partner must not learn."""
    record(session, _INVITING, verb="address_taken", subject=user, at=now, detail={"invited_by": actor.ref})
    manager = session.get_one(User, account.owner_user_id)
    if manager.state is not UserState.ACTIVE:
        return
    notify(
        session,
        act=f"taken:{user.ref}",
        user=manager,
        kind=NotificationKind.ADDRESS_TAKEN,
        record=account,
        detail={"email": user.email, "who": actor.name},
        now=now,
    )


def may_invite_to(session: Session, actor: Actor) -> bool:
    """Whether the page offers inviting; the operation asks again."""
    partner = session.get(PartnerAccount, actor.company_id)
    return partner is not None and may_invite(actor, partner)
