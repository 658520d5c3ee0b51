"""What a round robin remembers: its members, its append-only ledger of turns, and the state in between.

Values only, each with its JSON form; `fairness` decides whose turn it is and makes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import lcm
from typing import Any


@dataclass(frozen=True, slots=True)
class Member:
    """A place in the round robin.  seat: its position, which settles ties; weight: 1 to 1000."""

    id: int
    seat: int
    weight: int = 1


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """Members, weights or seats changed: all balances return to zero.  number: place in the ledger, from 1."""

    number: int
    at: datetime
    members: tuple[Member, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "epoch",
            "number": self.number,
            "at": self.at.isoformat(),
            "members": [[m.id, m.seat, m.weight] for m in self.members],
        }


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """A turn that was given.

    epoch: number of the epoch record it falls under; receiver: a member's id.
    eligible: ids of the members who could have taken turns then, whatever the lead.
    excluded: those of them who were passed over for this one lead (they accrued nothing).
    """

    number: int
    at: datetime
    epoch: int
    receiver: int
    eligible: tuple[int, ...]
    excluded: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "turn",
            "number": self.number,
            "at": self.at.isoformat(),
            "epoch": self.epoch,
            "receiver": self.receiver,
            "eligible": list(self.eligible),
            "excluded": list(self.excluded),
        }


@dataclass(frozen=True, slots=True)
class GivenBackRecord:
    """A turn that was undone.  turn: the number of the turn's record."""

    number: int
    at: datetime
    turn: int

    def to_json(self) -> dict[str, Any]:
        return {"kind": "given_back", "number": self.number, "at": self.at.isoformat(), "turn": self.turn}


Record = EpochRecord | TurnRecord | GivenBackRecord


def record_from_json(value: Mapping[str, Any]) -> Record:
    """The record that `to_json` wrote.  Raises ValueError for anything else."""
    try:
        number, at = int(value["number"]), datetime.fromisoformat(value["at"])
        match value["kind"]:
            case "epoch":
                return EpochRecord(number, at, tuple(Member(*map(int, m)) for m in value["members"]))
            case "turn":
                return TurnRecord(
                    number,
                    at,
                    int(value["epoch"]),
                    int(value["receiver"]),
                    tuple(map(int, value["eligible"])),
                    tuple(map(int, value["excluded"])),
                )
            case "given_back":
                return GivenBackRecord(number, at, int(value["turn"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a ledger record: {error!r}") from error
    raise ValueError(f"not a kind of ledger record: {value['kind']!r}")


@dataclass(frozen=True, slots=True)
class RotaState:
    """Where a round robin stands; lives in one JSON column of its row and is rewritten with each turn.

    members: by seat; the four tuples below run parallel to it.
    numerators: balances over `denominator`.  base: balances, as fractions, when `since` began; what was
    accrued since is count + balance − base.  counts: turns since `since`; totals: turns for all time.
    eligible: who could take turns at the latest turn, None before the first of the epoch.
    number: the latest ledger record; epoch, since_number: those where the epoch and `since` began.
    former: all-time turns of members who have left.
    """

    members: tuple[Member, ...]
    number: int
    epoch: int
    since: datetime
    since_number: int
    numerators: tuple[int, ...]
    denominator: int
    base: tuple[Fraction, ...]
    counts: tuple[int, ...]
    totals: tuple[int, ...]
    eligible: frozenset[int] | None = None
    former: Mapping[int, int] = field(default_factory=dict)

    @property
    def balances(self) -> tuple[Fraction, ...]:
        """Exact balances, by seat: positive is owed a turn, negative has had one early."""
        return tuple(Fraction(n, self.denominator) for n in self.numerators)

    @property
    def turns(self) -> int:
        """Turns given since `since`, those given back taken off."""
        return sum(self.counts)

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON column; balances as "numerator/denominator"."""
        return {
            "number": self.number,
            "epoch": self.epoch,
            "since": self.since.isoformat(),
            "since_number": self.since_number,
            "eligible": None if self.eligible is None else sorted(self.eligible),
            "members": [
                [
                    m.id,
                    m.seat,
                    m.weight,
                    self.counts[i],
                    self.totals[i],
                    fraction_text(balance),
                    fraction_text(self.base[i]),
                ]
                for i, (m, balance) in enumerate(zip(self.members, self.balances, strict=True))
            ],
            "former": {str(k): v for k, v in sorted(self.former.items())},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RotaState | None:
        """The state that `to_json` wrote; None for an empty mapping (a round robin that never began)."""
        if not value:
            return None
        rows = value["members"]
        balances = [_fraction(row[5]) for row in rows]
        denominator = lcm(*(b.denominator for b in balances))
        eligible = value["eligible"]
        return cls(
            members=tuple(Member(row[0], row[1], row[2]) for row in rows),
            number=value["number"],
            epoch=value["epoch"],
            since=datetime.fromisoformat(value["since"]),
            since_number=value["since_number"],
            numerators=tuple(b.numerator * (denominator // b.denominator) for b in balances),
            denominator=denominator,
            base=tuple(_fraction(row[6]) for row in rows),
            counts=tuple(row[3] for row in rows),
            totals=tuple(row[4] for row in rows),
            eligible=None if eligible is None else frozenset(eligible),
            former={int(k): v for k, v in value["former"].items()},
        )


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One member's line for people and the API.

    count and share (turns received and turns due) since the ledger's `since`, balance now, total for
    all time.  Share and balance are rounded to six places here and nowhere before.
    """

    member_id: int
    seat: int
    weight: int
    count: int
    share: float
    balance: float
    total: int


def ledger_rows(state: RotaState) -> tuple[LedgerRow, ...]:
    """What everyone has had and is due, by seat, rounded to six places."""
    return tuple(
        LedgerRow(
            member_id=member.id,
            seat=member.seat,
            weight=member.weight,
            count=count,
            share=float(round(count + balance - base, 6)),
            balance=float(round(balance, 6)),
            total=total,
        )
        for member, count, balance, base, total in zip(
            state.members, state.counts, state.balances, state.base, state.totals, strict=True
        )
    )


def fraction_text(value: Fraction) -> str:
    """ "3/7"; hexadecimal beyond any usual size, since Python refuses to print very long decimals."""
    if value.denominator.bit_length() > 2048:
        return f"{value.numerator:#x}/{value.denominator:#x}"
    return f"{value.numerator}/{value.denominator}"


def _fraction(text: str) -> Fraction:
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator, 0), int(denominator, 0))
