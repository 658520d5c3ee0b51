"""Accounts and contacts as the API shows them, a page at a time in a constant number of statements."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.consent import CONSENT, OPT_OUTS
from app.accounts.models import Account, AccountKind, Contact
from app.accounts.sight import is_told
from app.api.answers import moment, version_of
from app.cases.models import Case
from app.fields.catalogue import catalogue
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.partners.models import PartnerAccount, PartnerLevel
from app.routing.models import Queue
from app.sharing.scope import scope

ACCOUNT_PLAIN = (
    "name", "account_number", "site", "phone", "website", "type", "industry", "employees", "annual_revenue",
    "billing_street", "billing_city", "billing_state", "billing_postal_code", "billing_country",
    "shipping_street", "shipping_city", "shipping_state", "shipping_postal_code", "shipping_country",
    "category", "description", "external_id",
)  # fmt: skip
PERSON_PLAIN = ("first_name", "last_name", "title", "email", "mobile")
CONTACT_PLAIN = (
    "last_name", "first_name", "title", "email", "phone", "mobile", "language", "time_zone", "description",
    "external_id",
)  # fmt: skip


def accounts_json(session: Session, actor: Actor, accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """The accounts, in their order."""
    people = people_of(session, actor, accounts)
    parents = refs_of(session, actor, Account, (account.parent_id for account in accounts))
    # Who else is a partner, and how, is the vendor's.
    partners = _partners(session, [account.id for account in accounts]) if actor.is_internal else {}
    added = catalogue(session).seen(actor, "account")
    shown = []
    for account in accounts:
        body = _stamps(account, people)
        body |= _told(actor, account, ACCOUNT_PLAIN)
        body |= {
            "kind": account.kind,
            "parent_id": parents.get(account.parent_id or 0),
            "owner": people.get(account.owner_user_id),
            "custom": {name: account.custom.get(name) for name in added},
            "partner": partners.get(account.id),
        }
        if account.kind is AccountKind.PERSON:
            body |= _told(actor, account, PERSON_PLAIN)
        body["version"] = _version(actor, body, account)
        shown.append(body)
    return shown


def contacts_json(session: Session, actor: Actor, contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """The contacts, in their order."""
    people = people_of(session, actor, contacts)
    accounts = refs_of(session, actor, Account, (contact.account_id for contact in contacts))
    superiors = refs_of(session, actor, Contact, (contact.reports_to_id for contact in contacts))
    added = catalogue(session).seen(actor, "contact")
    shown = []
    for contact in contacts:
        body = _stamps(contact, people)
        body |= _told(actor, contact, CONTACT_PLAIN)
        body |= {
            "account_id": accounts.get(contact.account_id or 0),
            "reports_to_id": superiors.get(contact.reports_to_id or 0),
            "owner": people.get(contact.owner_user_id),
            **_told(actor, contact, CONSENT),
            # Whoever may write to them must know what they want no more.
            **{name: getattr(contact, name) for name in OPT_OUTS},
            "custom": {name: contact.custom.get(name) for name in added},
        }
        if body["consent_on"] is not None:
            body["consent_on"] = body["consent_on"].isoformat()
        body["version"] = _version(actor, body, contact)
        shown.append(body)
    return shown


def _version(actor: Actor, body: dict[str, Any], record: Account | Contact) -> str:
    """What a change begins from; when somebody changed what the actor is not told is none of it."""
    told = {name: value for name, value in body.items() if name not in ("updated_at", "updated_by")}
    return version_of(actor, told, record.version)


def _stamps(record: Account | Contact, people: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": record.ref,
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
        "created_by": people.get(record.created_by_id or 0),
        "updated_by": people.get(record.updated_by_id or 0),
    }


def _told(actor: Actor, record: Account | Contact, names: Sequence[str]) -> dict[str, Any]:
    """What it holds in these fields; nothing in those that the actor is not told."""
    object_ = record.__tablename__
    return {name: getattr(record, name) if is_told(actor, object_, name) else None for name in names}


def people_of(
    session: Session, actor: Actor, records: Sequence[Account | Contact | Case]
) -> dict[int, dict[str, Any]]:
    """Key → owner, creator or changer; partner people know those of their own company alone."""
    keys = {
        key
        for record in records
        for key in (record.owner_user_id, record.created_by_id, record.updated_by_id)
        if key is not None
    }
    if not keys:
        return {}
    statement = select(User.id, User.ref, User.name).where(User.id.in_(keys))
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    rows = session.execute(statement)
    return {key: {"type": "user", "id": ref, "name": name} for key, ref, name in rows}


def refs_of(
    session: Session, actor: Actor, model: type[Account] | type[Contact], keys: Iterable[int | None]
) -> dict[int, str]:
    """Key → public name, of those that the actor may read."""
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return {}
    rows = session.execute(
        select(model.id, model.ref).where(scope(model, actor, Level.READ), model.id.in_(wanted))
    )
    return {key: ref for key, ref in rows}  # noqa: C416 - rows are no pairs to mypy


def _partners(session: Session, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not keys:
        return {}
    rows = session.execute(
        select(
            PartnerAccount.account_id,
            PartnerAccount.state,
            PartnerLevel.name,
            PartnerAccount.capacity,
            Queue.ref,
            PartnerAccount.may_invite,
        )
        .join(Queue, Queue.id == PartnerAccount.queue_id)
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        .where(PartnerAccount.account_id.in_(keys))
    )
    return {
        key: {
            "state": state,
            "level": level,
            "capacity": capacity,
            "queue_id": queue,
            "may_invite": may_invite,
        }
        for key, state, level, capacity, queue, may_invite in rows
    }
