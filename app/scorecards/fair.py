"""A fair comparison of partners: over leads of the same kind, with what the others made of such leads.  Pure.

Leads are of one kind that have source, country and product in common.  For each kind the share that all other partners
converted is applied to the leads that this one had: their sum is what was to be expected of it (indirect
standardisation).  Leads of a kind that hardly anybody else had compare with nothing and are left out on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import sqrt
from typing import Any

# Others need so many leads of a kind for their share to say something.
FEWEST_OF_OTHERS = 5
# Below these a difference is chance.
FEWEST_LEADS, FEWEST_EXPECTED = 20, 3.0
# Of partners that are all alike nineteen in twenty lie within so many standard deviations.
WIDTH = 1.96

Kind = tuple[str, str, str]
# partner → kind of lead → (how many it had, how many of them it converted)
Mix = Mapping[str, Mapping[Kind, tuple[int, int]]]
# kind of lead → how many
Counts = Mapping[Any, int]


class Verdict(StrEnum):
    TOO_FEW = "too_few"
    ABOVE = "above"
    AS_EXPECTED = "as_expected"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Comparison:
    """leads: that it rests on, of `received` in all.  actual, expected: conversions.  low, high: what chance explains.

    at: when it was compared, None for just now.
    """

    received: int
    leads: int
    actual: int
    expected: float
    spread: float
    at: datetime | None = None

    @property
    def low(self) -> float:
        return max(self.expected - WIDTH * self.spread, 0)

    @property
    def high(self) -> float:
        return min(self.expected + WIDTH * self.spread, self.leads)

    @property
    def verdict(self) -> Verdict:
        if self.leads < FEWEST_LEADS or self.expected < FEWEST_EXPECTED:
            return Verdict.TOO_FEW
        if self.actual > self.high:
            return Verdict.ABOVE
        return Verdict.BELOW if self.actual < self.low else Verdict.AS_EXPECTED


def compare(mix: Mix) -> dict[str, Comparison]:
    """Each partner with what was to be expected of it."""
    all_had: dict[Any, int] = {}
    all_converted: dict[Any, int] = {}
    for kinds in mix.values():
        for kind, (had, converted) in kinds.items():
            all_had[kind] = all_had.get(kind, 0) + had
            all_converted[kind] = all_converted.get(kind, 0) + converted
    return {
        partner: compare_one(
            {kind: had for kind, (had, _) in kinds.items()},
            {kind: converted for kind, (_, converted) in kinds.items()},
            all_had,
            all_converted,
        )
        for partner, kinds in mix.items()
    }


def compare_one(had: Counts, converted: Counts, all_had: Counts, all_converted: Counts) -> Comparison:
    """One partner's leads and those of them that it converted, beside those of all partners, its own among them.

    Each by kind, however kinds are named; those without any may be missing.
    """
    leads = actual = 0
    expected = variance = 0.0
    for kind, count in had.items():
        others = all_had.get(kind, 0) - count
        if others < FEWEST_OF_OTHERS:
            continue
        own = converted.get(kind, 0)
        rate = (all_converted.get(kind, 0) - own) / others
        leads, actual = leads + count, actual + own
        expected += count * rate
        # The chance of this one's leads, and that the others' share is itself a sample.
        variance += count * rate * (1 - rate) * (1 + count / others)
    return Comparison(sum(had.values()), leads, actual, expected, sqrt(variance))
