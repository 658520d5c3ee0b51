"""Storing accounts and contacts that a converted lead becomes, and filling what is empty of those that are there.

Whether somebody may convert is asked by whoever calls: these ask for no right to edit accounts.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.changes import store
from app.accounts.consent import CONSENT, OPT_OUTS, stricter
from app.accounts.fields import ACCOUNT_FIELDS, CONTACT_FIELDS, fields_of_kind
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.operations import refuse_name
from app.accounts.values import account_keys, clean_values, contact_keys, person_name
from app.events.operations import record
from app.fields.records import write
from app.kernel import refs
from app.kernel.actor import Actor


def store_account(
    session: Session,
    actor: Actor,
    kind: AccountKind,
    values: Mapping[str, Any],
    custom: Mapping[str, Any],
    owner_id: int,
    *,
    now: datetime,
) -> Account:
    """A new account.  values: field or opt-out → value.  Writes an event; does not commit.  Raises Invalid."""
    standard = {name: value for name, value in values.items() if name not in OPT_OUTS}
    cleaned = clean_values(fields_of_kind(kind), standard, is_new=True)
    refuse_name(session, cleaned.get("name"))
    columns: dict[str, Any] = {ACCOUNT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    if kind is AccountKind.PERSON:
        columns["name"] = person_name(cleaned)
    columns |= account_keys(columns)
    columns |= write(session, "account", None, custom, now=now).columns
    account = Account(
        ref=refs.new_ref(refs.ACCOUNT),
        kind=kind,
        category="unclassified",
        owner_user_id=owner_id,
        **{name: bool(values.get(name)) for name in OPT_OUTS},
        **_stamps(actor, now),
        **columns,
    )
    session.add(account)
    session.flush()  # its key is wanted by what hangs on it
    record(session, actor, verb="created", subject=account, at=now)
    return account


def store_contact(
    session: Session,
    actor: Actor,
    account: Account,
    values: Mapping[str, Any],
    custom: Mapping[str, Any],
    owner_id: int,
    *,
    now: datetime,
) -> Contact:
    """A new contact of an account.  As above."""
    standard = {
        name: value for name, value in values.items() if name not in (*OPT_OUTS, *CONSENT, "opted_out_by")
    }
    cleaned = clean_values(CONTACT_FIELDS, standard, is_new=True)
    columns: dict[str, Any] = {CONTACT_FIELDS[name].attribute: value for name, value in cleaned.items()}
    columns["account_id"] = account.id
    columns |= contact_keys(columns, account.billing_country)
    columns |= write(session, "contact", None, custom, now=now).columns
    contact = Contact(
        ref=refs.new_ref(refs.CONTACT),
        owner_user_id=owner_id,
        **{name: bool(values.get(name)) for name in OPT_OUTS},
        **{name: values.get(name) for name in CONSENT},
        opted_out_by=dict(values.get("opted_out_by") or {}),
        **_stamps(actor, now),
        **columns,
    )
    session.add(contact)
    session.flush()  # as above
    record(session, actor, verb="created", subject=contact, at=now)
    return contact


def _stamps(actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "created_at": now,
        "updated_at": now,
        "created_by_id": actor.user_id,
        "updated_by_id": actor.user_id,
    }


def fill_empty(
    session: Session,
    actor: Actor,
    entry: Account | Contact,
    values: Mapping[str, Any],
    custom: Mapping[str, Any],
    *,
    may_fill: bool,
    country: str | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Put values where the record has none, and opt-outs where it had not opted out; column → what stood there.

    country: of a contact's account.  may_fill: whether the actor may change the record; opt-outs become stricter whoever converts.
    Writes one event if anything changes; does not commit.
    """
    known = OPT_OUTS if isinstance(entry, Account) else (*OPT_OUTS, *CONSENT)
    kept = {name: getattr(entry, name) for name in known}
    arriving = {name: values.get(name) for name in known}
    changed: dict[str, Any] = stricter(kept, arriving, may_fill=may_fill)
    told: dict[str, tuple[Any, Any]] = {name: (kept[name], value) for name, value in changed.items()}
    if isinstance(entry, Contact) and set(changed) & set(OPT_OUTS):
        came = {name: by for name, by in (values.get("opted_out_by") or {}).items() if name in changed}
        changed["opted_out_by"] = {**entry.opted_out_by, **came}
    if may_fill:
        fields = fields_of_kind(entry.kind) if isinstance(entry, Account) else CONTACT_FIELDS
        standard = _fitting(entry, {n: v for n, v in values.items() if n in fields and v is not None})
        for name, value in clean_values(fields, standard).items():
            changed[fields[name].attribute] = value
            told[name] = (None, value)
        own = {name: value for name, value in custom.items() if entry.custom.get(name) is None}
        written = write(session, entry.__tablename__, entry.custom, own, now=now)
        changed |= written.columns
        told |= written.told
    if not changed:
        return {}
    # Kept as JSON until the conversion cannot be undone any more.
    before = {name: _plain(getattr(entry, name)) for name in changed}
    keys = _keys(entry, changed, country)
    before |= {name: getattr(entry, name) for name in keys}
    store(session, actor, entry, changed | keys, told, now)
    return before


def _fitting(entry: Account | Contact, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of those the ones that are empty; an address as a whole or not at all."""
    empty = {name: value for name, value in values.items() if getattr(entry, name, "") in (None, "")}
    address = [name for name in ACCOUNT_FIELDS if name.startswith("billing_")]
    if isinstance(entry, Account) and any(getattr(entry, name) for name in address):
        empty = {name: value for name, value in empty.items() if name not in address}
    return empty


def _keys(entry: Account | Contact, changed: Mapping[str, Any], country: str | None) -> dict[str, Any]:
    if isinstance(entry, Account):
        of_account = ("name", "website", "email", "phone", "mobile", "billing_country")
        return account_keys({name: changed.get(name, getattr(entry, name)) for name in of_account})
    names = ("first_name", "last_name", "email", "phone", "mobile")
    whole = {name: changed.get(name, getattr(entry, name)) for name in names}
    return contact_keys(whole, country)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def put_back(entry: Account | Contact, before: Mapping[str, Any]) -> None:
    """Let columns hold what they held.  Does not commit."""
    for name, value in before.items():
        setattr(entry, name, date.fromisoformat(value) if name == "consent_on" and value else value)
    entry.version += 1
