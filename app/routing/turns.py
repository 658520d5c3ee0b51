"""Taking turns within one transaction: round robins are locked and read once, decided in memory, written once.

`take_turn` gives one turn; `Turns` gives as many as an import or a bulk change needs.  The ledger's rows
and the state are written in the transaction of the assignments, by `Turns.write`.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from app.kernel.bulk import insert_rows
from app.leads.models import LeadRefusal
from app.routing.candidates import MEMBER, Candidate, Snapshot
from app.routing.eligibility import members_of, take_snapshot
from app.routing.fairness import Rota
from app.routing.matching import LeadFacts, Match
from app.routing.models import LedgerKind, RoundRobin, Turn
from app.routing.reasons import Reason, Refusal
from app.routing.seats import keep_seat, lock_round_robins
from app.routing.turn_ledger import (
    EpochRecord,
    GivenBackRecord,
    Member,
    Record,
    RotaState,
    TurnRecord,
    record_from_json,
)
from app.sharing.keys import reserve_keys

NOBODY: frozenset[int] = frozenset()
MANY = 2  # ledger rows above which they are copied in instead of inserted
# Both are met on every turn, while others wait for the same round robin: made once, and without the
# bookkeeping that sessions add.
_TURNS, _ROUND_ROBINS = cast("Table", Turn.__table__), cast("Table", RoundRobin.__table__)
_INSERT = insert(_TURNS).returning(_TURNS.c.id)
_SAVE = (
    update(_ROUND_ROBINS)
    .where(_ROUND_ROBINS.c.id == bindparam("round_robin_id"))
    .values(state=bindparam("new_state"))
)


@dataclass(slots=True)
class Taken:
    """A turn, or that nobody could take it (candidate is None).

    step: for the assignment's trace.  turn_id: known once `Turns.write` has run.
    """

    round_robin: RoundRobin
    candidate: Candidate | None
    step: dict[str, Any]
    turn_id: int | None = None


@dataclass(slots=True)
class _Group:
    """One round robin at work.  eligible and passed hold until the snapshot says that somebody became full."""

    row: RoundRobin
    rota: Rota
    state: RotaState
    candidates: Mapping[int, Candidate]
    positions: Mapping[int, int]
    is_changed: bool = False
    as_of: int = -1
    eligible: frozenset[int] = NOBODY
    matches: Mapping[int, Match] = field(default_factory=dict)
    passed: list[list[Any]] = field(default_factory=list)


class Turns:
    """The round robins of one transaction.  The rows must be locked: `seats.lock_round_robins`.

    snapshot: must hold every present member, asked for with `eligibility.members_of`.
    """

    def __init__(self, round_robins: Iterable[RoundRobin], snapshot: Snapshot, *, now: datetime) -> None:
        self.snapshot = snapshot
        self.now = now
        self._rows: list[dict[str, Any]] = []
        self._written: list[Taken | None] = []
        members: dict[int, list[Member]] = {}
        for member_id, seat in snapshot.seats.items():
            members.setdefault(seat.round_robin_id, []).append(Member(member_id, seat.seat, seat.weight))
        self._groups = {row.id: self._begin(row, members.get(row.id, [])) for row in round_robins}

    @classmethod
    def open(cls, session: Session, ids: Iterable[int], *, now: datetime) -> "Turns":
        """Lock the round robins and read their members, in two statements."""
        rows = lock_round_robins(session, ids)
        snapshot = take_snapshot(session, members_of(rows), now=now) if rows else Snapshot(now)
        return cls(rows.values(), snapshot, now=now)

    def __contains__(self, round_robin_id: int) -> bool:
        return round_robin_id in self._groups

    def round_robin(self, round_robin_id: int) -> RoundRobin:
        return self._groups[round_robin_id].row

    def take(
        self,
        round_robin_id: int,
        *,
        facts: LeadFacts | None = None,
        refusing: AbstractSet[int] = NOBODY,
        keep: Callable[[Candidate], bool] | None = None,
    ) -> Taken:
        """Give the next turn, in memory.

        facts: of the lead, for members who take turns for some leads alone; None asks no match.
        refusing: companies that are passed over for this one lead.  keep: asked of the receiver; when it
        answers False (and has told the snapshot so) the turn is decided anew.
        """
        group = self._groups[round_robin_id]
        while True:
            self._look(group)
            excluded, passed = NOBODY, group.passed
            if refusing or (facts is not None and group.matches):
                excluded, passed = self._without(group, refusing, facts)
            turn = group.rota.turn(group.state, group.eligible, excluded, at=self.now)
            if turn.member_id is None or turn.record is None:
                return Taken(group.row, None, _nobody_step(group.row, passed))
            candidate = group.candidates[turn.member_id]
            if keep is None or keep(candidate):
                break
        group.state, group.is_changed = turn.state, True
        self.snapshot.take_seat(candidate)
        step = _turn_step(group, candidate, turn.record, turn.explanation.reason, passed)
        taken = Taken(group.row, candidate, step)
        self._note(group.row.id, turn.record, taken)
        return taken

    def give_back(self, turn: Turn) -> None:
        """Undo a turn, in memory; each at most once (the ledger refuses a second row for it)."""
        group = self._groups[turn.round_robin_id]
        record = record_from_json(turn.record)
        if not isinstance(record, TurnRecord):
            raise TypeError(f"ledger row {turn.id} is no turn")
        group.state, given_back = group.rota.give_back(group.state, record, at=self.now)
        group.is_changed = True
        self._note(turn.round_robin_id, given_back, None, returns=turn)

    def write(self, session: Session) -> None:
        """Write the ledger's rows and the states; every `Taken` learns its turn's id.  Does not commit."""
        if len(self._rows) > MANY:
            keys = reserve_keys(session, Turn, len(self._rows))
            insert_rows(
                session, Turn, [{"id": key, **row} for key, row in zip(keys, self._rows, strict=True)]
            )
            self._number(keys)
        elif self._rows:
            connection = session.connection()
            self._number([connection.execute(_INSERT, row).scalar_one() for row in self._rows])
        changed = [
            {"round_robin_id": key, "new_state": group.state.to_json()}
            for key, group in self._groups.items()
            if group.is_changed
        ]
        if changed:
            session.connection().execute(_SAVE, changed)
        for group in self._groups.values():
            group.is_changed = False
        self._rows, self._written = [], []

    def _number(self, keys: Iterable[int]) -> None:
        for taken, turn_id in zip(self._written, keys, strict=True):
            if taken is not None:
                taken.turn_id = turn_id

    def _begin(self, row: RoundRobin, members: list[Member]) -> _Group:
        rota = Rota(members)
        state, epoch = rota.begin(RotaState.from_json(row.state), at=self.now)
        if epoch is not None:
            self._note(row.id, epoch, None)
        candidates = {m.id: self.snapshot.by_key[MEMBER, m.id] for m in rota.members}
        positions = {m.id: i for i, m in enumerate(rota.members)}
        matches = {
            m.id: match for m in rota.members if (match := self.snapshot.seats[m.id].match) is not None
        }
        return _Group(row, rota, state, candidates, positions, is_changed=epoch is not None, matches=matches)

    def _look(self, group: _Group) -> None:
        """Who may take turns now, and who is passed over and why."""
        if group.as_of == self.snapshot.changes:
            return
        eligible, passed = [], []
        for member_id, candidate in group.candidates.items():
            refusal = self.snapshot.refusal(candidate)
            if group.row.deleted_at is not None:
                passed.append([member_id, candidate.name, Reason.GONE.value])
            elif refusal is None:
                eligible.append(member_id)
            else:
                passed.append([member_id, candidate.name, *refusal.to_json()])
        group.eligible, group.passed, group.as_of = frozenset(eligible), passed, self.snapshot.changes

    def _without(
        self, group: _Group, refusing: AbstractSet[int], facts: LeadFacts | None
    ) -> tuple[frozenset[int], list[list[Any]]]:
        """Who is passed over for this lead alone, and everybody who is passed over with the reason."""
        passed = []
        for member_id in sorted(group.eligible):
            candidate, match = group.candidates[member_id], group.matches.get(member_id)
            missed = match.misses(facts, candidate.level_ref) if match and facts is not None else None
            if candidate.company_id in refusing:
                passed.append([member_id, candidate.name, *Refusal(Reason.REFUSED_BEFORE).to_json()])
            elif missed is not None:
                refusal = Refusal(Reason.NO_MATCH, {"what": missed})
                passed.append([member_id, candidate.name, *refusal.to_json()])
        return frozenset(line[0] for line in passed), [*group.passed, *passed]

    def _note(
        self, round_robin_id: int, record: Record, taken: Taken | None, returns: Turn | None = None
    ) -> None:
        member_id = record.receiver if isinstance(record, TurnRecord) else returns and returns.member_id
        self._rows.append(
            {
                "round_robin_id": round_robin_id,
                "kind": _KINDS[type(record)],
                "at": self.now,
                "member_id": member_id,
                "returns_turn_id": returns.id if returns else None,
                "record": record.to_json(),
            }
        )
        self._written.append(taken)


_KINDS = {
    EpochRecord: LedgerKind.EPOCH,
    TurnRecord: LedgerKind.TURN,
    GivenBackRecord: LedgerKind.GIVEN_BACK,
}


def _turn_step(
    group: _Group, candidate: Candidate, record: TurnRecord, why: str, passed: list[list[Any]]
) -> dict[str, Any]:
    state, position = group.state, group.positions[record.receiver]
    count = state.counts[position]
    share = count + state.numerators[position] / state.denominator - float(state.base[position])
    return {
        "step": "turn",
        "round_robin": group.row.id,
        "name": group.row.name,
        "number": record.number,
        "member": record.receiver,
        "to": candidate.name,
        "count": count,
        "turns": state.turns,
        "share": round(share, 3),
        "why": why,
        "passed": passed,
    }


def _nobody_step(row: RoundRobin, passed: list[list[Any]]) -> dict[str, Any]:
    return {"step": "nobody", "round_robin": row.id, "name": row.name, "passed": passed}


def take_turn(
    session: Session,
    round_robin_id: int,
    *,
    now: datetime,
    facts: LeadFacts | None = None,
    refusing: AbstractSet[int] = NOBODY,
    turns: Turns | None = None,
) -> Taken:
    """Give one turn and write it; the receiver's seat is held until the transaction ends.

    turns: those of the transaction if it has opened any; the round robin must be among them.
    Does not commit; the caller places the lead in the same transaction.
    """
    turns = turns or Turns.open(session, [round_robin_id], now=now)

    def keep(candidate: Candidate) -> bool:
        return keep_seat(session, turns.snapshot, candidate) is None

    taken = turns.take(round_robin_id, facts=facts, refusing=refusing, keep=keep)
    turns.write(session)
    return taken


def find_turn(session: Session, turn_id: int) -> Turn | None:
    """A turn that can still be given back; None when it has been."""
    returned = select(Turn.id).where(Turn.returns_turn_id == turn_id)
    return session.scalar(
        select(Turn).where(Turn.id == turn_id, Turn.kind == LedgerKind.TURN, ~returned.exists())
    )


def give_turn_back(session: Session, turn_id: int, *, now: datetime, turns: Turns | None = None) -> bool:
    """Undo a turn, for a lead that was no good or was taken back; False when that has been done before.

    Locks its round robin unless `turns` holds it.  Does not commit.
    """
    round_robin_id = session.scalar(select(Turn.round_robin_id).where(Turn.id == turn_id))
    if round_robin_id is None:
        return False
    if turns is None or round_robin_id not in turns:
        turns = Turns.open(session, [round_robin_id], now=now)
    turn = find_turn(session, turn_id)  # looked at under the lock: two may try at once
    if turn is None:
        return False
    turns.give_back(turn)
    turns.write(session)
    return True


def refusing_companies(session: Session, lead_id: int | None) -> frozenset[int]:
    """Companies that declined the lead or let its offer expire."""
    return NOBODY if lead_id is None else refusals_of(session, [lead_id]).get(lead_id, NOBODY)


def refusals_of(session: Session, lead_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Lead → companies that declined it or let its offer expire; leads without any are left out."""
    found: dict[int, set[int]] = {}
    for lead_id, company_id in session.execute(_REFUSALS, {"leads": list(lead_ids)}):
        found.setdefault(lead_id, set()).add(company_id)
    return {lead_id: frozenset(companies) for lead_id, companies in found.items()}


_REFUSALS = select(LeadRefusal.lead_id, LeadRefusal.company_id).where(
    LeadRefusal.lead_id.in_(bindparam("leads", expanding=True))
)
