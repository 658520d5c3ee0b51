"""Business or person: what an account must be to become the other, and what becomes of what only one of them has."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.changes import changed_columns, store
from app.accounts.contact_operations import create_contact
from app.accounts.fields import ACCOUNT_FIELDS
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.queries import get_account
from app.accounts.values import account_keys, clean_values, person_name
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import InUse, Invalid, Stale
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

# What stands in the way does so whoever sees it.
_IN_THE_WAY = Actor.system("kinds of accounts")
PERSON_FIELDS = ("last_name", "first_name", "title", "email", "mobile")
BUSINESS_FIELDS = ("name", "site", "parent_id")


def change_kind(
    session: Session,
    actor: Actor,
    account_ref: str,
    kind: AccountKind,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Account:
    """Make a business of a person, or a person of a business; one event tells both kinds and every field.

    values: `name` of the business, or the person's fields; what is not given stays as it reads now.  What is
    known of the person stays as a contact of the business.  A business that becomes a person has no
    site and no parent any more.
    Raises NotAllowed, NotFound, Invalid, Stale, InUse (it has contacts, accounts below it, or is a partner).
    """
    actor.require(Permission.ACCOUNT_EDIT)
    account = get_account(session, actor, account_ref, Level.EDIT, for_update=True)
    if version is not None and version != account.version:
        raise Stale(_l("Somebody changed this in between. Look at it once more."))
    if account.kind is kind:
        return account
    if kind is AccountKind.PERSON:
        columns = _as_person(values)
        refuse_company(session, account)
    else:
        columns = _as_business(account, values)
    person = {name: getattr(account, name) for name in PERSON_FIELDS}
    changed = changed_columns(account, {"kind": kind, **columns})
    told = {name: (getattr(account, name), value) for name, value in changed.items()}
    whole = {name: getattr(account, name) for name in _IDENTIFYING} | changed
    changed |= account_keys(whole)
    store(session, actor, account, changed, told, now)
    if kind is AccountKind.BUSINESS and person["last_name"]:
        given = {name: value for name, value in person.items() if value}
        contact = {**given, "account_id": account.ref}
        create_contact(session, actor, contact, allow_duplicate=True, now=now)
    return account


_IDENTIFYING = (
    "name", "last_name", "first_name", "website", "email", "phone", "mobile", "site", "billing_country",
    "billing_street", "billing_city", "billing_postal_code",
)  # fmt: skip


def _as_person(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: ACCOUNT_FIELDS[name] for name in PERSON_FIELDS}
    cleaned = clean_values(fields, values, is_new=True)
    return {
        **{name: cleaned.get(name) for name in PERSON_FIELDS},
        "name": person_name(cleaned),
        "site": None,
        "parent_id": None,
    }


def _as_business(account: Account, values: Mapping[str, Any]) -> dict[str, Any]:
    given = {"name": values.get("name", account.name)}
    unknown = set(values) - {"name"}
    if unknown:
        raise Invalid({name: [_l("A business has no such field.")] for name in unknown})
    cleaned = clean_values({"name": ACCOUNT_FIELDS["name"]}, given, is_new=True)
    return {**dict.fromkeys(PERSON_FIELDS), "name": cleaned["name"]}


def refuse_company(session: Session, account: Account) -> None:
    """Raises InUse: what only a business has."""
    contacts = session.scalar(
        select(func.count())
        .select_from(Contact)
        .where(scope(Contact, _IN_THE_WAY), Contact.account_id == account.id, Contact.deleted_at.is_(None))
    )
    if contacts:
        raise InUse(_l("It has contacts, and a person has none. Move or delete them first."))
    below = session.scalar(
        select(Account.id)
        .where(scope(Account, _IN_THE_WAY), Account.parent_id == account.id, Account.deleted_at.is_(None))
        .limit(1)
    )
    if below is not None:
        raise InUse(_l("Accounts stand below it, and below a person there are none."))
    if session.get(PartnerAccount, account.id) is not None:
        raise InUse(_l("It is a partner, and a person cannot be one."))
