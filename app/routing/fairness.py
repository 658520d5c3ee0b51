"""Whose turn it is in a round robin: exact, replayable, and never further than one lead from the fair share.

Knows members, weights, balances and the ledger of turns; knows nothing of leads, databases or why
somebody is not eligible.  The rule, for every turn: each member who may take it has weight ÷ (total of
their weights) added to the balance; among those whose balance is then positive, the one whose next turn
falls due first receives (the smallest (1 − balance) ÷ share, ties by seat) and one is taken from that
balance.  Nobody's balance is positive (which happens after absences only): the highest balance is next,
ties by seat.  Whoever may not take the turn accrues nothing and keeps the balance.

While nobody is absent, |turns received − n · weight ÷ total| < 1 holds after every turn since the last
change of members or weights (R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32,
1980: a turn may be taken from the moment its share begins, and the earliest due date goes first).

Balances are integers over a common denominator, always in lowest terms: no floats, and equal histories
give equal states.  The denominator is a divisor of the least common multiple of the totals seen since the
last change of members or weights; it stays as small as those totals while eligibility stands still.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import gcd, lcm
from typing import Any

from app.routing.turn_ledger import (
    EpochRecord,
    GivenBackRecord,
    LedgerRow,
    Member,
    Record,
    RotaState,
    TurnRecord,
    fraction_text,
    ledger_rows,
    record_from_json,
)

__all__ = [
    "LARGEST_WEIGHT",
    "SMALLEST_WEIGHT",
    "EpochRecord",
    "Explanation",
    "GivenBackRecord",
    "LedgerRow",
    "Member",
    "Record",
    "Rota",
    "RotaState",
    "Standing",
    "Turn",
    "TurnRecord",
    "ledger_rows",
    "record_from_json",
    "replay",
]

SMALLEST_WEIGHT = 1
LARGEST_WEIGHT = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """How one member stood when a turn was decided.

    status: "chosen", "in_turn" (could have had it), "passed_over" (for this lead only), "not_eligible".
    balance: exact, after this turn's share was added and before one was taken from the receiver.
    """

    member_id: int
    status: str
    balance: Fraction


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the turn went where it went.

    reason: "due_first", "highest_balance" (nobody's balance was positive) or "nobody" (may take it).
    """

    reason: str
    receiver: int | None
    members: tuple[Member, ...]
    able: frozenset[int]
    eligible: frozenset[int]
    numerators: tuple[int, ...]
    denominator: int

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Every member by seat."""
        return tuple(
            Standing(member.id, self._status(member.id), Fraction(numerator, self.denominator))
            for member, numerator in zip(self.members, self.numerators, strict=True)
        )

    def _status(self, member_id: int) -> str:
        if member_id == self.receiver:
            return "chosen"
        if member_id in self.able:
            return "in_turn"
        return "passed_over" if member_id in self.eligible else "not_eligible"

    def to_json(self) -> dict[str, Any]:
        """For the stored trace: the reason, and [member id, status, balance] by seat."""
        return {
            "reason": self.reason,
            "standings": [[s.member_id, s.status, fraction_text(s.balance)] for s in self.standings],
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision.  Nobody may take it: member_id and record are None and the state is unchanged."""

    member_id: int | None
    state: RotaState
    record: TurnRecord | None
    explanation: Explanation


