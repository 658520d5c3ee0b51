"""Records that are probably the same, among those that the person may see."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.errors import Match
from app.accounts.likeness import account_reasons, contact_reasons, name_likeness
from app.accounts.lookalikes import find_candidates, shown
from app.accounts.models import Account, Contact
from app.kernel.actor import Actor

MOST_MATCHES = 5


def find_account_duplicates(
    session: Session, actor: Actor, values: Mapping[str, Any], *, except_id: int | None = None
) -> list[Match]:
    """Accounts that are probably the one at hand, those with most in common first, at most five.

    values: its columns, derived ones included (`values.account_keys`).  Two statements.  What the actor may
    not see is not looked at: the owners of such records are told later, by `care.comparing`.
    """
    return account_matches(values, find_candidates(session, actor, Account, values, except_id=except_id or 0))


def account_matches(values: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> list[Match]:
    """Which of these the account probably is, those with most in common first, at most five."""
    found = [(account_reasons(values, other), other) for other in others]
    return [
        Match(
            "account", other["ref"], other["name"], shown(other, ("site", "billing_city")), reasons,
            name_likeness(values["name"] or "", other["name"]),
        )
        for reasons, other in _closest(found)
    ]  # fmt: skip


def find_contact_duplicates(
    session: Session, actor: Actor, values: Mapping[str, Any], *, except_id: int | None = None
) -> list[Match]:
    """Contacts of the same e-mail address or phone, or called alike at the same account, at most five.

    values: columns of the contact at hand, derived ones included.  Two statements.
    """
    return contact_matches(values, find_candidates(session, actor, Contact, values, except_id=except_id or 0))


def contact_matches(values: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> list[Match]:
    """The same for a contact."""
    found = [(contact_reasons(values, other), other) for other in others]
    return [
        Match(
            "contact", other["ref"], _full_name(other), shown(other, ("title",)), reasons,
            name_likeness(_full_name(values), _full_name(other)),
        )
        for reasons, other in _closest(found)
    ]  # fmt: skip


def _closest(found: list[tuple[tuple[str, ...], Mapping[str, Any]]]) -> list[tuple[tuple[str, ...], Any]]:
    alike = [(reasons, other) for reasons, other in found if reasons]
    return sorted(alike, key=lambda each: (-len(each[0]), each[1]["id"]))[:MOST_MATCHES]


def _full_name(contact: Mapping[str, Any]) -> str:
    first: str | None = contact.get("first_name")
    return f"{first} {contact['last_name']}" if first else str(contact["last_name"])
