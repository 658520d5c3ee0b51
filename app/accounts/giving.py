"""Giving an account to somebody else, with its contacts where that is wanted."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.contact_operations import edit_contact
from app.accounts.models import Contact
from app.accounts.operations import edit_account
from app.accounts.queries import get_account
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope


def give_account(
    session: Session, actor: Actor, account_ref: str, owner_ref: str, along: bool, *, now: datetime
) -> int:
    """Change the owner of an account; how many records that changed.

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
    changed = 0
    for contact_ref in contacts:
        edit_contact(session, actor, contact_ref, {"owner": owner_ref}, now=now)
        changed += 1
    account = edit_account(session, actor, account_ref, {"owner": owner_ref}, now=now)
    return changed + int(account.version != version)
