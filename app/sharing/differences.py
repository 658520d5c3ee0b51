"""What somebody would see after a change that is not made yet, less what they see now: counted, never listed.

Before and after are two actors, judged by the very rules that `scope` is made of.  Records of which a change
alters the columns themselves are judged twice, by their keys, in both states; all others by one statement for
each kind of difference, which ends as soon as it has found more than anybody wants to know exactly.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Role
from app.kernel.db import Base
from app.sharing.levels import given_level
from app.sharing.merge import conditions_of
from app.sharing.rules import rules_for
from app.sharing.scope import branches, scope, scoped

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of records.  is_more: there are, or may be, more than these."""

    number: int
    is_more: bool = False

    def __add__(self, other: "Count") -> "Count":
        both = self.number + other.number
        return Count(min(both, MOST_COUNTED), self.is_more or other.is_more or both > MOST_COUNTED)

    @property
    def is_none(self) -> bool:
        return not self.number and not self.is_more


NONE = Count(0)


@dataclass(frozen=True, slots=True)
class Difference:
    """Records of one object: seen newly, no longer, and of which somebody has more, or less, than now."""

    gained: Count = NONE
    lost: Count = NONE
    more: Count = NONE
    less: Count = NONE

    def __add__(self, other: "Difference") -> "Difference":
        return Difference(
            self.gained + other.gained,
            self.lost + other.lost,
            self.more + other.more,
            self.less + other.less,
        )

    @property
    def at_least(self) -> "Difference":
        """The same, where counting was ended before its end."""
        found = (self.gained, self.lost, self.more, self.less)
        return Difference(*(Count(each.number, is_more=each.number > 0) for each in found))

    @property
    def is_none(self) -> bool:
        return all(count.is_none for count in (self.gained, self.lost, self.more, self.less))


@dataclass(slots=True)
class Clock:
    """How long counting may take.  ran_out: something was left out for that."""

    seconds: float | None = None
    ran_out: bool = False
    _began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        if self.seconds is not None and time.monotonic() - self._began > self.seconds:
            self.ran_out = True
            return True
        return False


# Judged by their keys

Levels = Mapping[int, int]  # record → level; records that are not seen are absent


def levels_among(session: Session, model: Any, actor: Actor | None, which: ColumnElement[bool]) -> Levels:
    """What the actor, None for somebody who may not act, has now of the records that meet a condition."""
    if actor is None:
        return {}
    rows = session.execute(select(model.id, given_level(model, actor)).where(scope(model, actor), which))
    return {key: level for key, level in rows if level}


def compare(before: Levels, after: Levels, *, most: int = MOST_COUNTED) -> Difference:
    """The difference between two answers of `levels_among` about the same records."""
    found = {"gained": 0, "lost": 0, "more": 0, "less": 0}
    for key in before.keys() | after.keys():
        was, is_ = before.get(key, 0), after.get(key, 0)
        if was != is_:
            found["gained" if not was else "lost" if not is_ else "more" if is_ > was else "less"] += 1
    return Difference(**{kind: _capped(number, most) for kind, number in found.items()})


def _capped(number: int, most: int) -> Count:
    return Count(min(number, most), is_more=number > most)


# Judged by conditions


def difference(
    session: Session,
    model: type[Base],
    before: Actor | None,
    after: Actor | None,
    *,
    within: ColumnElement[bool] | None = None,
    without: ColumnElement[bool] | None = None,
    most: int = MOST_COUNTED,
) -> Difference:
    """What lies between two actors, on the records as they are now.

    within: a condition that all records meet of which they can differ, where one is known that an index
    answers; else the rules of one of the two lead the way.  without: records to leave out.
    """
    work = _Counting(session, model, before, after, within, without, most)
    grows, shrinks = has_all_of(after, before), has_all_of(before, after)
    return Difference(
        gained=NONE if shrinks else work.gained(),
        lost=NONE if grows else work.lost(),
        more=NONE if shrinks else work.more(before, after),
        less=NONE if grows else work.more(after, before),
    )


