"""What hangs on an account, as its page shows it and as its own page lets one change it.

panel = relations_of(session, actor, account)                # in the view, of an account that the actor reads
{% include "accounts/relations/_panel.html" %}               # in the page, as `relations`
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountKind
from app.accounts.relations.characteristics import Characteristic, characteristics_of
from app.accounts.relations.interests import Interest, interests_of
from app.accounts.relations.relationships import Related, count_relationships, relationships_of
from app.accounts.relations.tree import Child, above, right_below
from app.kernel.actor import Actor

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Relations:
    """relationships, interests: at most five.  …_count: of all of them, relationships up to 1,001."""

    relationships: Sequence[Related]
    relationship_count: int
    interests: Sequence[Interest]
    interest_count: int
    characteristics: Sequence[Characteristic]


def relations_of(session: Session, actor: Actor, account: Account) -> Relations:
    """Six statements at most, whatever the rows."""
    related = relationships_of(session, actor, account, limit=SHOWN)
    count = count_relationships(session, actor, account) if related else 0
    interests = sorted(interests_of(session, account), key=lambda interest: not interest.is_open)
    return Relations(
        related,
        count,
        interests[:SHOWN],
        len(interests),
        characteristics_of(session, account, limit=4 * SHOWN),
    )


@dataclass(frozen=True, slots=True)
class Tree:
    """above: (public name, name), the topmost first.  children: at most five; child_count: up to 1,001."""

    above: Sequence[tuple[str, str]]
    children: Sequence[Child]
    child_count: int
    is_possible: bool


def tree_of(session: Session, actor: Actor, account: Account) -> Tree:
    """The accounts above and right below that the actor sees.  Three statements at most."""
    if account.kind is AccountKind.PERSON:
        return Tree(above(session, actor, account), (), 0, False)
    children, count = right_below(session, actor, account, limit=SHOWN)
    return Tree(above(session, actor, account), children, count, True)
