"""What a partner's person reads, told from what is counted: leads of their own and of those whom they lead.

Of these they read every one that is not just offered, whatever else would give it (`sharing.rules`), so that leads as they
were counted last are theirs by their owner alone.  What changed since, what is won, for which they must see the
opportunity, and what they are given beside, is looked at as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union,
    union_all,
)
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import PARTNER_ROLES, Actor, Level
from app.leads.models import Lead
from app.lists.catalogue import Condition
from app.reports.cuts import EVER
from app.reports.models import OF_OWNER, ReportChange, ReportCount, ReportFact
from app.reports.steps import KEYS
from app.sharing.merge import conditions_of
from app.sharing.scope import branches, scope, scoped

# Whoever has fewer leads has them counted one by one, as is all while more changes wait to be counted than `MOST_CHANGES`.
MANY, MOST_CHANGES = 2_000, 10_000
_OWN = frozenset({"owner", "role_hierarchy"})
_GIVEN = frozenset({"shared"})
_WON = KEYS.index("won")
_COUNTED = Actor.system("leads of a partner's people")


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose leads one reads.  users: their keys, one's own and those of whom one leads."""

    actor: Actor
    users: tuple[int, ...]

    @property
    def _owners(self) -> list[str]:
        return [str(key) for key in self.users]

    @property
    def _is_owner(self) -> Condition:
        return ReportFact.owner.in_(self._owners)

    def counted(self, told: str, conditions: Sequence[Condition]) -> Select[*tuple[Any, ...]]:
        """Select of (value told apart, `steps.MEASURES`) of the leads that are theirs as they were counted last, but what is won.

        told: as `along_owners` has it.  When leads were handed over is the vendor's to know.
        """
        return along_owners(told, [self._is_owner, ReportFact.stage < _WON, *conditions], literal(0))

    def not_as_counted(self) -> list[Condition]:
        """That a fact is one that `counted` counts, of a lead that is to be looked at as it is."""
        ids = union_all(select(ReportChange.lead_id), self._offered())
        # No bare column, for these few are found by their keys and not by the index of owners.
        is_owner = func.coalesce(ReportFact.owner, "").in_(self._owners)
        return [ReportFact.lead_id.in_(ids), is_owner, ReportFact.stage < _WON]

    def others(self, *, given: bool) -> CompoundSelect[int]:
        """Select of the keys of leads that are not as counted, and of those given beside; some several times."""
        won = select(ReportFact.lead_id).where(self._is_owner, ReportFact.stage == _WON)
        return union_all(
            select(ReportChange.lead_id), won, self._offered(), *(self._given() if given else ())
        )

    def are_all(self, keys: Sequence[str]) -> bool:
        """Whether none but these owns what is asked for.  keys: of owners, as facts have them."""
        return {*keys} <= {*self._owners}

    def how_many_given(self, conditions: Sequence[Condition], cap: int) -> Select[int] | None:
        """Select of how many meet the conditions of those that others own, at most `cap` + 1; None where none is given."""
        selects = [each.where(*conditions) for each in self._given()]
        if not selects:
            return None
        every = (union(*selects) if len(selects) > 1 else selects[0]).subquery("given")
        return select(func.count()).select_from(select(every.c.id).limit(cap + 1).subquery("some"))

    def _offered(self) -> Select[int]:
        return select(Lead.id).where(
            scope(Lead, _COUNTED), Lead.offer_id.is_not(None), Lead.owner_user_id.in_(self.users)
        )

    def _given(self) -> list[Select[int]]:
        of_others = or_(Lead.owner_user_id.is_(None), Lead.owner_user_id.not_in(self.users))
        return [
            select(Lead.id).where(scoped(Lead, condition), of_others)
            for condition in conditions_of(Lead, self.actor, Level.READ, _GIVEN)
        ]


def along_owners(
    told: str, conditions: Sequence[Condition], handed_over: Any = ReportFact.handed_over
) -> Select[*tuple[Any, ...]]:
    """Select of (value told apart, `steps.MEASURES`) of facts that are picked by their owner.

    told: a column, "" for all as one; of `OF_OWNER` in its order.
    """
    order: tuple[str, ...] = ("stage", told)
    if told in {*OF_OWNER, ""}:
        order = OF_OWNER[: max(OF_OWNER.index(told or "stage"), OF_OWNER.index("stage")) + 1]
    value = getattr(ReportFact, told) if told else literal("")
    # First as they stand together in the index, so that they are counted as they are read.
    parts = (
        select(
            value.label("value"),
            ReportFact.stage,
            func.count().label("n"),
            func.sum(handed_over).label("handed_over"),
            func.sum(ReportFact.unqualified).label("unqualified"),
        )
        .where(*conditions)
        .group_by(*(getattr(ReportFact, name) for name in order))
        .subquery("parts")
        .c
    )
    reached = [case((parts.stage >= place, parts.n), else_=0) for place in range(len(KEYS))]
    measures = (*reached, parts.handed_over, parts.unqualified)
    sums = [func.coalesce(cast(func.sum(each), Integer), 0) for each in measures]
    return select(cast(parts.value, String), *sums).group_by(parts.value)


def is_led(actor: Actor) -> Condition:
    """That a user is a partner's person, or one whom they lead."""
    below = [role for role in PARTNER_ROLES if role.rank < actor.rank]
    colleague = and_(User.partner_account_id == actor.company_id, User.role.in_(below))
    return or_(User.id == actor.user_id, colleague)


def find_owned(session: Session, actor: Actor) -> Owned | None:
    """Whose leads a partner's person reads; None where their leads are to be counted one by one."""
    if not actor.is_partner or actor.supposed is not None:
        return None
    if {rule.cause for rule in branches(Lead, actor, Level.READ)} - _OWN - _GIVEN:
        return None  # as everybody's are who is given all by default
    owned = Owned(actor, tuple(sorted(session.scalars(select(User.id).where(is_led(actor))))))
    return owned if _is_worth_it(session, owned) else None


def _is_worth_it(session: Session, owned: Owned) -> bool:
    changes: Any = select(func.count()).select_from(
        select(ReportChange.id).limit(MOST_CHANGES + 1).subquery("changes")
    )
    counted = select(func.sum(ReportCount.captured)).where(
        ReportCount.cut == "owner", ReportCount.month == EVER, ReportCount.a.in_(map(str, owned.users))
    )
    row = session.execute(select(counted.scalar_subquery(), changes.scalar_subquery())).one()
    return (row[0] or 0) > MANY and row[1] <= MOST_CHANGES
