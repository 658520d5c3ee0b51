"""Verbs on a contact: create, edit, delete, restore."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.asking import Asking
from app.accounts.changes import (
    changed_columns,
    find_owner,
    is_kept,
    refuse_stale,
    store,
)
from app.accounts.consented import CONSENT_FIELDS, consent_columns, split_consent
from app.accounts.duplicates import find_contact_duplicates
from app.accounts.errors import ProbableDuplicate
from app.accounts.fields import CONTACT_FIELDS
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.queries import get_contact_and_level, may_govern
from app.accounts.reporting import leave_reports, superior_id
from app.accounts.values import clean_values, contact_keys
from app.activities.lasting import follow_record
from app.events.operations import record
from app.fields.records import read_both, read_given, split, write
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission, Role
from app.kernel.errors import InUse, Invalid, NotAllowed, NotFound
from app.kernel.records import RESTORABLE
from app.sharing.external_ids import refuse_taken
from app.sharing.scope import scope, scope_of_deleted

_ABOVE = Actor.system("reporting lines")
_RESTORING = Actor.system("restore contacts")

_IDENTIFYING = frozenset({"last_name", "first_name", "email", "phone", "mobile", "account_id"})


def create_contact(
    session: Session, actor: Actor, values: Mapping[str, Any], *, allow_duplicate: bool = False, now: datetime
) -> Contact:
    """Store a new contact.  values: field name (`fields`, `consented`, or an added one's) → what was given.

    References (`account_id`, `reports_to_id`, `owner`) are public names.  Without an account it is
    private to its owner and administrators.
    Raises NotAllowed, Invalid, ProbableDuplicate unless that is allowed.
    """
    columns = contact_columns(Asking(session, actor), values, now=now)
    if not allow_duplicate:
        matches = find_contact_duplicates(session, actor, columns)
        if matches:
            raise ProbableDuplicate(matches)
    contact = Contact(**columns)
    session.add(contact)
    session.flush()  # its id goes into the event
    record(session, actor, verb="created", subject=contact, at=now)
    return contact


def contact_columns(asking: Asking, values: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Every column of the contact that `create_contact` is to store, but its key.  Raises NotAllowed, Invalid."""
    session, actor = asking.session, asking.actor
    actor.require(Permission.CONTACT_EDIT)
    agreed, rest = split_consent(values)
    standard, own = split(rest)
    cleaned, custom = read_both(
        lambda: clean_values(CONTACT_FIELDS, standard, is_new=True),
        lambda: read_given(session, actor, "contact", own, is_new=True),
    )
    columns: dict[str, Any] = {CONTACT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    account = asking.account(cleaned.get("account_id"))
    columns["account_id"] = account.id if account else None
    columns["reports_to_id"] = superior_id(
        session, actor, None, cleaned.get("reports_to_id"), columns["account_id"]
    )
    columns["owner_user_id"] = asking.owner_id(cleaned.get("owner"))
    if account is None:
        _refuse_hiding(actor, columns["owner_user_id"])
    asking.refuse_taken(Contact, cleaned.get("external_id"))
    columns |= consent_columns(actor, None, agreed, now)
    columns |= asking.held_in_fields("contact", custom, now)
    columns |= contact_keys(columns, account.billing_country if account else None)
    by = actor.user_id
    stamps = {"created_at": now, "updated_at": now, "created_by_id": by, "updated_by_id": by}
    return {**columns, **stamps, "ref": refs.new_ref(refs.CONTACT)}


def _refuse_hiding(actor: Actor, owner_id: int) -> None:
    """Nobody makes a contact that they then could not see themselves."""
    if owner_id != actor.user_id and actor.role is not Role.ADMINISTRATOR:
        raise Invalid({"account_id": [_l("Without an account only its owner would see it; choose one.")]})


def edit_contact(
    session: Session,
    actor: Actor,
    contact_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    allow_duplicate: bool = False,
    now: datetime,
) -> Contact:
    """Change fields of a contact; those not given stay.  version: the one the edit began from, if known.

    Writes one event with old and new values; nothing when nothing changes.
    Raises NotFound, NotAllowed, Invalid, StaleEdit, ProbableDuplicate.
    """
    actor.require(Permission.CONTACT_EDIT)
    contact, given = get_contact_and_level(session, actor, contact_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    agreed, rest = split_consent(values)
    standard, own = split(rest)
    cleaned, custom = read_both(
        lambda: clean_values(CONTACT_FIELDS, standard), lambda: read_given(session, actor, "contact", own)
    )
    columns = {CONTACT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    told_refs = _resolve_references(session, actor, contact, given, cleaned, columns)
    written = write(session, "contact", contact.custom, custom, now=now)
    consented = consent_columns(actor, contact, agreed, now)
    changed = changed_columns(contact, columns) | written.columns | consented
    shown = {k: v[0] for k, v in told_refs.items()}
    refuse_stale(session, contact, version, changed, CONTACT_FIELDS | CONSENT_FIELDS, shown, written)
    if not changed:
        return contact
    if "external_id" in changed:
        refuse_taken(session, actor, Contact, changed["external_id"])
    names = {field.attribute: name for name, field in CONTACT_FIELDS.items()}
    names |= {name: name for name in agreed}
    told = {
        names[c]: told_refs.get(c, (getattr(contact, c), value)) for c, value in changed.items() if c in names
    }
    told |= written.told
    if changed.keys() & _IDENTIFYING:
        changed |= _new_keys(session, actor, contact, changed, allow_duplicate)
    store(session, actor, contact, changed, told, now)
    if "account_id" in changed:
        leave_reports(session, actor, contact, now)
        follow_record(session, contact)
    return contact


def _resolve_references(
    session: Session,
    actor: Actor,
    contact: Contact,
    given: Level,
    cleaned: Mapping[str, Any],
    columns: dict[str, Any],
) -> dict[str, tuple[Any, Any]]:
    """Put keys for public names into `columns`; answers column → (old, new) as events tell it."""
    told: dict[str, tuple[Any, Any]] = {}
    cleaned = dict(cleaned)
    for name, model in (("account_id", Account), ("reports_to_id", Contact)):
        if name in cleaned and is_kept(session, actor, model, getattr(contact, name), cleaned[name]):
            del cleaned[name], columns[name]
    if "account_id" in cleaned:
        account = Asking(session, actor).account(cleaned["account_id"])
        columns["account_id"] = account.id if account else None
        if columns["account_id"] != contact.account_id:
            _refuse_moving_user(session, contact)
            if (
                account is None
                and contact.owner_user_id != actor.user_id
                and actor.role is not Role.ADMINISTRATOR
            ):
                raise Invalid(
                    {"account_id": [_l("Without an account only its owner would see it; keep one.")]}
                )
        told["account_id"] = (_account_ref(session, contact.account_id), cleaned["account_id"])
    account_id = columns.get("account_id", contact.account_id)
    superior = cleaned.get("reports_to_id", _contact_ref(session, contact.reports_to_id))
    if "reports_to_id" in cleaned or (superior is not None and account_id != contact.account_id):
        columns["reports_to_id"] = superior_id(session, actor, contact, superior, account_id)
        new = superior if columns["reports_to_id"] is not None else None
        told["reports_to_id"] = (_contact_ref(session, contact.reports_to_id), new)
    if "owner" in cleaned:
        owner = find_owner(session, cleaned["owner"] or "")
        columns["owner_user_id"] = owner.id
        if owner.id != contact.owner_user_id and not may_govern(actor, given):
            raise NotAllowed(_l("Only its owner, channel managers and administrators change the owner."))
        told["owner_user_id"] = (session.get_one(User, contact.owner_user_id).name, owner.name)
    return told


def _account_ref(session: Session, account_id: int | None) -> str | None:
    if account_id is None:
        return None
    return session.scalar(select(Account.ref).where(scope(Account, _ABOVE), Account.id == account_id))


def _contact_ref(session: Session, contact_id: int | None) -> str | None:
    if contact_id is None:
        return None
    return session.scalar(select(Contact.ref).where(scope(Contact, _ABOVE), Contact.id == contact_id))


def _new_keys(
    session: Session, actor: Actor, contact: Contact, changed: Mapping[str, Any], allow_duplicate: bool
) -> dict[str, Any]:
    whole = {name: getattr(contact, name) for name in _IDENTIFYING} | dict(changed)
    country = None
    if whole["account_id"] is not None:
        country = session.scalar(
            select(Account.billing_country).where(scope(Account, _ABOVE), Account.id == whole["account_id"])
        )
    keys = contact_keys(whole, country)
    moved = whole["account_id"] != contact.account_id
    if not allow_duplicate and (
        moved or any(getattr(contact, name) != value for name, value in keys.items())
    ):
        matches = find_contact_duplicates(session, actor, whole | keys, except_id=contact.id)
        if matches:
            raise ProbableDuplicate(matches)
    return keys


def _refuse_moving_user(session: Session, contact: Contact) -> None:
    """A partner user never moves to another account: deactivated there, enabled anew here."""
    if _user_of(session, contact) is not None:
        raise Invalid(
            {"account_id": [_l("This contact is a partner user there. Deactivate the user first.")]}
        )


def _user_of(session: Session, contact: Contact) -> User | None:
    return session.scalar(
        select(User).where(User.contact_id == contact.id, User.state != UserState.DEACTIVATED)
    )


def delete_contact(session: Session, actor: Actor, contact_ref: str, *, now: datetime) -> Contact:
    """Take the contact out of everything, at once; its owner and whoever deletes accounts may.

    Raises NotFound, NotAllowed, InUse (it is a partner user).
    """
    actor.require(Permission.CONTACT_EDIT)
    contact, given = get_contact_and_level(session, actor, contact_ref, for_update=True)
    if not may_govern(actor, given):
        raise NotAllowed
    if _user_of(session, contact) is not None:
        raise InUse(_l("This contact is a partner user. Deactivate the user first."))
    contact.deleted_at = now
    contact.stamp(actor, now)
    record(session, actor, verb="deleted", subject=contact, at=now)
    follow_record(session, contact)
    return contact


def restore_contact(session: Session, actor: Actor, contact_ref: str, *, now: datetime) -> Contact:
    """Bring a contact back that was deleted in the last 30 days.

    Raises NotAllowed, NotFound (not deleted, too long ago, not to be seen), InUse (its account is deleted).
    """
    actor.require(Permission.CONTACT_EDIT)
    contact = session.scalar(
        select(Contact).where(
            scope_of_deleted(Contact, actor, Level.READ),
            Contact.ref == contact_ref,
            Contact.deleted_at > now - RESTORABLE,
            Contact.merged_into_id.is_(None),
        )
    )
    if contact is None:
        raise NotFound("contact", contact_ref)
    contact.deleted_at = None
    contact.stamp(actor, now)
    session.flush()
    # Only now is it told how much of it they are given: the transaction ends where that is too little.
    _contact, given = get_contact_and_level(session, actor, contact_ref)
    if not may_govern(actor, given):
        raise NotAllowed
    if contact.account_id is not None:
        _refuse_account(session, contact.account_id)
    record(session, actor, verb="restored", subject=contact, at=now)
    follow_record(session, contact)
    return contact


def _refuse_account(session: Session, account_id: int) -> None:
    """Raises InUse when the account that a contact would come back to is deleted, or a person by now."""
    found = select(Account.deleted_at, Account.kind).where(
        scope(Account, _RESTORING), Account.id == account_id
    )
    deleted_at, kind = session.execute(found).one()
    if deleted_at is not None:
        raise InUse(_l("Its account is deleted. Restore that instead."))
    if kind is AccountKind.PERSON:
        raise InUse(_l("Its account is a person by now, and a person has no contacts."))
