"""Which records a lead may be already: those that the converting person sees, each with the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.consent import CONSENT
from app.accounts.duplicates import find_account_duplicates, find_contact_duplicates
from app.accounts.errors import Match
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.values import account_keys, contact_keys, person_name
from app.conversion.models import FieldMapping
from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite
from app.kernel.fold import company_key, fold
from app.leads.models import Lead
from app.sharing.scope import scope

MOST_ALIKE = 50
# Reason → the fields of leads that it tells of; names are what they are called by.
_TELLS = {
    "address": ("street", "city", "postal_code"),
    "domain": ("website", "email"),
    "email": ("email",),
    "phone": ("phone", "mobile"),
}


@dataclass(frozen=True, slots=True)
class Matches:
    """Accounts and contacts that the lead probably is."""

    accounts: Sequence[Match]
    contacts: Sequence[Match]


def account_values(lead: Lead, *, is_person: bool) -> dict[str, Any]:
    """The fields of an account as the lead fills them."""
    values: dict[str, Any] = {
        "website": lead.website,
        "industry": lead.industry,
        "employees": lead.employees,
        "annual_revenue": lead.annual_revenue,
        **{
            f"billing_{name}": getattr(lead, name)
            for name in ("street", "city", "state", "postal_code", "country")
        },
    }
    if not is_person:
        return {"name": lead.company, "phone": lead.phone, **values}
    person = {
        name: getattr(lead, name) for name in ("last_name", "first_name", "title", "email", "phone", "mobile")
    }
    return {**person, **values, **_opt_outs(lead)}


def contact_values(lead: Lead) -> dict[str, Any]:
    """The fields of a contact as the lead fills them."""
    names = ("last_name", "first_name", "title", "email", "phone", "mobile")
    consent = {name: getattr(lead, name) for name in (*CONSENT, "opted_out_by")}
    return {name: getattr(lead, name) for name in names} | _opt_outs(lead) | consent


def _opt_outs(lead: Lead) -> dict[str, bool]:
    return {"opted_out_email": lead.opted_out_email, "opted_out_phone": lead.opted_out_phone}


def find_matches(session: Session, actor: Actor, lead: Lead) -> Matches:
    """What the person is shown.  Some six statements."""
    accounts: list[Match] = []
    if lead.company:
        columns = account_values(lead, is_person=False)
        compared = {**columns, **account_keys({**columns, "email": lead.email}), "kind": AccountKind.BUSINESS}
        accounts = find_account_duplicates(session, actor, compared)
    contacts: list[Match] = []
    if lead.last_name:
        columns = contact_values(lead)
        compared = {**columns, **contact_keys(columns, lead.country), "account_id": None}
        contacts = list(find_contact_duplicates(session, actor, compared))
        for match in accounts:
            key = session.scalar(
                select(Account.id).where(scope(Account, actor, Level.READ), Account.ref == match.ref)
            )
            found = find_contact_duplicates(session, actor, {**compared, "account_id": key})
            contacts += [each for each in found if all(each.ref != known.ref for known in contacts)]
    return Matches(_told(actor, accounts), _told(actor, contacts))


def _told(actor: Actor, matches: Sequence[Match]) -> Sequence[Match]:
    """As far as they tell of no field that is hidden from the actor; a name alone is a reason, nothing is none."""
    hidden = set(actor.hidden_fields)
    if actor.is_internal or not hidden:
        return matches
    told = [
        replace(
            match,
            reasons=tuple(reason for reason in match.reasons if hidden.isdisjoint(_TELLS.get(reason, ()))),
            note="" if hidden & {"city", "title"} else match.note,
        )
        for match in matches
    ]
    return [match for match in told if match.reasons]


def hold_company(session: Session, lead: Lead, *, is_person: bool) -> None:
    """Let nobody else convert a lead of that company, or person, until the transaction ends.

    On SQLite whoever writes is alone.
    """
    if is_sqlite(session):
        return
    name = person_name({"first_name": lead.first_name, "last_name": lead.last_name})
    what = f"@{lead.email_key or fold(name)}" if is_person else company_key(lead.company) or ""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"conversion {what}", 0))))


def same_company(session: Session, actor: Actor, lead: Lead, declined: Sequence[str]) -> Account | None:
    """The account of that company that was there first, of those that the person sees; none of the declined."""
    key = company_key(lead.company)
    if not key:
        return None
    return session.scalars(
        select(Account)
        .where(
            scope(Account, actor, Level.READ),
            Account.company_key == key,
            Account.kind == AccountKind.BUSINESS,
            Account.deleted_at.is_(None),
            Account.ref.not_in(declined),
        )
        .order_by(Account.id)
        .limit(1)
    ).first()


def same_person(
    session: Session, actor: Actor, lead: Lead, account: Account, declined: Sequence[str]
) -> Contact | None:
    """The contact of the account that is the lead's person: of the same address, or of the same name and no other."""
    rows = session.scalars(
        select(Contact)
        .where(
            scope(Contact, actor, Level.READ),
            Contact.account_id == account.id,
            Contact.last_name_fold == fold(lead.last_name or "", 120),
            Contact.deleted_at.is_(None),
            Contact.ref.not_in(declined),
        )
        .order_by(Contact.id)
        .limit(MOST_ALIKE)
    ).all()
    for contact in rows:
        if lead.email_key and contact.email_key == lead.email_key:
            return contact
    for contact in rows:
        same_name = fold(contact.first_name or "") == fold(lead.first_name or "")
        differs = lead.email_key and contact.email_key
        if same_name and not differs:
            return contact
    return None


def mapped_fields(session: Session, lead: Lead) -> Mapping[str, Mapping[str, Any]]:
    """Object → field of it that an administrator added → what the lead holds for it."""
    found: dict[str, dict[str, Any]] = {"account": {}, "contact": {}, "opportunity": {}}
    for row in session.scalars(select(FieldMapping)):
        value = lead.custom.get(row.lead_field)
        if value is not None:
            found[row.object][row.field] = value
    return found
