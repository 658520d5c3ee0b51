"""How a round robin stands: its members with what they have had, what they are due, and whose turn is next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotFound
from app.leads.models import Assignment, Lead
from app.partners.models import PartnerLevel
from app.routing.candidates import MEMBER, Candidate, Snapshot
from app.routing.eligibility import members_of, take_snapshot
from app.routing.fairness import Rota
from app.routing.models import (
    LedgerKind,
    Queue,
    RoundRobin,
    RoundRobinMember,
    RuleEntry,
    RuleSet,
    RuleState,
    Turn,
)
from app.routing.reasons import Refusal
from app.routing.round_robins import get_round_robin
from app.routing.turn_ledger import LedgerRow, Member, RotaState, ledger_rows
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One member.  refusal: why it is passed over now.  passed_over: turns that went by since it could not.

    match: for which leads it takes turns, as stored; {} for all.
    """

    member_ref: str
    candidate: Candidate
    row: LedgerRow
    refusal: Refusal | None
    is_next: bool
    passed_over: int = 0
    match: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def off_by(self) -> float:
        """Turns received above (or, negative, below) the exact share."""
        return self.row.count - self.row.share


@dataclass(frozen=True, slots=True)
class Ledger:
    """since: when members, weights or eligibility last changed; turns: given since then."""

    round_robin: RoundRobin
    since: datetime | None
    turns: int
    lines: tuple[MemberLine, ...]

    @property
    def next(self) -> MemberLine | None:
        return next((line for line in self.lines if line.is_next), None)


def read_ledger(session: Session, actor: Actor, round_robin: RoundRobin, *, now: datetime) -> Ledger:
    """The ledger's present figures; four statements whatever the number of members.  Raises NotAllowed."""
    actor.require(Permission.QUEUE_VIEW)
    snapshot = take_snapshot(session, members_of([round_robin.id]), now=now)
    rota = Rota(Member(key, seat.seat, seat.weight) for key, seat in snapshot.seats.items())
    # Read only: a change of members that is not in the ledger yet shows as the epoch it will begin.
    state, _epoch = rota.begin(RotaState.from_json(round_robin.state), at=now)
    members = _members(session, list(snapshot.seats))
    eligible = frozenset(
        key for key in snapshot.seats if snapshot.refusal(snapshot.by_key[MEMBER, key]) is None
    )
    upcoming = rota.turn(state, eligible, at=now).member_id
    passed = _passed_over(session, round_robin.id, state, [k for k in snapshot.seats if k not in eligible])
    lines = tuple(_line(row, snapshot, members, upcoming, passed) for row in ledger_rows(state))
    is_begun = bool(round_robin.state)
    return Ledger(round_robin, state.since if is_begun else None, state.turns, lines)


def _line(
    row: LedgerRow,
    snapshot: Snapshot,
    members: Mapping[int, tuple[str, Any]],
    upcoming: int | None,
    passed: dict[int, int],
) -> MemberLine:
    candidate = snapshot.by_key[MEMBER, row.member_id]
    ref, match = members[row.member_id]
    return MemberLine(
        ref,
        candidate,
        row,
        snapshot.refusal(candidate),
        row.member_id == upcoming,
        passed.get(row.member_id, 0),
        match or {},
    )


def _members(session: Session, ids: list[int]) -> dict[int, tuple[str, Any]]:
    """Member → public name and match."""
    m = RoundRobinMember
    rows = session.execute(select(m.id, m.ref, m.match).where(m.id.in_(ids)))
    return {key: (ref, match) for key, ref, match in rows}


def _passed_over(
    session: Session, round_robin_id: int, state: RotaState, resting: list[int]
) -> dict[int, int]:
    """How many turns went by without each of these members, looking back over the latest hundred."""
    if not resting:
        return {}
    records = session.scalars(
        select(Turn.record)
        .where(Turn.round_robin_id == round_robin_id, Turn.kind == LedgerKind.TURN)
        .order_by(Turn.id.desc())
        .limit(100)
    ).all()
    found = dict.fromkeys(resting, 0)
    for member_id in resting:
        for turn in records:
            if turn["number"] <= state.epoch or member_id in turn["eligible"]:
                break
            found[member_id] += 1
    return found


