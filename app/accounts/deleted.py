"""Accounts and contacts that were deleted and can still be restored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level, Permission
from app.lists.deleted import Deleted, latest_deleted
from app.sharing.scope import scope, scope_of_deleted


def list_deleted_accounts(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """Those that the actor could change again if they were brought back.  Raises NotAllowed."""
    actor.require(Permission.ACCOUNT_DELETE)
    mine = scope_of_deleted(Account, actor, Level.EDIT)
    return latest_deleted(session, Account, mine, name=lambda account: account.name, now=now)


def list_deleted_contacts(session: Session, actor: Actor, *, now: datetime) -> Sequence[Deleted]:
    """The same of contacts that whoever asks could delete; those that went with their account come back with it.

    Raises NotAllowed.
    """
    actor.require(Permission.CONTACT_EDIT)
    least = Level.EDIT if actor.can(Permission.ACCOUNT_DELETE) else Level.FULL
    there = Contact.account_id.in_(select(Account.id).where(scope(Account, actor, Level.READ)))
    mine = scope_of_deleted(Contact, actor, least)
    with_account = Contact.account_id.is_(None) | there
    return latest_deleted(
        session, Contact, mine, with_account, name=lambda contact: contact.full_name, now=now
    )
