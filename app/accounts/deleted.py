"""Accounts and contacts that were deleted and can still be restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.operations import RESTORABLE
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.sharing.scope import scope, scope_of_deleted

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Deleted:
    """by: who deleted it.  until: when it can be restored no more."""

    ref: str
    name: str
    deleted_at: datetime
    until: datetime
    by: str | None


def list_deleted_accounts(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """The latest SHOWN of the last 30 days, of those that the actor could change again if they were brought back.

    Raises NotAllowed.
    """
    actor.require(Permission.ACCOUNT_DELETE)
    rows = _list(session, Account, scope_of_deleted(Account, actor, Level.EDIT), now)
    return [_row(account, account.name, by) for account, by in rows]


def list_deleted_contacts(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """The same of contacts that whoever asks could delete; those that went with their account come back with it.

    Raises NotAllowed.
    """
    actor.require(Permission.CONTACT_EDIT)
    least = Level.EDIT if actor.can(Permission.ACCOUNT_DELETE) else Level.FULL
    there = Contact.account_id.in_(select(Account.id).where(scope(Account, actor, Level.READ)))
    mine = scope_of_deleted(Contact, actor, least)
    rows = _list(session, Contact, mine, now, Contact.account_id.is_(None) | there)
    return [_row(contact, contact.full_name, by) for contact, by in rows]


def _list(
    session: Session, model: Any, mine: Any, now: datetime, *more: Any
) -> Sequence[tuple[Any, str | None]]:
    rows = session.execute(
        select(model, User.name)
        .outerjoin(User, User.id == model.updated_by_id)
        .where(mine, model.deleted_at > now - RESTORABLE, *more)
        .order_by(model.deleted_at.desc(), model.id.desc())
        .limit(SHOWN)
    )
    return [(record, name) for record, name in rows]


def _row(record: Any, name: str, by: str | None) -> Deleted:
    return Deleted(record.ref, name, record.deleted_at, record.deleted_at + RESTORABLE, by)