def find_line(session: Session, actor: Actor, ref: str, member_ref: str, *, now: datetime) -> MemberLine:
    """How one member of a round robin stands.  Raises NotAllowed, NotFound."""
    ledger = read_ledger(session, actor, get_round_robin(session, ref), now=now)
    found = next((line for line in ledger.lines if line.member_ref == member_ref), None)
    if found is None:
        raise NotFound("member", member_ref)
    return found


def level_choices(session: Session) -> list[tuple[str, str]]:
    """Public name and name of the partner levels, the lowest first."""
    rows = session.execute(select(PartnerLevel.ref, PartnerLevel.name).order_by(PartnerLevel.position))
    return [(ref, name) for ref, name in rows]


@dataclass(frozen=True, slots=True)
class RoundRobinRow:
    """A round robin in the list.  turns: given in all, those given back taken off."""

    ref: str
    name: str
    members: int
    turns: int
    fallback: str
    is_in_force: bool


def list_round_robins(session: Session, actor: Actor) -> list[RoundRobinRow]:
    """All round robins by name.  One statement.  Raises NotAllowed."""
    actor.require(Permission.ROUTING_MANAGE)
    members = (
        select(func.count(RoundRobinMember.id))
        .where(RoundRobinMember.round_robin_id == RoundRobin.id, RoundRobinMember.removed_at.is_(None))
        .correlate(RoundRobin)
        .scalar_subquery()
    )
    used = exists(
        select(RuleEntry.id)
        .join(RuleSet, RuleSet.id == RuleEntry.rule_set_id)
        .where(RuleSet.state == RuleState.ACTIVE, RuleEntry.target_round_robin_id == RoundRobin.id)
        .correlate(RoundRobin)
    )
    rows = session.execute(
        select(RoundRobin, members, Queue.name, used)
        .outerjoin(Queue, Queue.id == RoundRobin.fallback_queue_id)
        .where(RoundRobin.deleted_at.is_(None))
        .order_by(RoundRobin.name_fold)
    )
    return [
        RoundRobinRow(group.ref, group.name, count, _all_turns(group), fallback or "", is_used)
        for group, count, fallback, is_used in rows
    ]


def _all_turns(group: RoundRobin) -> int:
    state = RotaState.from_json(group.state)
    return 0 if state is None else sum(state.totals) + sum(state.former.values())


@dataclass(frozen=True, slots=True)
class TurnLine:
    """A turn of late.  title is empty where the actor may not see the lead."""

    at: datetime
    to: str
    lead_ref: str
    title: str
    is_given_back: bool


def latest_turns(
    session: Session, actor: Actor, round_robin: RoundRobin, *, limit: int = 10
) -> list[TurnLine]:
    """The latest turns with the leads they were for, newest first.  One statement."""
    returned = aliased(Turn)
    rows = session.execute(
        select(Turn.at, Assignment.trace, Lead, returned.id)
        .outerjoin(Assignment, Assignment.turn_id == Turn.id)
        .outerjoin(Lead, and_(Lead.id == Assignment.lead_id, scope(Lead, actor, Level.READ)))
        .outerjoin(returned, returned.returns_turn_id == Turn.id)
        .where(Turn.round_robin_id == round_robin.id, Turn.kind == LedgerKind.TURN)
        .order_by(Turn.id.desc())
        .limit(limit)
    )
    return [
        TurnLine(
            at,
            next((step["to"] for step in trace or () if step["step"] == "turn"), ""),
            lead.ref if lead is not None else "",
            lead.title_for(actor) if lead is not None else "",
            returned_id is not None,
        )
        for at, trace, lead, returned_id in rows
    ]
