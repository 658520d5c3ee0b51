"""A fair comparison of partners: over leads of the same kind, with what the others made of such leads.  Pure.

Leads are of one kind that have source, country and product in common.  For each kind the share that all other partners
converted is applied to the leads that this one had: their sum is what was to be expected of it (indirect
standardisation).  Leads of a kind that hardly anybody else had compare with nothing and are left out on both sides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import sqrt

# Others need so many leads of a kind for their share to say something.
FEWEST_OF_OTHERS = 5
# Below these a difference is chance.
FEWEST_LEADS, FEWEST_EXPECTED = 20, 3.0
# Of partners that are all alike nineteen in twenty lie within so many standard deviations.
WIDTH = 1.96

Kind = tuple[str, str, str]
# partner → kind of lead → (how many it had, how many of them it converted)
Mix = Mapping[str, Mapping[Kind, tuple[int, int]]]


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
    all_had: dict[Kind, list[int]] = {}
    for kinds in mix.values():
        for kind, (had, converted) in kinds.items():
            total = all_had.setdefault(kind, [0, 0])
            total[0] += had
            total[1] += converted
    return {partner: compare_one(kinds, all_had) for partner, kinds in mix.items()}


def compare_one(kinds: Mapping[Kind, tuple[int, int]], all_had: Mapping[Kind, Sequence[int]]) -> Comparison:
    """One partner's leads by kind, beside those of all partners, its own among them."""
    received = leads = actual = 0
    expected = variance = 0.0
    for kind, (had, converted) in kinds.items():
        received += had
        of_all = all_had.get(kind, (0, 0))
        others = of_all[0] - had
        if others < FEWEST_OF_OTHERS:
            continue
        rate = (of_all[1] - converted) / others
        leads, actual = leads + had, actual + converted
        expected += had * rate
        # The chance of this one's leads, and that the others' share is itself a sample.
        variance += had * rate * (1 - rate) * (1 + had / others)
    return Comparison(received, leads, actual, expected, sqrt(variance))
