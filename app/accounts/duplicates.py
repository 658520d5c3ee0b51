"""Records that are probably the same, among those that the person may see."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app.accounts.errors import Match
from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level
from app.kernel.fold import fold
from app.sharing.scope import scope

MOST_MATCHES = 5


def find_account_duplicates(
    session: Session, actor: Actor, keys: Mapping[str, Any], *, except_id: int | None = None
) -> list[Match]:
    """Accounts of the same name (legal form aside), website domain or phone, at most five.

    keys: the derived columns of the account at hand (`values.account_keys`).
    """
    compared = {
        "name": (Account.company_key, keys["company_key"]),
        "domain": (Account.domain, keys["domain"]),
        "phone": (Account.phone_key, keys["phone_key"]),
    }
    same = _same(compared)
    if not same:
        return []
    found = session.scalars(
        select(Account)
        .where(scope(Account, actor, Level.READ), or_(*same.values()), Account.id != (except_id or 0))
        .order_by(Account.id)
        .limit(MOST_MATCHES)
    )
    return [
        Match(
            "account",
            account.ref,
            account.name,
            account.site or account.billing_city or "",
            _reasons(account, compared),
        )
        for account in found
    ]


def find_contact_duplicates(
    session: Session, actor: Actor, values: Mapping[str, Any], *, except_id: int | None = None
) -> list[Match]:
    """Contacts of the same e-mail address or phone, or of the same name at the same account, at most five.

    values: columns of the contact at hand, derived ones included.
    """
    compared = {
        "email": (Contact.email_key, values["email_key"]),
        "phone": (Contact.phone_key, values["phone_key"]),
    }
    conditions = list(_same(compared).values())
    if values.get("account_id") is not None:
        conditions.append(
            (Contact.account_id == values["account_id"])
            & (Contact.last_name_fold == values["last_name_fold"])
        )
    if not conditions:
        return []
    found = session.scalars(
        select(Contact)
        .where(scope(Contact, actor, Level.READ), or_(*conditions), Contact.id != (except_id or 0))
        .order_by(Contact.id)
        .limit(4 * MOST_MATCHES)
    )
    matches = []
    for contact in found:
        reasons = _reasons(contact, compared)
        if _has_same_name(contact, values):
            reasons = ("name", *reasons)
        if reasons:  # brothers at one company share a last name and nothing else
            matches.append(Match("contact", contact.ref, contact.full_name, contact.title or "", reasons))
    return matches[:MOST_MATCHES]


def _same(compared: Mapping[str, tuple[Any, Any]]) -> dict[str, ColumnElement[bool]]:
    return {reason: column == value for reason, (column, value) in compared.items() if value}


def _reasons(record: Any, compared: Mapping[str, tuple[Any, Any]]) -> tuple[str, ...]:
    return tuple(
        reason
        for reason, (column, value) in compared.items()
        if value and getattr(record, column.key) == value
    )


def _has_same_name(contact: Contact, values: Mapping[str, Any]) -> bool:
    return (
        contact.account_id is not None
        and contact.account_id == values.get("account_id")
        and contact.last_name_fold == values["last_name_fold"]
        and fold(contact.first_name) == fold(values.get("first_name"))
    )
