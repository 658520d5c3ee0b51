"""Giving an account to somebody else, with its contacts where that is wanted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.accounts.contact_operations import edit_contact
from app.accounts.models import Account, Contact
from app.accounts.operations import edit_account
from app.accounts.queries import get_account
from app.identity.models import User
from app.identity.roles import PERMISSIONS
from app.kernel.actor import Actor, Level, Permission
from app.lists.catalogue import Given
from app.partners.models import PartnerAccount
from app.sharing.scope import scope


def give_account(
    session: Session, actor: Actor, account_ref: str, owner_ref: str, along: bool, *, now: datetime
) -> list[Given]:
    """Change the owner of an account; the records that this changed, each with the owner it had.

    along: its contacts that had the same owner go to the new one too, those that the actor sees.
    All or nothing: what one of them refuses is raised.  Does not commit.
    Raises NotFound, NotAllowed, Invalid.
    """
    account = get_account(session, actor, account_ref)
    before, version = account.owner_user_id, account.version
    contacts = []
    if along:
        # Looked up before the account goes, with which the actor may lose sight of them.
        mine = (Contact.account_id == account.id, Contact.owner_user_id == before)
        statement = select(Contact.ref).where(scope(Contact, actor, Level.READ), *mine)
        contacts = list(session.scalars(statement.order_by(Contact.id)))
    changed: list[Given] = []
    for contact_ref in contacts:
        contact = edit_contact(session, actor, contact_ref, {"owner": owner_ref}, now=now)
        if contact.owner_user_id != before:
            changed.append(Given(contact, contact.full_name, before))
    account = edit_account(session, actor, account_ref, {"owner": owner_ref}, now=now)
    if account.version != version:
        changed.append(Given(account, account.name, before))
    return changed


def contacts_along(
    session: Session, actor: Actor, accounts: Select[*tuple[Any, ...]], *, cap: int
) -> Sequence[tuple[int, int]]:
    """(owner, how many) of the contacts that would go along with the accounts, at most `cap` + 1 in all.

    accounts: select of their keys.
    """
    found = (
        select(Contact.owner_user_id)
        .join(Account, Account.id == Contact.account_id)
        .where(
            scope(Contact, actor, Level.READ),
            scope(Account, actor, Level.READ),
            Contact.account_id.in_(accounts),
            Contact.owner_user_id == Account.owner_user_id,
        )
        .limit(cap + 1)
        .subquery()
    )
    rows = session.execute(select(found.c.owner_user_id, func.count()).group_by(found.c.owner_user_id))
    return [(int(owner_id), int(count)) for owner_id, count in rows]


def unfit_for(owner: User) -> Sequence[tuple[Any, Any]]:
    """(condition, reason) of accounts that the person cannot own."""
    if Permission.PARTNER_VIEW in PERMISSIONS[owner.role]:
        return []
    reason = _l("A partner's owner is its channel manager; choose a person with that role.")
    return [(Account.id.in_(select(PartnerAccount.account_id)), reason)]
