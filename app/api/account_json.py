"""Accounts and contacts as the API shows them, a page at a time in a constant number of statements."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind, Contact
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
    people = people_of(session, accounts)
    parents = refs_of(session, actor, Account, (account.parent_id for account in accounts))
    partners = _partners(session, [account.id for account in accounts])
    added = catalogue(session).seen(actor, "account")
    shown = []
    for account in accounts:
        body = _stamps(account, people)
        body |= {name: getattr(account, name) for name in ACCOUNT_PLAIN}
        body |= {
            "kind": account.kind,
            "parent_id": parents.get(account.parent_id or 0),
            "owner": people[account.owner_user_id],
            "custom": {name: account.custom.get(name) for name in added},
            "partner": partners.get(account.id),
        }
        if account.kind is AccountKind.PERSON:
            body |= {name: getattr(account, name) for name in PERSON_PLAIN}
        body["version"] = version_of(actor, body, account.version)
        shown.append(body)
    return shown


def contacts_json(session: Session, actor: Actor, contacts: Sequence[Contact]) -> list[dict[str, Any]]:
    """The contacts, in their order."""
    people = people_of(session, contacts)
    accounts = refs_of(session, actor, Account, (contact.account_id for contact in contacts))
    superiors = refs_of(session, actor, Contact, (contact.reports_to_id for contact in contacts))
    added = catalogue(session).seen(actor, "contact")
    shown = []
    for contact in contacts:
        body = _stamps(contact, people)
        body |= {name: getattr(contact, name) for name in CONTACT_PLAIN}
        body |= {
            "account_id": accounts.get(contact.account_id or 0),
            "reports_to_id": superiors.get(contact.reports_to_id or 0),
            "owner": people[contact.owner_user_id],
            "custom": {name: contact.custom.get(name) for name in added},
        }
        body["version"] = version_of(actor, body, contact.version)
        shown.append(body)
    return shown


def _stamps(record: Account | Contact, people: dict[int, dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": record.ref,
        "created_at": moment(record.created_at),
        "updated_at": moment(record.updated_at),
        "created_by": people.get(record.created_by_id or 0),
        "updated_by": people.get(record.updated_by_id or 0),
    }


def people_of(session: Session, records: Sequence[Account | Contact | Case]) -> dict[int, dict[str, Any]]:
    """Key → owner, creator or changer.  Only the vendor's people read accounts; they know everybody."""
    keys = {
        key
        for record in records
        for key in (record.owner_user_id, record.created_by_id, record.updated_by_id)
        if key is not None
    }
    if not keys:
        return {}
    rows = session.execute(select(User.id, User.ref, User.name).where(User.id.in_(keys)))
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
