"""Users: created, invited, given a role and limits; and what they set about themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.events import operations as events
from app.identity.credentials import send_invitation
from app.identity.errors import (
    AddressTaken,
    LastAdministrator,
    NotActive,
    NotInvited,
    OwnAccount,
    field_error,
)
from app.identity.leading import check_changes, check_role, require_leading
from app.identity.models import STAND_IN, AccountScope, OneTimeLink, User, UserState
from app.identity.queries import find_user_by_email
from app.identity.signing_in import lock_user
from app.kernel import refs
from app.kernel.actor import INTERNAL_ROLES, PARTNER_ROLES, Actor, Level, Permission, Role
from app.kernel.clock import zones
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotAllowed, Stale
from app.kernel.fold import email_key
from app.kernel.text import clean_text
from app.leads.models import Lead
from app.notifications.preferences import CHOOSABLE, WAYS
from app.opportunities.models import Opportunity
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

LANGUAGES = ("en", "es", "ca")
THEMES = ("auto", "light", "dark")
HIGHEST_CAPACITY = 1_000_000
EDITABLE = ("name", "role", "account_scope", "capacity", "away_until", "language", "time_zone")
# The rank of a user's role stands on each of their leads, also on those that the actor may not see.
_RANKING = Actor.system("role change")


def create_user(
    session: Session,
    actor: Actor,
    *,
    email: str,
    name: str,
    role: Role,
    now: datetime,
    partner_account: PartnerAccount | None = None,
    contact: Contact | None = None,
    language: str = "en",
    time_zone: str = "UTC",
    account_scope: AccountScope = AccountScope.ALL,
    capacity: int | None = None,
    is_stand_in: bool = False,
) -> User:
    """A user in the state invited, without a password; `queue_invitation` sends the mail.

    partner_account: makes it a partner user, who needs a partner's role.  is_stand_in: it stands in a
    partner's list for somebody whose address is another user's; nobody can ever sign in with it.  Writes an
    event; does not commit.
    Raises NotAllowed, Invalid (name, e-mail, role, language, time zone, capacity), AddressTaken.
    """
    company_id = partner_account.account_id if partner_account else None
    if actor.is_partner:
        actor.require(Permission.TEAM_MANAGE)
        check_role(actor, role)
        if company_id != actor.company_id:
            raise NotAllowed
    else:
        actor.require(managing_permission(partner_account is not None))
    address = clean_email(email)
    values = {"name": name, "role": role, "language": language, "time_zone": time_zone, "capacity": capacity}
    cleaned = _clean(values, is_partner=partner_account is not None)
    ref = refs.new_ref(refs.USER)
    user = User(
        ref=ref,
        email=address,
        email_key=f"{STAND_IN}{ref}" if is_stand_in else email_key(address),
        state=UserState.INVITED,
        account_scope=account_scope,
        partner_account_id=company_id,
        contact_id=contact.id if contact else None,
        mail_preferences={},
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **cleaned,
    )
    if find_user_by_email(session, user.email_key) is not None:
        raise AddressTaken
    try:
        with session.begin_nested():  # two who take the same address at once: the second is told so
            session.add(user)
    except IntegrityError as error:
        raise AddressTaken from error
    events.record(session, actor, verb="created", subject=user, at=now, detail={"role": role})
    return user


def queue_invitation(session: Session, actor: Actor, user: User, *, now: datetime) -> OneTimeLink:
    """Send the user a link to set a password with, for 72 hours; an older one opens nothing any more.

    Raises AddressTaken when the address is another user's: nobody is invited to be two people.
    """
    if user.is_stand_in:
        raise AddressTaken
    link = send_invitation(session, user, now=now)
    events.record(session, actor, verb="invited", subject=user, at=now)
    return link


def invite_user(session: Session, actor: Actor, *, now: datetime, **values: Any) -> User:
    """Create an internal user and send the invitation.  values: as `create_user`.

    Raises NotAllowed, Invalid, AddressTaken.
    """
    user = create_user(session, actor, now=now, **values)
    queue_invitation(session, actor, user, now=now)
    return user


def resend_invitation(session: Session, actor: Actor, user: User, *, now: datetime) -> None:
    """A new invitation for somebody who has not set a password yet.

    A partner gets the usual answer for an address that is another user's, and nothing is sent.
    Raises NotAllowed, NotInvited, AddressTaken (to the vendor's people).
    """
    require_managing(session, actor, user, managing_permission(user.is_partner))
    user = lock_user(session, user.id)
    if user.state is not UserState.INVITED:
        raise NotInvited
    if user.is_stand_in and actor.is_partner:
        events.record(session, actor, verb="invited", subject=user, at=now)
        return
    queue_invitation(session, actor, user, now=now)


def edit_user(
    session: Session,
    actor: Actor,
    user: User,
    values: Mapping[str, Any],
    *,
    now: datetime,
    version: int | None = None,
) -> User:
    """Change name, role, account scope, capacity, absence, language or time zone of a user.

    values: only what is to change; None clears capacity and absence.  version: the one they were read at.
    A change of role counts on the user's next request, and on the leads they own at once.  Writes an
    event; does not commit.
    Raises NotAllowed, NotActive (deactivated), Stale, Invalid, OwnAccount and LastAdministrator (roles).
    """
    require_managing(session, actor, user, managing_permission(user.is_partner))
    user = lock_user(session, user.id)
    if user.state is UserState.DEACTIVATED:
        raise NotActive
    if version is not None and version != user.version:
        raise Stale(_l("Somebody has changed this user meanwhile. Check the values and save again."))
    if actor.is_partner:
        check_changes(actor, values)
    cleaned = _clean(values, is_partner=user.is_partner)
    old_role = user.role
    new_role = cleaned.get("role", old_role)
    if new_role is not old_role:
        if user.id == actor.user_id:
            raise OwnAccount
        if old_role is Role.ADMINISTRATOR:
            require_another_administrator(session, user)
    _apply(session, actor, user, cleaned, now)
    if new_role is not old_role and user.is_partner:
        # Two statements, since the index of owners knows live leads only.
        for part in (Lead.deleted_at.is_(None), Lead.deleted_at.is_not(None)):
            session.execute(
                update(Lead)
                .where(scope(Lead, _RANKING), part, Lead.owner_user_id == user.id)
                .values(owner_rank=new_role.rank)
            )
        session.execute(
            update(Opportunity)
            .where(scope(Opportunity, _RANKING), Opportunity.owner_user_id == user.id)
            .values(owner_rank=new_role.rank)
        )
    return user


def edit_profile(
    session: Session, actor: Actor, user: User, values: Mapping[str, Any], *, now: datetime
) -> None:
    """What people set about themselves: name, language, time zone, theme, absence, mail preferences.

    Raises Invalid.
    """
    allowed = {"name", "language", "time_zone", "theme", "away_until", "mail_preferences"}
    if user.id != actor.user_id or set(values) - allowed:
        raise ValueError(f"not one's own to set: {sorted(set(values) - allowed)}")
    _apply(session, actor, user, _clean(values, is_partner=user.is_partner), now)


def managing_permission(is_partner: bool) -> Permission:
    """Whoever enables partners looks after their users; internal users are an administrator's."""
    return Permission.PARTNER_ENABLE if is_partner else Permission.USER_MANAGE


def require_managing(session: Session, actor: Actor, user: User, permission: Permission) -> None:
    """Raises NotAllowed unless the actor has the permission and, for partner users, sees their company.

    A partner's people need to lead the colleague instead.
    """
    if actor.is_partner:
        require_leading(session, actor, user)
        return
    actor.require(permission)
    if user.partner_account_id is None:
        return
    company = select(Account.id).where(
        scope(Account, actor, Level.READ), Account.id == user.partner_account_id
    )
    if session.scalar(company) is None:
        raise NotAllowed(_l("This person's company is not among your accounts."))


def require_another_administrator(session: Session, user: User) -> None:
    """Raises LastAdministrator when nobody but `user` is an active administrator.

    Holds the others, so that two administrators cannot take away each other's role at the same moment.
    """
    statement = (
        select(User.id)
        .where(User.role == Role.ADMINISTRATOR, User.state == UserState.ACTIVE)
        .order_by(User.id)
    )
    found = session.scalars(
        statement if is_sqlite(session) else statement.with_for_update(key_share=True)
    ).all()
    if set(found) <= {user.id}:
        raise LastAdministrator


def clean_email(email: str) -> str:
    """The address as it is kept, as typed but for blanks.  Raises Invalid when no mail can go there."""
    from email_validator import EmailNotValidError, validate_email

    text = clean_text(email, max_length=320, field="email")
    if text is None:
        raise field_error("email", _l("Enter an e-mail address."))
    try:
        checked = validate_email(text, check_deliverability=False, allow_domain_literal=False)
    except EmailNotValidError:
        raise field_error("email", _l("This is not a whole e-mail address.")) from None
    return checked.normalized


def _apply(session: Session, actor: Actor, user: User, cleaned: Mapping[str, Any], now: datetime) -> None:
    changes = {
        name: (getattr(user, name), value) for name, value in cleaned.items() if getattr(user, name) != value
    }
    if not changes:
        return
    for name, (_old, value) in changes.items():
        setattr(user, name, value)
    user.updated_at = now
    user.updated_by_id = actor.user_id
    user.version += 1
    events.record(session, actor, verb="edited", subject=user, at=now, changes=changes)


def _clean(values: Mapping[str, Any], *, is_partner: bool) -> dict[str, Any]:
    """The values as they are stored.  Raises Invalid with all complaints at once."""
    errors: dict[str, list[Any]] = {}
    cleaned: dict[str, Any] = {}
    for name, value in values.items():
        try:
            cleaned[name] = _clean_one(name, value, is_partner=is_partner)
        except Invalid as error:
            for field, messages in error.errors.items():
                errors.setdefault(field, []).extend(messages)
    if errors:
        raise Invalid(errors)
    return cleaned


def _clean_one(name: str, value: Any, *, is_partner: bool) -> Any:
    if name == "name":
        text = clean_text(value, max_length=200, field=name)
        if text is None:
            raise field_error(name, _l("Enter a name."))
        return text
    if name == "role":
        return _clean_role(value, is_partner=is_partner)
    if name == "account_scope":
        return _clean_scope(value, is_partner=is_partner)
    if name == "capacity" and value is not None and not _is_number(value, 0, HIGHEST_CAPACITY):
        raise field_error(name, _l("Enter a whole number from 0 to %(limit)s.", limit=HIGHEST_CAPACITY))
    if (
        name == "away_until"
        and value is not None
        and (not isinstance(value, datetime) or value.tzinfo is None)
    ):
        raise field_error(name, _l("Enter a date and time."))
    if name == "mail_preferences":
        return {kind: choice for kind, choice in value.items() if kind in CHOOSABLE and choice in WAYS}
    if name == "language" and value not in LANGUAGES:
        raise field_error(name, _l("Choose one of the languages offered."))
    if name == "theme" and value not in THEMES:
        raise field_error(name, _l("Choose one of the themes offered."))
    if name == "time_zone" and value not in zones():
        raise field_error(name, _l("Choose a time zone from the list."))
    return value


def _clean_role(value: Any, *, is_partner: bool) -> Role:
    for role in PARTNER_ROLES if is_partner else INTERNAL_ROLES:
        if value == role.value:
            return role
    raise field_error("role", _l("Choose one of the roles offered."))


def _clean_scope(value: Any, *, is_partner: bool) -> AccountScope:
    try:
        chosen = AccountScope(value)
    except ValueError:
        raise field_error("account_scope", _l("Choose one of the scopes offered.")) from None
    if is_partner and chosen is not AccountScope.ALL:
        raise field_error("account_scope", _l("Only internal users have an account scope."))
    return chosen


def _is_number(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
