"""The tree of accounts around one: those above it, those right below, as far as the reader sees them.

An account that one may not see is not there: nothing above it is shown, and nothing counts it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.sharing.scope import scope

DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Child:
    """An account right below.  below: how many stand right below it, counted to 1,001 at most."""

    account: Account
    below: int


def above(session: Session, actor: Actor, account: Account) -> Sequence[tuple[str, str]]:
    """(public name, name) of the accounts above, the topmost first; up to the first that is not seen."""
    if account.parent_id is None:
        return []
    start = select(Account.id, Account.parent_id, literal(0).label("step")).where(
        scope(Account, actor, Level.READ), Account.id == account.parent_id
    )
    chain = start.cte("accounts_above", recursive=True)
    chain = chain.union_all(
        select(Account.id, Account.parent_id, chain.c.step + 1).where(
            scope(Account, actor, Level.READ), Account.id == chain.c.parent_id, chain.c.step < DEEPEST
        )
    )
    rows = session.execute(
        select(Account.ref, Account.name)
        .join(chain, chain.c.id == Account.id)
        .where(scope(Account, actor, Level.READ))
        .order_by(chain.c.step.desc())
    )
    return [(ref, name) for ref, name in rows]


def right_below(
    session: Session, actor: Actor, account: Account, *, limit: int
) -> tuple[Sequence[Child], int]:
    """The accounts right below by name, at most `limit`, each with how many it has below; how many in all.

    Counted to 1,001 each.  Two statements.
    """
    found = session.scalars(
        select(Account)
        .where(scope(Account, actor, Level.READ), Account.parent_id == account.id)
        .order_by(Account.name_fold, Account.id)
        .limit(limit)
    ).all()
    if not found:
        return [], 0
    counts = _counts_below(session, actor, [account.id, *(child.id for child in found)])
    return [Child(child, counts[child.id]) for child in found], counts[account.id]


def reporting_to(
    session: Session, actor: Actor, contact: Contact, *, limit: int
) -> tuple[Sequence[Contact], int]:
    """(those who report to the contact right away, by name, at most `limit`; how many, up to 1,001)."""
    mine = (scope(Contact, actor, Level.READ), Contact.reports_to_id == contact.id)
    found = session.scalars(
        select(Contact).where(*mine).order_by(Contact.last_name_fold, Contact.id).limit(limit)
    ).all()
    if not found:
        return [], 0
    counted = select(Contact.id).where(*mine).limit(COUNT_CAP + 1).subquery()
    return found, session.scalar(select(func.count()).select_from(counted)) or 0


def _counts_below(session: Session, actor: Actor, keys: Sequence[int]) -> dict[int, int]:
    """Key → how many of those that the reader sees stand right below, each counted to the cap."""
    counts: list[Any] = [
        select(func.count())
        .select_from(
            select(Account.id)
            .where(scope(Account, actor, Level.READ), Account.parent_id == key)
            .limit(COUNT_CAP + 1)
            .subquery()
        )
        .scalar_subquery()
        for key in keys
    ]
    row = session.execute(select(*counts)).one()
    return dict(zip(keys, row, strict=True))
