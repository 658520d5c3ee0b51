"""Where the new leads of an import went, counted for people: queues and persons by name, with their company."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.kernel.actor import Actor
from app.leads.arrivals import Arrival
from app.sharing.scope import scope

MOST = 500
# Names the companies that the importing person's own rules send leads to.
_NAMING = Actor.system("import targets")


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody who got leads.  label: as shown."""

    label: str
    count: int


class Targets:
    """Counts by target.  kept: (label, count) pairs to go on from."""

    def __init__(self, kept: Iterable[Any] = ()) -> None:
        self._counts: Counter[str] = Counter(dict(kept))
        self._companies: dict[int, str] = {}

    def count(self, session: Session, arrivals: Iterable[Arrival]) -> None:
        """Add new leads, each with where it went."""
        owners = Counter((a.to.name, a.to.company_id if a.to.user is not None else None) for a in arrivals)
        self._learn(session, {company for _, company in owners if company is not None})
        for (name, company), count in owners.items():
            label = name if company is None else f"{name} · {self._companies.get(company, '')}"
            self._counts[label] += count

    def _learn(self, session: Session, companies: set[int]) -> None:
        unknown = companies - set(self._companies)
        if unknown:
            rows = session.execute(
                select(Account.id, Account.name).where(scope(Account, _NAMING), Account.id.in_(unknown))
            )
            self._companies.update((key, name) for key, name in rows)

    def most(self) -> list[Target]:
        """Most first."""
        return [Target(label, count) for label, count in self._counts.most_common(MOST)]

    def to_json(self) -> list[list[Any]]:
        """Plain values, for keeping."""
        return [[target.label, target.count] for target in self.most()]
