"""Verbs on an account: create, edit, delete, restore, name who answers for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.accounts.asking import Asking
from app.accounts.changes import (
    changed_columns,
    find_owner,
    is_kept,
    refuse_stale,
    store,
)
from app.accounts.duplicates import find_account_duplicates
from app.accounts.errors import ProbableDuplicate
from app.accounts.fields import ACCOUNT_FIELDS, fields_of_kind
from app.accounts.in_use import refuse_in_use
from app.accounts.models import Account, AccountKind, AccountResponsible, Contact
from app.accounts.naming import Naming
from app.accounts.queries import get_account, get_account_and_level, may_govern
from app.accounts.reporting import refuse_circle
from app.accounts.values import account_keys, clean_values, person_name
from app.events.operations import record
from app.fields.records import read_both, read_given, split, write
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from app.kernel.records import RESTORABLE
from app.kernel.text import clean_text
from app.partners.models import PartnerAccount
from app.sharing.external_ids import refuse_taken
from app.sharing.scope import scope, scope_of_deleted
from app.sharing.touched import touch

# Contacts go and come back with their account, those of other owners too; what is deleted has no scope.
_FOLLOWING = Actor.system("contacts follow their account")
_RESTORING = Actor.system("restore accounts")

_IDENTIFYING = frozenset(
    {
        "name", "last_name", "first_name", "website", "email", "phone", "mobile", "site", "billing_country",
        "billing_street", "billing_city", "billing_postal_code",
    }
)  # fmt: skip


def create_account(
    session: Session, actor: Actor, values: Mapping[str, Any], *, allow_duplicate: bool = False, now: datetime
) -> Account:
    """Store a new account.  values: field name → what was given; `kind` "business" (default) or "person".

    References (`parent_id`, `owner`) are public names; without `owner` it is the actor's own.
    Raises NotAllowed, Invalid, NotFound (parent), ProbableDuplicate unless that is allowed.
    """
    columns = account_columns(Asking(session, actor), values, now=now)
    if not allow_duplicate:
        matches = find_account_duplicates(session, actor, columns)
        if matches:
            raise ProbableDuplicate(matches)
    account = Account(**columns)
    session.add(account)
    session.flush()  # its id goes into the event
    record(session, actor, verb="created", subject=account, at=now)
    return account


def account_columns(asking: Asking, values: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Every column of the account that `create_account` is to store, but its key.

    Raises NotAllowed, Invalid, NotFound (parent).
    """
    session, actor = asking.session, asking.actor
    actor.require(Permission.ACCOUNT_EDIT)
    kind = _kind(values.get("kind", AccountKind.BUSINESS))
    fields = fields_of_kind(kind)
    standard, own = split({name: value for name, value in values.items() if name != "kind"})
    cleaned, custom = read_both(
        lambda: clean_values(fields, standard, is_new=True),
        lambda: read_given(session, actor, "account", own, is_new=True),
    )
    refuse_misnamed(asking.naming(), cleaned.get("name"))
    columns: dict[str, Any] = {ACCOUNT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    columns["category"] = columns.get("category") or "unclassified"
    if kind is AccountKind.PERSON:
        columns["name"] = person_name(cleaned)
    columns["owner_user_id"] = asking.owner_id(cleaned.get("owner"))
    columns["parent_id"] = _parent_id(session, actor, None, cleaned.get("parent_id"))
    asking.refuse_taken(Account, cleaned.get("external_id"))
    columns |= asking.held_in_fields("account", custom, now)
    by = actor.user_id
    stamps = {"created_at": now, "updated_at": now, "created_by_id": by, "updated_by_id": by}
    return {**columns, **account_keys(columns), **stamps, "kind": kind, "ref": refs.new_ref(refs.ACCOUNT)}


def refuse_name(session: Session, name: str | None) -> None:
    """Raises Invalid for a company's name that does not fit the patterns, where they must be kept."""
    if name is not None:
        refuse_misnamed(Naming.stored(get_organisation(session).account_naming), name)


def refuse_misnamed(naming: Naming, name: str | None) -> None:
    """The same, by these patterns."""
    complaint = naming.complaint(name) if naming.is_must and name is not None else None
    if complaint is not None:
        raise Invalid({"name": [complaint]})


def remark_on_name(session: Session, account: Account) -> Any | None:
    """What is to be said about a company's name that does not fit the patterns, where they need not be kept."""
    if account.kind is AccountKind.PERSON:
        return None
    return Naming.stored(get_organisation(session).account_naming).complaint(account.name)


def _kind(given: Any) -> AccountKind:
    try:
        return AccountKind(given)
    except ValueError as error:
        raise Invalid({"kind": [_l("An account is a business or a person.")]}) from error


def edit_account(
    session: Session,
    actor: Actor,
    account_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    allow_duplicate: bool = False,
    now: datetime,
) -> Account:
    """Change fields of an account; those not given stay.  version: the one the edit began from, if known.

    Writes one event with old and new values; nothing when nothing changes.
    Raises NotFound, NotAllowed, Invalid, StaleEdit, ProbableDuplicate.
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account, given = get_account_and_level(session, actor, account_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    fields = fields_of_kind(account.kind)
    standard, own = split(_without_kind(account, values))
    cleaned, custom = read_both(
        lambda: clean_values(fields, standard), lambda: read_given(session, actor, "account", own)
    )
    columns = {ACCOUNT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    told_refs = _resolve_references(session, actor, account, given, cleaned, columns)
    if "category" in columns:
        columns["category"] = columns["category"] or "unclassified"
    written = write(session, "account", account.custom, custom, now=now)
    changed = changed_columns(account, columns) | written.columns
    shown = {k: v[0] for k, v in told_refs.items()}
    refuse_stale(session, account, version, changed, fields, shown, written)
    if not changed:
        return account
    if "external_id" in changed:
        refuse_taken(session, actor, Account, changed["external_id"])
    told = _told(changed, account, told_refs) | written.told
    refuse_name(session, changed.get("name"))
    if changed.keys() & _IDENTIFYING:
        changed |= _new_keys(session, actor, account, changed, allow_duplicate)
    store(session, actor, account, changed, told, now)
    return account


def _without_kind(account: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    if "kind" in values and _kind(values["kind"]) is not account.kind:
        raise Invalid({"kind": [_l("A business cannot become a person, nor a person a business.")]})
    return {name: value for name, value in values.items() if name != "kind"}


def _resolve_references(
    session: Session,
    actor: Actor,
    account: Account,
    given: Level,
    cleaned: Mapping[str, Any],
    columns: dict[str, Any],
) -> dict[str, tuple[Any, Any]]:
    """Put keys for public names into `columns`; answers column → (old, new) as events tell it."""
    told: dict[str, tuple[Any, Any]] = {}
    if "parent_id" in cleaned and is_kept(session, actor, Account, account.parent_id, cleaned["parent_id"]):
        del columns["parent_id"]
    elif "parent_id" in cleaned:
        columns["parent_id"] = _parent_id(session, actor, account, cleaned["parent_id"])
        told["parent_id"] = (_ref_of(session, account.parent_id), cleaned["parent_id"])
    if "owner" in cleaned:
        owner = find_owner(session, cleaned["owner"] or "")
        columns["owner_user_id"] = owner.id
        if owner.id != account.owner_user_id:
            if not may_govern(actor, given):
                raise NotAllowed(_l("Only its owner, channel managers and administrators change the owner."))
            refuse_unfit_channel_manager(session, account, owner)
        told["owner_user_id"] = (session.get_one(User, account.owner_user_id).name, owner.name)
    return told


def _told(
    changed: Mapping[str, Any], account: Account, told_refs: Mapping[str, tuple[Any, Any]]
) -> dict[str, tuple[Any, Any]]:
    names = {field.attribute: name for name, field in ACCOUNT_FIELDS.items()}
    return {
        names[column]: told_refs.get(column, (getattr(account, column), value))
        for column, value in changed.items()
        if column in names
    }


def _new_keys(
    session: Session, actor: Actor, account: Account, changed: Mapping[str, Any], allow_duplicate: bool
) -> dict[str, Any]:
    whole = {name: getattr(account, name) for name in (*_IDENTIFYING, "name")} | dict(changed)
    more: dict[str, Any] = {}
    if account.kind is AccountKind.PERSON:
        whole["name"] = more["name"] = person_name(whole)
    keys = account_keys(whole)
    if not allow_duplicate and any(getattr(account, name) != value for name, value in keys.items()):
        compared = {**whole, **keys, "kind": account.kind}
        matches = find_account_duplicates(session, actor, compared, except_id=account.id)
        if matches:
            raise ProbableDuplicate(matches)
    return more | keys


def _parent_id(session: Session, actor: Actor, account: Account | None, parent_ref: str | None) -> int | None:
    """The parent's key.  Raises Invalid when it is the account itself, below it, or not to be seen."""
    if parent_ref is None:
        return None
    try:
        parent = get_account(session, actor, parent_ref)
    except NotFound as error:
        raise Invalid({"parent_id": [_l("There is no such account.")]}) from error
    if account is None or account.parent_id == parent.id:
        return parent.id
    refuse_circle(session, Account, account.id, parent.id)
    return parent.id


def _ref_of(session: Session, account_id: int | None) -> str | None:
    if account_id is None:
        return None
    return session.scalar(select(Account.ref).where(scope(Account, _FOLLOWING), Account.id == account_id))


def refuse_unfit_channel_manager(session: Session, account: Account, owner: User) -> None:
    """Raises Invalid where the account is a partner and that person cannot be its channel manager."""
    from app.identity.roles import PERMISSIONS

    if Permission.PARTNER_VIEW in PERMISSIONS[owner.role]:
        return
    if session.get(PartnerAccount, account.id) is not None:
        raise Invalid(
            {"owner": [_l("A partner's owner is its channel manager; choose a person with that role.")]}
        )


def delete_account(session: Session, actor: Actor, account_ref: str, *, now: datetime) -> Account:
    """Take the account and its contacts out of everything, at once; they can be restored for 30 days.

    Raises NotAllowed, NotFound, InUse (a partner account, open tasks, opportunities or cases, accounts below it).
    """
    actor.require(Permission.ACCOUNT_DELETE)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    refuse_in_use(session, actor, account)
    gone = session.scalars(
        update(Contact)
        .where(scope(Contact, _FOLLOWING), Contact.account_id == account.id, Contact.deleted_at.is_(None))
        .values(deleted_at=now, updated_at=now, version=Contact.version + 1)
        .returning(Contact.id)
        .execution_options(synchronize_session=False)
    )
    touch(session, "contact", gone)
    account.deleted_at = now
    account.stamp(actor, now)
    record(session, actor, verb="deleted", subject=account, at=now)
    return account


def restore_account(session: Session, actor: Actor, account_ref: str, *, now: datetime) -> Account:
    """Bring a deleted account back, with the contacts that went with it.

    Raises NotAllowed, NotFound (not deleted, or more than 30 days ago).
    """
    actor.require(Permission.ACCOUNT_DELETE)
    account = session.scalar(
        select(Account).where(
            scope_of_deleted(Account, actor, Level.READ),
            Account.ref == account_ref,
            Account.deleted_at > now - RESTORABLE,
            Account.merged_into_id.is_(None),
        )
    )
    if account is None:
        raise NotFound("account", account_ref)
    back = session.scalars(
        update(Contact)
        .where(
            scope(Contact, _RESTORING),
            Contact.account_id == account.id,
            Contact.deleted_at == account.deleted_at,
        )
        .values(deleted_at=None, updated_at=now, version=Contact.version + 1)
        .returning(Contact.id)
        .execution_options(synchronize_session=False)
    )
    touch(session, "contact", back)
    account.deleted_at = None
    account.stamp(actor, now)
    session.flush()
    get_account(session, actor, account_ref)  # what is there is judged by its own rules once more
    record(session, actor, verb="restored", subject=account, at=now)
    return account


def add_responsible(
    session: Session, actor: Actor, account_ref: str, user_ref: str, *, role: str = "", now: datetime
) -> AccountResponsible:
    """Make a colleague answerable for the account; it becomes part of their portfolio.

    Raises NotAllowed, NotFound, Invalid, Conflict (is one already).
    """
    account = get_governed(session, actor, account_ref)
    user = find_owner(session, user_ref)
    is_there = session.scalar(
        select(AccountResponsible.id).where(
            AccountResponsible.account_id == account.id, AccountResponsible.user_id == user.id
        )
    )
    if is_there is not None:
        raise Conflict(_l("%(name)s is responsible for it already.", name=user.name))
    responsible = AccountResponsible(
        ref=refs.new_ref(refs.MEMBER),
        account_id=account.id,
        user_id=user.id,
        role=clean_text(role, max_length=80, field="role") or "",
        created_at=now,
    )
    session.add(responsible)
    try:
        session.flush()
    except IntegrityError as error:  # somebody else has added them at this moment
        raise Conflict(_l("%(name)s is responsible for it already.", name=user.name)) from error
    record(session, actor, verb="responsible_added", subject=account, at=now, detail={"name": user.name})
    return responsible


def remove_responsible(
    session: Session, actor: Actor, account_ref: str, responsible_ref: str, *, now: datetime
) -> None:
    """Take somebody's answerability away.  Raises NotAllowed, NotFound."""
    account = get_governed(session, actor, account_ref)
    responsible = session.scalar(
        select(AccountResponsible).where(
            AccountResponsible.ref == responsible_ref, AccountResponsible.account_id == account.id
        )
    )
    if responsible is None:
        raise NotFound("responsible", responsible_ref)
    name = session.get_one(User, responsible.user_id).name
    session.delete(responsible)
    record(session, actor, verb="responsible_removed", subject=account, at=now, detail={"name": name})


def get_governed(session: Session, actor: Actor, account_ref: str) -> Account:
    actor.require(Permission.ACCOUNT_EDIT)
    account, given = get_account_and_level(session, actor, account_ref, for_update=True)
    if not may_govern(actor, given):
        raise NotAllowed
    return account
