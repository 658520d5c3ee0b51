"""Whom a case concerns: its contact and its account, which is the contact's where there is one.

What an edit does not see it does not change: a contact that is private to somebody else stays, whoever leaves
the field empty.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.queries import get_account, get_contact
from app.cases.errors import no_such, not_of_account
from app.cases.models import Case
from app.kernel.actor import Actor, Level
from app.kernel.errors import NotFound
from app.sharing.scope import scope

# What an event tells is the public name of a record, whoever may see that.
_NAMING = Actor.system("names of parties")


@dataclass(frozen=True, slots=True)
class Parties:
    """Keys of the contact and the account that a case has."""

    contact_id: int | None
    account_id: int | None


def parties_of_new(session: Session, actor: Actor, cleaned: Mapping[str, Any]) -> Parties:
    """Those that a new case names.  Raises Invalid."""
    contact = _contact(session, actor, cleaned.get("contact_id"))
    account = _account(session, actor, cleaned.get("account_id"))
    return _fitting(contact, account)


def parties_after(session: Session, actor: Actor, case: Case, cleaned: Mapping[str, Any]) -> Parties:
    """Those that a case has after an edit.  Raises Invalid."""
    before = Parties(case.contact_id, case.account_id)
    seen = _find(session, actor, Contact, case.contact_id), _find(session, actor, Account, case.account_id)
    contact = _wanted(cleaned, "contact_id", before.contact_id, seen[0], partial(_contact, session, actor))
    account = _wanted(cleaned, "account_id", before.account_id, seen[1], partial(_account, session, actor))
    if contact is _KEPT and account is _KEPT:
        return before  # also where the contact has moved to another company since
    if account is _KEPT:
        if contact is None:
            return Parties(None, before.account_id)
        return _fitting(contact, seen[1] if "account_id" in cleaned else None)
    if contact is not _KEPT:
        return _fitting(contact, account)
    if before.contact_id is not None and seen[0] is None:  # nobody is told that there is one
        return Parties(None, account.id) if account else Parties(before.contact_id, None)
    return _fitting(seen[0], account)


_KEPT: Any = object()


def _wanted(
    cleaned: Mapping[str, Any], name: str, now: int | None, seen: Any, read: Callable[[str | None], Any]
) -> Any:
    """What an edit puts in place of a party, `_KEPT` for nothing.  seen: the party, if the actor may read it."""
    if name not in cleaned or (cleaned[name] is None and seen is None):
        return _KEPT
    wanted = read(cleaned[name])
    return _KEPT if wanted is not None and wanted.id == now else wanted


def names_of(session: Session, parties: Parties) -> dict[str, str | None]:
    """Field → public name, as events tell it."""
    return {
        "contact_id": _ref(session, Contact, parties.contact_id),
        "account_id": _ref(session, Account, parties.account_id),
    }


def _find(session: Session, actor: Actor, model: Any, key: int | None) -> Any:
    if key is None:
        return None
    return session.scalar(select(model).where(scope(model, actor, Level.READ), model.id == key))


def _contact(session: Session, actor: Actor, ref: str | None) -> Contact | None:
    try:
        return get_contact(session, actor, ref) if ref is not None else None
    except NotFound as error:
        raise no_such("contact_id") from error


def _account(session: Session, actor: Actor, ref: str | None) -> Account | None:
    try:
        return get_account(session, actor, ref) if ref is not None else None
    except NotFound as error:
        raise no_such("account_id") from error


def _fitting(contact: Contact | None, account: Account | None) -> Parties:
    """The two together; without an account that of the contact.  Raises Invalid where they do not fit."""
    if contact is None:
        return Parties(None, account.id if account else None)
    if account is not None and contact.account_id != account.id:
        raise not_of_account()
    return Parties(contact.id, contact.account_id)


def _ref(session: Session, model: Any, key: int | None) -> str | None:
    if key is None:
        return None
    return session.scalar(select(model.ref).where(scope(model, _NAMING), model.id == key))
