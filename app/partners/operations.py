"""Making partners: a business account becomes a partner account, its contacts partner users."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind
from app.accounts.queries import get_account, get_contact
from app.events.operations import record
from app.identity.models import Organisation, User, UserState
from app.identity.operations import HIGHEST_CAPACITY, create_user, queue_invitation
from app.identity.queries import get_organisation
from app.identity.roles import PERMISSIONS
from app.kernel import refs
from app.kernel.actor import PARTNER_ROLES, Actor, Level, Permission, Role
from app.kernel.errors import Invalid, NotFound
from app.kernel.text import clean_text
from app.partners.errors import NoAccount, NotAPartner, OnlyBusinesses, PartnerAlready, PartnersOff, Suspended
from app.partners.models import MayInvite, PartnerAccount, PartnerLevel, PartnerState
from app.routing.models import Queue
from app.routing.partner_queues import create_partner_queue, minimum_role, narrow_partner_queue
from app.sharing.scope import scope


def enable_partner(
    session: Session,
    actor: Actor,
    account_ref: str,
    *,
    level: str | None = None,
    capacity: int | None = None,
    members_from: Role | str = Role.USER,
    may_invite: MayInvite | str = MayInvite.NOBODY,
    channel_manager: str | None = None,
    now: datetime,
) -> PartnerAccount:
    """Make a business account a partner account, with a queue of its own.

    level: public name or name of a partner level.  capacity: most open leads of all its users together,
    None for no limit.  members_from: the role from which its users are members of the queue.
    may_invite: from which role on they may invite colleagues.
    channel_manager: public name of the person who owns the account from now on; without it the owner
    stays if their role fits, else it is the actor.  Writes events; does not commit.
    Raises NotAllowed, NotFound, PartnersOff, OnlyBusinesses, PartnerAlready, Invalid.
    """
    actor.require(Permission.PARTNER_ENABLE)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    _require_prm(session)
    if account.kind is not AccountKind.BUSINESS:
        raise OnlyBusinesses
    if session.get(PartnerAccount, account.id) is not None:
        raise PartnerAlready
    found_level = _find_level(session, level)
    role = _partner_role(members_from, "members_from")
    limit = _capacity(capacity)
    inviting = _may_invite(may_invite)
    manager = _channel_manager(session, actor, account, channel_manager)
    changes: dict[str, tuple[Any, Any]] = {}
    if manager.id != account.owner_user_id:
        changes["owner"] = (session.get_one(User, account.owner_user_id).name, manager.name)
        account.owner_user_id = manager.id
    queue = create_partner_queue(session, actor, account, role=role, now=now)
    partner = PartnerAccount(
        account_id=account.id,
        state=PartnerState.ACTIVE,
        level_id=found_level.id if found_level else None,
        capacity=limit,
        may_invite=inviting,
        queue_id=queue.id,
        enabled_at=now,
        enabled_by_id=actor.user_id,
    )
    session.add(partner)
    account.stamp(actor, now)
    session.flush()  # so that a second one at the same moment speaks up here
    detail = {"level": found_level.name if found_level else None, "capacity": limit, "queue": queue.ref}
    record(session, actor, verb="partner_enabled", subject=account, at=now, changes=changes, detail=detail)
    return partner


def edit_partner(
    session: Session, actor: Actor, account_ref: str, values: Mapping[str, Any], *, now: datetime
) -> PartnerAccount:
    """Change what is agreed with a partner.  values: any of level, capacity, members_from, may_invite;
    others stay.

    Lowering the capacity moves nothing.  Writes an event; nothing when nothing changes.
    Raises NotAllowed, NotFound, NotAPartner, Invalid.
    """
    actor.require(Permission.PARTNER_ENABLE)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    partner = _get_partner(session, account)
    unknown = set(values) - {"level", "capacity", "members_from", "may_invite"}
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in sorted(unknown)})
    changes: dict[str, tuple[Any, Any]] = {}
    if "level" in values:
        level = _find_level(session, values["level"])
        before = session.get(PartnerLevel, partner.level_id) if partner.level_id else None
        if (level.id if level else None) != partner.level_id:
            changes["level"] = (before.name if before else None, level.name if level else None)
            partner.level_id = level.id if level else None
    if "capacity" in values:
        limit = _capacity(values["capacity"])
        if limit != partner.capacity:
            changes["capacity"] = (partner.capacity, limit)
            partner.capacity = limit
    if "may_invite" in values:
        inviting = _may_invite(values["may_invite"])
        if inviting is not partner.may_invite:
            changes["may_invite"] = (partner.may_invite, inviting)
            partner.may_invite = inviting
    if "members_from" in values:
        role = _partner_role(values["members_from"], "members_from")
        queue = session.get_one(Queue, partner.queue_id)
        was = minimum_role(session, queue.id, account.id)
        if narrow_partner_queue(session, actor, queue, account, role=role, now=now):
            changes["members_from"] = (was, role)
    if changes:
        account.stamp(actor, now)
        record(session, actor, verb="partner_edited", subject=account, at=now, changes=changes)
    return partner


def enable_partner_user(
    session: Session,
    actor: Actor,
    contact_ref: str,
    *,
    role: Role | str = Role.USER,
    email: str | None = None,
    name: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    now: datetime,
) -> User:
    """Make a contact of a partner account one of its users, and send the invitation.

    What is not given is taken from the contact, then from the organisation.  Writes events; does not commit.
    Raises NotAllowed, NotFound, PartnersOff, NoAccount, NotAPartner, Suspended, PartnerAlready, Invalid,
    AddressTaken.
    """
    actor.require(Permission.PARTNER_ENABLE)
    contact = get_contact(session, actor, contact_ref, for_update=True)
    organisation = _require_prm(session)
    if contact.account_id is None:
        raise NoAccount
    account = session.scalar(
        select(Account).where(scope(Account, actor, Level.READ), Account.id == contact.account_id)
    )
    if account is None:
        raise NotFound("contact", contact_ref)
    partner = _get_partner(session, account)
    if partner.state is not PartnerState.ACTIVE:
        raise Suspended
    is_user = session.scalar(
        select(User.id).where(User.contact_id == contact.id, User.state != UserState.DEACTIVATED)
    )
    if is_user is not None:
        raise PartnerAlready(_l("This contact is a partner user already."))
    address = email or contact.email
    if not address:
        raise Invalid({"email": [_l("Give the address that the invitation goes to.")]})
    user = create_user(
        session,
        actor,
        email=address,
        name=name or contact.full_name,
        role=_partner_role(role, "role"),
        partner_account=partner,
        contact=contact,
        language=language or contact.language or organisation.language,
        time_zone=time_zone or contact.time_zone or organisation.time_zone,
        now=now,
    )
    queue_invitation(session, actor, user, now=now)
    record(
        session,
        actor,
        verb="partner_user_enabled",
        subject=account,
        at=now,
        detail={"name": user.name, "user": user.ref, "role": user.role},
    )
    return user


def _require_prm(session: Session) -> Organisation:
    organisation = get_organisation(session)
    if organisation.prm_enabled_at is None:
        raise PartnersOff
    return organisation


def _get_partner(session: Session, account: Account) -> PartnerAccount:
    partner = session.get(PartnerAccount, account.id)
    if partner is None:
        raise NotAPartner
    return partner


def _find_level(session: Session, given: str | None) -> PartnerLevel | None:
    if not given:
        return None
    given = clean_text(given, field="level") or ""
    named = (
        PartnerLevel.ref == given
        if refs.is_ref(refs.LEVEL, given)
        else func.lower(PartnerLevel.name) == given.lower()
    )
    level = session.scalar(select(PartnerLevel).where(or_(named, PartnerLevel.name == given)))
    if level is None:
        raise Invalid({"level": [_l("There is no such level.")]})
    return level


def _partner_role(given: Role | str, field: str) -> Role:
    if given not in PARTNER_ROLES:
        raise Invalid({field: [_l("Choose one of the roles of partners.")]})
    return Role(given)


def _capacity(given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= HIGHEST_CAPACITY:
        raise Invalid({"capacity": [_l("Give a whole number, zero or more; leave it empty for no limit.")]})
    return given


def _may_invite(given: Any) -> MayInvite:
    if given not in set(MayInvite):
        raise Invalid({"may_invite": [_l("Choose one of those listed.")]})
    return MayInvite(given)


def _channel_manager(session: Session, actor: Actor, account: Account, given: str | None) -> User:
    if given:
        manager = (
            session.scalar(select(User).where(User.ref == given)) if refs.is_ref(refs.USER, given) else None
        )
        if manager is None or not _fits(manager):
            raise Invalid({"channel_manager": [_l("Choose a channel manager or an administrator.")]})
        return manager
    owner = session.get_one(User, account.owner_user_id)
    if _fits(owner) or actor.user_id is None:
        return owner
    return session.get_one(User, actor.user_id)


def _fits(user: User) -> bool:
    return (
        user.state is not UserState.DEACTIVATED
        and not user.is_partner
        and Permission.PARTNER_VIEW in PERMISSIONS[user.role]
    )
