"""Score rules as plain values: what each line gives a lead on a day, their sum, and when that changes by itself.

A line gives its points to leads that meet its criteria: as they are, or for each so much of a number the lead holds;
and they may halve every so many days since a date.  Whole numbers throughout: halves are rounded towards zero, so that
everybody who counts gets the same.  A line that cannot be evaluated gives nothing, and says why.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

from app.routing.criteria import CannotEvaluate, Criteria

LARGEST = 1_000_000
NEVER_ACTIVE = "last_activity_at"


class Problem(StrEnum):
    """Why a line gives nothing although it should be asked."""

    NOT_UNDERSTOOD = "not_understood"
    CANNOT_EVALUATE = "cannot_evaluate"
    DIVIDES_BY_ZERO = "divides_by_zero"


@dataclass(frozen=True, slots=True)
class Each:
    """Points for each `by` of what a field holds; by_field: another field instead.  most: no more than that."""

    field: str
    by: Fraction = Fraction(1)
    by_field: str = ""
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Decay:
    """The points halve every `days` days since the date that the field holds."""

    field: str
    days: int


@dataclass(frozen=True, slots=True)
class Line:
    """One rule.  criteria: None when what is stored cannot be understood any more."""

    name: str
    criteria: Criteria | None
    points: int
    each: Each | None = None
    decay: Decay | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What a line gives a lead.

    points: before they halve; 0 where it does not match.  since: what the halving begins with.  problem: why it gives
    nothing, "" for no trouble.
    """

    line: Line
    is_match: bool
    points: int
    since: date | None = None
    problem: str = ""

    def halvings(self, day: date) -> int:
        """How often the points have halved on that day."""
        if self.line.decay is None or self.since is None:
            return 0
        return max(0, (day - self.since).days // self.line.decay.days)

    def left(self, day: date) -> int:
        """What remains of the points on that day."""
        kept = abs(self.points) >> self.halvings(day)
        return kept if self.points > 0 else -kept

    def steps(self, day: date) -> Iterator[date]:
        """The days after `day` on which it halves again, as long as something is left."""
        if self.line.decay is None or self.since is None:
            return
        for times in range(self.halvings(day) + 1, abs(self.points).bit_length() + 1):
            try:
                yield self.since + timedelta(days=self.line.decay.days * times)
            except OverflowError:
                return


def weigh(lines: Iterable[Line], record: Mapping[str, Any]) -> list[Part]:
    """What each line gives a lead.

    record: field → value as `criteria.FieldType` says, of every field that lines name; dates to halve from among them.
    """
    return [_weigh(line, record) for line in lines]


def total(parts: Sequence[Part], day: date) -> int:
    """The score on that day: never below zero."""
    return max(0, min(LARGEST, sum(part.left(day) for part in parts)))


def changes_on(parts: Sequence[Part], day: date) -> date | None:
    """The first day after `day` on which the score is another by itself; None when it never will be."""
    present = total(parts, day)
    for step in sorted({step for part in parts for step in part.steps(day)}):
        if total(parts, step) != present:
            return step
    return None


def _weigh(line: Line, record: Mapping[str, Any]) -> Part:
    if line.criteria is None:
        return Part(line, False, 0, problem=Problem.NOT_UNDERSTOOD)
    try:
        if not line.criteria.matches(record):
            return Part(line, False, 0)
        points = _points(line, record)
        if line.decay is None:
            return Part(line, True, points)
        since = _day(record[line.decay.field])
    except ZeroDivisionError:
        return Part(line, True, 0, problem=Problem.DIVIDES_BY_ZERO)
    except (CannotEvaluate, KeyError, TypeError, ValueError):
        return Part(line, False, 0, problem=Problem.CANNOT_EVALUATE)
    # What halves from a day that is not known would never halve: it counts for nothing.
    return Part(line, True, points if since is not None else 0, since)


def _points(line: Line, record: Mapping[str, Any]) -> int:
    each = line.each
    if each is None:
        return line.points
    held = record[each.field]
    by = each.by if not each.by_field else record[each.by_field]
    if held is None or by is None:
        return 0
    points = int(line.points * _exact(held) / _exact(by))
    most = LARGEST if each.most is None else each.most
    return max(-most, min(most, points))


def _exact(value: Any) -> Fraction:
    """Raises TypeError for what is no number."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, bool):
        raise TypeError("a number is wanted")
    return Fraction(str(value))


def _day(value: Any) -> date | None:
    return value.date() if isinstance(value, datetime) else value
