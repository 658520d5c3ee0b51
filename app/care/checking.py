"""The duplicate check of forms that are being filled in: lenient about what is not valid yet, and cheap."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.duplicates import find_account_duplicates, find_contact_duplicates
from app.accounts.errors import Match
from app.accounts.models import Account
from app.accounts.naming import Naming
from app.accounts.values import account_keys, contact_keys, person_name
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.sharing.scope import scope

_READ = (
    "name", "first_name", "last_name", "website", "email", "phone", "mobile", "site", "billing_street", "billing_city",
    "billing_postal_code", "billing_country",
)  # fmt: skip


def similar_to(session: Session, actor: Actor, kind: str, given: Mapping[str, str]) -> list[Match]:
    """What is probably there already, as far as the actor may see it.  given: the form's fields as typed.

    Empty while there is nothing to compare by.  `except` names the record that is being edited.
    """
    values: dict[str, Any] = dict.fromkeys(_READ)
    for name in _READ:
        try:
            values[name] = clean_text(given.get(name), max_length=500, field=name)
        except Invalid:
            continue
    values["billing_country"] = country_code(values["billing_country"] or "")
    if kind == "contact":
        return _similar_contacts(session, actor, values, given)
    values["kind"] = "person" if given.get("kind") == "person" else "business"
    if values["kind"] == "person":
        values["name"] = person_name(values)
    values["name"] = values["name"] or ""
    compared = values | account_keys(values)
    if not any(compared[name] for name in ("company_key", "domain", "phone_key", "email")):
        return []
    found = find_account_duplicates(session, actor, compared)
    return [match for match in found if match.ref != given.get("except")]


def name_remark(session: Session, kind: str, given: Mapping[str, str]) -> Any | None:
    """What is to be said about the name of a company that does not fit the patterns; None for one that does."""
    name = given.get("name", "").strip()
    if kind != "account" or given.get("kind") == "person" or not name:
        return None
    return Naming.stored(get_organisation(session).account_naming).complaint(name)


def _similar_contacts(
    session: Session, actor: Actor, values: dict[str, Any], given: Mapping[str, str]
) -> list[Match]:
    values["last_name"] = values["last_name"] or ""
    values["account_id"] = _account_id(session, actor, given)
    compared = values | contact_keys(values, values["billing_country"])
    found = find_contact_duplicates(session, actor, compared)
    return [match for match in found if match.ref != given.get("except")]


def _account_id(session: Session, actor: Actor, given: Mapping[str, str]) -> int | None:
    """The account that the form's picker means, where that is beyond doubt."""
    picked, typed = given.get("account_id_ref", ""), given.get("account_id", "")
    statement = select(Account.id).where(scope(Account, actor, Level.READ))
    if refs.is_ref(refs.ACCOUNT, picked):
        statement = statement.where(Account.ref == picked)
    elif typed.strip() and "\x00" not in typed:
        statement = statement.where(Account.name_fold == fold(typed, 255))
    else:
        return None
    found = session.scalars(statement.limit(2)).all()
    return found[0] if len(found) == 1 else None
