"""Whom a change would reach, and who of them are counted together.

People see alike who are alike in everything that the rules read, and own none of the records in question.
Up to `MOST_COUNTED_APART` people are each counted by themselves.  Of more, those of one role, or of one company,
are counted as one who has only what all of them have: each of them gains or loses that much at most.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.cases.models import Case
from app.identity.queries import find_actors
from app.kernel.actor import Actor
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.differences import Difference, bearing
from app.sharing.principals import Membership, keys_of_actor

MODELS: tuple[Any, ...] = (Lead, Account, Contact, Opportunity, Case)
MOST_COUNTED_APART = 60


class Everybody:
    """All who may act, as they are now.  Five statements."""

    def __init__(self, session: Session) -> None:
        self.membership = Membership(session)
        self.actors = find_actors(session, self.membership)

    def holding(self, key: str) -> set[int]:
        """Those whom a principal stands for."""
        return holding(self.membership, self.actors.values(), key)


def holding(membership: Membership, actors: Iterable[Actor], key: str) -> set[int]:
    """Those of these people whom a principal stands for."""
    return {actor.user_id or 0 for actor in actors if membership.holds(keys_of_actor(actor), key)}


@dataclass(frozen=True, slots=True)
class Affected:
    """One person before and after; None where they may not act."""

    before: Actor | None
    after: Actor | None

    @property
    def who(self) -> Actor:
        found = self.before or self.after
        assert found is not None
        return found

    @property
    def differs(self) -> bool:
        return any(bearing(model, self.before) != bearing(model, self.after) for model in MODELS)


@dataclass(frozen=True, slots=True)
class Unit:
    """People who are counted together.  is_exact: what is counted is true of each; else it is the most for each."""

    people: Sequence[Actor]
    before: Actor | None
    after: Actor | None
    is_exact: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """People for whom the difference is the same.  found: object → what they gain and lose."""

    people: Sequence[Actor]
    found: Mapping[str, Difference]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a change would do, those first who gain or lose most.  is_whole: nothing was left out for lack of time."""

    lines: Sequence[Line] = ()
    is_whole: bool = True

    @property
    def people(self) -> int:
        return sum(len(line.people) for line in self.lines)

    @property
    def mark(self) -> str:
        """What tells these consequences from others, so that nobody agrees to some and gets others.

        Counting that the clock ended is never twice the same: whoever agrees then agrees to whatever it is that
        this choice of theirs does (see `asking.ask`).
        """
        if not self.is_whole:
            return "ended"
        told = sorted(
            (
                sorted(actor.ref for actor in line.people),
                sorted((name, repr(found)) for name, found in line.found.items()),
            )
            for line in self.lines
        )
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Tally:
    """Differences of units as they are counted."""

    found: dict[int, dict[str, Difference]] = field(default_factory=dict)

    def add(self, number: int, object_: str, difference: Difference) -> None:
        known = self.found.setdefault(number, {})
        known[object_] = known.get(object_, Difference()) + difference

    def has_enough(self, number: int, object_: str, kind: str) -> bool:
        """Whether there are more of a kind than anybody wants to know exactly."""
        known = self.found.get(number, {}).get(object_)
        return known is not None and bool(getattr(known, kind).is_more)

    def at_least(self, number: int, object_: str) -> None:
        """What has been found of a unit is not all."""
        known = self.found.get(number, {}).get(object_)
        if known is not None:
            self.found[number][object_] = known.at_least

    def consequences(self, units: Sequence[Unit], *, is_whole: bool) -> Consequences:
        """Those who gain or lose nothing are left out; those with the same difference are one line."""
        lines: dict[Hashable, list[Unit]] = {}
        for number, unit in enumerate(units):
            found = {name: each for name, each in self.found.get(number, {}).items() if not each.is_none}
            if found:
                side = unit.people[0].is_partner
                lines.setdefault((side, unit.is_exact, tuple(sorted(found.items(), key=_name))), []).append(
                    unit
                )
        made = [
            Line([actor for unit in alike for actor in unit.people], dict(key[2]), key[1])  # type: ignore[index]
            for key, alike in lines.items()
        ]
        made.sort(key=lambda line: (-_weight(line), not line.people[0].is_partner, line.people[0].name))
        return Consequences(made, is_whole)