class _Counting:
    def __init__(
        self,
        session: Session,
        model: Any,
        before: Actor | None,
        after: Actor | None,
        within: ColumnElement[bool] | None,
        without: ColumnElement[bool] | None,
        most: int,
    ) -> None:
        self.session, self.model, self.most = session, model, most
        self.before, self.after = before, after
        self.within = within
        self.always = [] if without is None else [_fails(without)]

    def gained(self) -> Count:
        return self._count(self.after, [_fails(self._has(self.before))])

    def lost(self) -> Count:
        return self._count(self.before, [_fails(self._has(self.after))])

    def more(self, less: Actor | None, more: Actor | None) -> Count:
        """Records that `less` sees, and of which `more` has a higher level."""
        if less is None or more is None:
            return NONE
        lower, higher = (given_level(self.model, actor) for actor in (less, more))
        # Of the two, the one who is not simply given everything leads the way.
        leading = more if self._is_given_all(less) else less
        return self._count(leading, [lower > 0, higher > lower])

    def _is_given_all(self, actor: Actor) -> bool:
        return any(rule.is_whole for rule in rules_for(self.model, actor))

    def _has(self, actor: Actor | None) -> ColumnElement[bool] | None:
        given = [] if actor is None else [rule.where for rule in branches(self.model, actor)]
        return or_(*given) if given else None

    def _count(self, leading: Actor | None, filters: list[ColumnElement[bool]]) -> Count:
        conditions = [] if leading is None else conditions_of(self.model, leading)
        if not conditions:
            return NONE
        if self.within is not None:
            given = and_(self.within, or_(*conditions))
        elif len(conditions) == 1:
            given = conditions[0]
        else:
            # Found by each condition's own index; an OR of them would have every record looked at.
            every = union_all(*(select(self.model.id).where(condition) for condition in conditions))
            given = self.model.id.in_(every)
        some = select(self.model.id).where(scoped(self.model, and_(given, *self.always, *filters)))
        counted = select(func.count()).select_from(some.limit(self.most + 1).subquery())
        return _capped(self.session.scalar(counted) or 0, self.most)


def _fails(condition: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """That a condition is not met, or unknown because a column is empty."""
    return case((condition, 1), else_=0) == 0 if condition is not None else true()


def has_all_of(one: Actor | None, other: Actor | None) -> bool:
    """Whether `one` surely has everything that `other` has, as far as the two themselves tell.

    Spares the statements that would look for what cannot be.
    """
    if other is None:
        return True
    if one is None or (one.user_id, one.company_id) != (other.user_id, other.company_id):
        return False
    if one.role is not other.role and one.role is not Role.ADMINISTRATOR:
        return False
    if one.sees_portfolio_only and not other.sees_portfolio_only:
        return False
    defaults = (
        "default_lead_level", "default_account_level", "default_contact_level", "default_case_level",
        "default_opportunity_level",
    )  # fmt: skip
    if any((getattr(one, name) or 0) < (getattr(other, name) or 0) for name in defaults):
        return False
    if one.supposed is not other.supposed and (other.supposed is not None or one.supposed.ended):
        return False
    return (
        set(one.queue_ids) >= set(other.queue_ids)
        and set(one.managed_ids) >= set(other.managed_ids)
        and {*one.managed_ids, *one.answerable_ids} >= {*other.managed_ids, *other.answerable_ids}
        and set(one.shared) >= set(other.shared)
    )


def bearing(model: type[Base], actor: Actor | None) -> Any:
    """What of an actor decides what they see of the model; alike for two between whom nothing can lie."""
    if actor is None:
        return None
    of = {"account", "contact"} if model.__tablename__ == "contact" else {model.__tablename__}
    common = (
        actor.user_id,
        actor.role,
        actor.company_id,
        actor.sees_portfolio_only,
        getattr(actor, f"default_{model.__tablename__}_level"),
        tuple(pair for pair in actor.shared if pair[0] in of),
        actor.supposed,
    )
    if model.__tablename__ not in ("lead", "opportunity"):
        return common
    return (*common, actor.queue_ids, actor.managed_ids, actor.answerable_ids)
