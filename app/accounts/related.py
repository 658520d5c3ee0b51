"""What hangs on an account: its contacts, the accounts below it, who answers for it; and what pickers offer."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.filters import parse_account_query
from app.accounts.models import Account, AccountResponsible, Contact
from app.accounts.queries import Person, list_accounts
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level
from app.kernel.fold import fold
from app.sharing.scope import scope


def contacts_of(session: Session, actor: Actor, account: Account, *, limit: int) -> Sequence[Contact]:
    """The account's contacts by name, at most `limit`."""
    return session.scalars(
        select(Contact)
        .where(scope(Contact, actor, Level.READ), Contact.account_id == account.id)
        .order_by(Contact.last_name_fold, Contact.id)
        .limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class Responsible:
    """A user answerable for an account, and as what."""

    ref: str
    user: Person
    role: str


def responsibles_of(session: Session, account: Account) -> Sequence[Responsible]:
    """Who is answerable for the account, by name."""
    rows = session.execute(
        select(AccountResponsible.ref, AccountResponsible.role, User.ref, User.name)
        .join(User, User.id == AccountResponsible.user_id)
        .where(AccountResponsible.account_id == account.id)
        .order_by(User.name, User.id)
    )
    return [Responsible(ref, Person(user_ref, name), role) for ref, role, user_ref, name in rows]


def colleagues(session: Session) -> Sequence[Person]:
    """The internal people who can own accounts and contacts, by name."""
    rows = session.execute(
        select(User.ref, User.name)
        .where(User.partner_account_id.is_(None), User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    )
    return [Person(ref, name) for ref, name in rows]


def suggest_accounts(session: Session, actor: Actor, text: str, *, limit: int = 8) -> Sequence[Account]:
    """Accounts that begin with the text, by name: what a person may mean who types it."""
    if not text.strip():
        return []
    query = parse_account_query(session, actor, {"q": [text]}, "name")
    return [row.account for row in list_accounts(session, actor, query, limit=limit).items]


def accounts_named(session: Session, actor: Actor, name: str, *, limit: int) -> Sequence[Account]:
    """Accounts of exactly that name, case and accents aside."""
    return session.scalars(
        select(Account)
        .where(scope(Account, actor, Level.READ), Account.name_fold == fold(name, 255))
        .order_by(Account.id)
        .limit(limit)
    ).all()


def count_contacts_of(session: Session, actor: Actor, account: Account) -> int:
    """How many contacts of the account the actor may read."""
    statement = select(func.count(Contact.id)).where(
        scope(Contact, actor, Level.READ), Contact.account_id == account.id
    )
    return session.scalar(statement) or 0


def superiors_at(
    session: Session, actor: Actor, account: Account, *, except_id: int = 0, limit: int = 500
) -> Sequence[tuple[str, str]]:
    """(public name, name) of the account's contacts that somebody there can report to."""
    found = contacts_of(session, actor, account, limit=limit)
    return [(contact.ref, contact.full_name) for contact in found if contact.id != except_id]