def _name(pair: tuple[str, Difference]) -> str:
    return pair[0]


def _weight(line: Line) -> int:
    return max(
        count.number + count.is_more
        for each in line.found.values()
        for count in (each.gained, each.lost, each.more, each.less)
    )


# Who is counted together


def one_by_one(affected: Sequence[Affected]) -> list[Unit]:
    """Each by themselves."""
    return [Unit((each.who,), each.before, each.after) for each in affected]


def alike(affected: Sequence[Affected], apart: Collection[int]) -> list[Unit]:
    """Those who are alike together.  apart: who own some of the records in question, each by themselves."""

    def kind(each: Affected) -> Hashable:
        if each.who.user_id in apart:
            return each.who.user_id
        return tuple(
            (actor is None, *(bearing(model, actor)[1:] for model in MODELS if actor))
            for actor in (each.before, each.after)
        )

    return [
        Unit([each.who for each in group], group[0].before, group[0].after)
        for group in _grouped(affected, kind)
    ]


def together(affected: Sequence[Affected], apart: Collection[int] = ()) -> list[Unit]:
    """Few people one by one, many by role or company, and very many companies as one.  apart: stay by themselves."""
    if len(affected) <= MOST_COUNTED_APART:
        return one_by_one(affected)
    own = [each for each in affected if each.who.user_id in apart][:MOST_COUNTED_APART]
    named = {each.who.user_id for each in own}
    inside = [each for each in affected if not each.who.is_partner and each.who.user_id not in named]
    outside = [each for each in affected if each.who.is_partner and each.who.user_id not in named]
    companies = _grouped(outside, lambda each: (each.who.company_id, *_supposed(each)))
    if len(companies) > MOST_COUNTED_APART:
        companies = _grouped(outside, _supposed)
    roles = _grouped(inside, lambda each: (each.who.role, each.who.sees_portfolio_only, *_supposed(each)))
    return [*one_by_one(own), *(_folded(group) for group in (*companies, *roles))]


def _supposed(each: Affected) -> tuple[Any, ...]:
    return (
        each.before is None,
        each.after is None,
        each.before.supposed if each.before else None,
        each.after.supposed if each.after else None,
    )


def _folded(group: Sequence[Affected]) -> Unit:
    if len(group) == 1:
        return one_by_one(group)[0]
    before, after = (
        _in_common([actor for actor in actors if actor is not None])
        for actors in ([each.before for each in group], [each.after for each in group])
    )
    return Unit([each.who for each in group], before, after, is_exact=False)


def _in_common(actors: Sequence[Actor]) -> Actor | None:
    """Somebody who is nobody in particular and has what all of them have."""
    if not actors:
        return None
    first = actors[0]
    same_company = len({actor.company_id for actor in actors}) == 1
    return replace(
        first,
        user_id=0,
        role=min((actor.role for actor in actors), key=lambda role: role.rank),
        company_id=first.company_id if same_company else -1,
        sees_portfolio_only=any(actor.sees_portfolio_only for actor in actors),
        queue_ids=_shared_by_all([actor.queue_ids for actor in actors]),
        managed_ids=_shared_by_all([actor.managed_ids for actor in actors]),
        answerable_ids=_shared_by_all([actor.answerable_ids for actor in actors]),
        shared=_shared_by_all([actor.shared for actor in actors]),
    )


def _shared_by_all(values: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    return tuple(sorted(set(values[0]).intersection(*values[1:])))


def _grouped(affected: Iterable[Affected], kind: Callable[[Affected], Hashable]) -> list[list[Affected]]:
    groups: dict[Hashable, list[Affected]] = {}
    for each in affected:
        groups.setdefault(kind(each), []).append(each)
    return list(groups.values())