class Rota:
    """The members of a round robin, ready to take turns.  Holds no state: states go in and come out.

    Make one per group and reuse it for as many turns as one likes.  members: any order; seats and ids
    are each different; may be empty.  Raises ValueError for weights out of range or doubled seats or ids.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        self.members = tuple(sorted(members, key=lambda m: m.seat))
        self._index = {m.id: i for i, m in enumerate(self.members)}
        if len(self._index) != len(self.members) or len({m.seat for m in self.members}) != len(self.members):
            raise ValueError("ids and seats of a round robin's members are each different")
        if any(not SMALLEST_WEIGHT <= m.weight <= LARGEST_WEIGHT for m in self.members):
            raise ValueError(f"weights are {SMALLEST_WEIGHT} to {LARGEST_WEIGHT}")
        self._groups: dict[frozenset[int], tuple[tuple[tuple[int, int], ...], int]] = {}

    def begin(self, state: RotaState | None, *, at: datetime) -> tuple[RotaState, EpochRecord | None]:
        """The state to take turns from: as it is while members, seats and weights are the same ones.

        Else (or with no state yet) a new epoch, whose record is to be appended to the ledger: every
        balance and count is zero, all-time totals stay.
        """
        if state is not None and state.members == self.members:
            return state, None
        ever = {} if state is None else _all_time(state)
        number = 1 if state is None else state.number + 1
        zero = (0,) * len(self.members)
        fresh = RotaState(
            members=self.members,
            number=number,
            epoch=number,
            since=at,
            since_number=number,
            numerators=zero,
            denominator=1,
            base=(Fraction(0),) * len(self.members),
            counts=zero,
            totals=tuple(ever.pop(m.id, 0) for m in self.members),
            former={k: v for k, v in ever.items() if v},
        )
        return fresh, EpochRecord(number, at, self.members)

    def turn(
        self,
        state: RotaState,
        eligible: AbstractSet[int],
        passed_over_for_this_lead: AbstractSet[int] = frozenset(),
        *,
        at: datetime,
    ) -> Turn:
        """Give the next turn.

        eligible: ids of members who can take turns now, those passed over for this lead included: a
        change of this set restarts `since`, being passed over does not.  Ids that are no members are
        ignored.  at: aware moment.  Raises ValueError when the state is for other members (see `begin`).
        """
        self._check(state)
        eligible = self._members_of(eligible)
        able = eligible - passed_over_for_this_lead
        if not able:
            explanation = Explanation(
                "nobody", None, self.members, able, eligible, state.numerators, state.denominator
            )
            return Turn(None, state, None, explanation)
        numerators, denominator = self._accrue(state, able)
        position, reason = self._next(numerators, denominator, able)
        receiver = self.members[position].id
        record = TurnRecord(
            number=state.number + 1,
            at=at,
            epoch=state.epoch,
            receiver=receiver,
            eligible=tuple(sorted(eligible)),
            excluded=tuple(sorted(eligible - able)),
        )
        explanation = Explanation(
            reason, receiver, self.members, able, eligible, tuple(numerators), denominator
        )
        numerators[position] -= denominator
        after = _after_turn(state, position, numerators, denominator, eligible, at)
        return Turn(receiver, after, record, explanation)

    def give_back(
        self, state: RotaState, turn: TurnRecord, *, at: datetime
    ) -> tuple[RotaState, GivenBackRecord]:
        """Undo a turn exactly; the caller sees to it that each turn is given back at most once.

        The shares it added are subtracted from those who accrued them, and one is added to its
        receiver.  A turn of an earlier epoch touches the all-time total alone, one from before `since`
        the balances and the total but not count and share.
        """
        self._check(state)
        record = GivenBackRecord(state.number + 1, at, turn.number)
        state = _lower_total(state, turn.receiver)
        if turn.epoch != state.epoch:
            return replace(state, number=record.number), record
        able = frozenset(turn.eligible) - frozenset(turn.excluded)
        numerators, denominator = self._accrue(state, able, sign=-1)
        position = self._index[turn.receiver]
        numerators[position] += denominator
        lowest, lowest_denominator = _lowest_terms(numerators, denominator)
        after = replace(state, number=record.number, numerators=tuple(lowest), denominator=lowest_denominator)
        if turn.number >= state.since_number:
            counts = list(state.counts)
            counts[position] -= 1
            return replace(after, counts=tuple(counts)), record
        moved = (now - before for now, before in zip(after.balances, state.balances, strict=True))
        base = tuple(b + m for b, m in zip(state.base, moved, strict=True))
        return replace(after, base=base), record

    def _check(self, state: RotaState) -> None:
        if state.members is not self.members and state.members != self.members:
            raise ValueError("the state is for other members or weights: call begin() first")

    def _members_of(self, ids: AbstractSet[int]) -> frozenset[int]:
        ids = frozenset(ids)
        if self._index.keys() >= ids:
            return ids
        return ids.intersection(self._index)

    def _group(self, able: frozenset[int]) -> tuple[tuple[tuple[int, int], ...], int]:
        """(position, weight) of those members by seat, and the total of their weights."""
        group = self._groups.get(able)
        if group is None:
            places = tuple((i, m.weight) for i, m in enumerate(self.members) if m.id in able)
            if (
                len(self._groups) > 1000
            ):  # absences come in many combinations; the table must not grow for ever
                self._groups.clear()
            group = self._groups[able] = places, sum(weight for _, weight in places)
        return group

    def _accrue(self, state: RotaState, able: frozenset[int], *, sign: int = 1) -> tuple[list[int], int]:
        """Balances with weight ÷ total added (or, with sign −1, taken) for each of `able`, not reduced."""
        places, total = self._group(able)
        denominator = state.denominator
        if denominator % total:
            denominator = lcm(denominator, total)
            scale = denominator // state.denominator
            numerators = [n * scale for n in state.numerators]
        else:
            numerators = list(state.numerators)
        unit = sign * (denominator // total)
        for position, weight in places:
            numerators[position] += weight * unit
        return numerators, denominator

    def _next(self, numerators: Sequence[int], denominator: int, able: frozenset[int]) -> tuple[int, str]:
        """Position of the receiver and the reason.

        (1 − balance) ÷ share orders as (denominator − numerator) ÷ weight, which cross-multiplying
        compares exactly; going by seat and asking for strictly less settles ties by seat.
        """
        places, _ = self._group(able)
        best, best_wait, best_weight = -1, 0, 1
        for position, weight in places:
            numerator = numerators[position]
            if numerator > 0:
                wait = denominator - numerator
                if best < 0 or wait * best_weight < best_wait * weight:
                    best, best_wait, best_weight = position, wait, weight
        if best >= 0:
            return best, "due_first"
        return max(places, key=lambda place: (numerators[place[0]], -place[0]))[0], "highest_balance"


def _after_turn(
    state: RotaState,
    position: int,
    numerators: list[int],
    denominator: int,
    eligible: frozenset[int],
    at: datetime,
) -> RotaState:
    """The state after a turn, in lowest terms.

    `since` restarts with this turn when others could take turns at the one before it.
    """
    number = state.number + 1
    lowest, lowest_denominator = _lowest_terms(numerators, denominator)
    totals = list(state.totals)
    totals[position] += 1
    if state.eligible is None or state.eligible == eligible:
        counts = list(state.counts)
        since, since_number, base = state.since, state.since_number, state.base
    else:
        counts = [0] * len(totals)
        since, since_number, base = at, number, state.balances
    counts[position] += 1
    return RotaState(
        state.members,
        number,
        state.epoch,
        since,
        since_number,
        tuple(lowest),
        lowest_denominator,
        base,
        tuple(counts),
        tuple(totals),
        eligible,
        state.former,
    )


def replay(records: Iterable[Record]) -> RotaState | None:
    """The state that a ledger leads to, deciding every turn anew; None for an empty one.

    Raises ValueError, saying where, when the ledger contradicts itself: records not numbered one after
    the other, a turn that went to somebody else than the rule says, one given back twice or never given.
    """
    state: RotaState | None = None
    rota = Rota(())
    turns: dict[int, TurnRecord] = {}
    for place, record in enumerate(records, start=1):
        if record.number != place:
            raise ValueError(f"record {record.number} stands where record {place} should")
        if isinstance(record, EpochRecord):
            rota = Rota(record.members)
            state, written = rota.begin(state, at=record.at)
            if written != record:
                raise ValueError(f"record {place} begins an epoch with the members it already had")
            continue
        if state is None:
            raise ValueError(f"record {place} stands before the first epoch")
        if isinstance(record, TurnRecord):
            turn = rota.turn(state, frozenset(record.eligible), frozenset(record.excluded), at=record.at)
            if turn.record != record:
                raise ValueError(f"turn {place} went to {record.receiver}, by the rule to {turn.member_id}")
            state, turns[place] = turn.state, record
        else:
            given = turns.pop(record.turn, None)
            if given is None:
                raise ValueError(f"record {place} gives back turn {record.turn}, which is not there to give")
            state, _ = rota.give_back(state, given, at=record.at)
    return state


def _all_time(state: RotaState) -> dict[int, int]:
    return {**state.former, **{m.id: t for m, t in zip(state.members, state.totals, strict=True)}}


def _lower_total(state: RotaState, member_id: int) -> RotaState:
    if member_id in state.former:
        return replace(state, former={**state.former, member_id: state.former[member_id] - 1})
    return replace(
        state,
        totals=tuple(t - (m.id == member_id) for m, t in zip(state.members, state.totals, strict=True)),
    )


def _lowest_terms(numerators: list[int], denominator: int) -> tuple[list[int], int]:
    common = gcd(denominator, *numerators)
    if common == 1:
        return numerators, denominator
    return [n // common for n in numerators], denominator // common
