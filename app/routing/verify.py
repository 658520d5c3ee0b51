"""Checking that what routing did is what its rules say: every ledger replayed, every stored trace evaluated anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import types_ever
from app.leads.models import Assignment
from app.routing.criteria import FieldType
from app.routing.fairness import replay
from app.routing.models import LedgerKind, RoundRobin, RoundRobinMember, RuleSet, Turn
from app.routing.reasons import FOR_THIS_LEAD
from app.routing.rules import CRITERIA_FIELDS, NOT_UNDERSTOOD, RuleBook, open_book_of_then
from app.routing.turn_ledger import Record, record_from_json

_AT_ONCE = 2000


@dataclass(slots=True)
class Report:
    """What was looked at, and every difference as a sentence."""

    round_robins: int = 0
    turns: int = 0
    traces: int = 0
    differences: list[str] = field(default_factory=list)


def verify_routing(session: Session) -> Report:
    """Replay everything.  Reads only."""
    report = Report()
    for group in session.scalars(select(RoundRobin).order_by(RoundRobin.id)).all():
        report.round_robins += 1
        _verify_ledger(session, group, report)
    _verify_traces(session, report)
    return report


def verify_ledger(session: Session, group: RoundRobin) -> list[str]:
    """What differs between one round robin's ledger and its state, as sentences.  Reads only."""
    report = Report()
    _verify_ledger(session, group, report)
    return report.differences


def _verify_ledger(session: Session, group: RoundRobin, report: Report) -> None:
    where = f"round robin {group.ref}"
    try:
        state = replay(_records(session, group, report))
    except ValueError as problem:
        report.differences.append(f"{where}: {problem}")
        return
    stored = group.state or {}
    if (state.to_json() if state is not None else {}) != stored:
        report.differences.append(f"{where}: its state is not the one that its ledger leads to")


def _records(session: Session, group: RoundRobin, report: Report) -> Iterator[Record]:
    """The ledger in order.  Raises ValueError for a row that contradicts itself."""
    for row in _in_order(session, Turn, Turn.round_robin_id == group.id):
        record = record_from_json(row.record)
        if row.kind is LedgerKind.TURN:
            report.turns += 1
        if row.kind.value != row.record["kind"]:
            raise ValueError(f"row {row.id} is a {row.kind} whose record is a {row.record['kind']}")
        if row.kind is LedgerKind.TURN and row.member_id != row.record["receiver"]:
            raise ValueError(f"row {row.id} names another member than its record")
        yield record


def _in_order(session: Session, model: Any, *conditions: Any) -> Iterator[Any]:
    """All rows by key, some thousands at a time, so that memory stays flat."""
    last = 0
    while True:
        rows = session.scalars(
            select(model).where(model.id > last, *conditions).order_by(model.id).limit(_AT_ONCE)
        ).all()
        yield from rows
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].id
        for row in rows:
            session.expunge(row)


@dataclass(slots=True)
class _Looked:
    """What traces are compared with."""

    books: dict[int, RuleBook]
    members: Mapping[int, RoundRobinMember]
    types: Mapping[str, FieldType]
    turns: dict[int, Turn] = field(default_factory=dict)


def _verify_traces(session: Session, report: Report) -> None:
    looked = _Looked(
        {rules.id: open_book_of_then(session, rules) for rules in session.scalars(select(RuleSet))},
        {member.id: member for member in session.scalars(select(RoundRobinMember))},
        CRITERIA_FIELDS | types_ever(session, "lead"),
    )
    used: set[int] = set()
    chunk: list[Assignment] = []
    for assignment in _in_order(session, Assignment):
        chunk.append(assignment)
        if len(chunk) == _AT_ONCE:
            _verify_chunk(session, chunk, looked, used, report)
            chunk = []
    _verify_chunk(session, chunk, looked, used, report)
    given = set(session.scalars(select(Turn.id).where(Turn.kind == LedgerKind.TURN)))
    report.differences.extend(f"turn {key} belongs to no assignment" for key in sorted(given - used))


def _verify_chunk(
    session: Session, chunk: list[Assignment], looked: _Looked, used: set[int], report: Report
) -> None:
    ids = {a.turn_id for a in chunk if a.turn_id is not None}
    used |= ids
    looked.turns = {turn.id: turn for turn in session.scalars(select(Turn).where(Turn.id.in_(ids)))}
    for assignment in chunk:
        report.traces += bool(assignment.trace)
        for problem in _problems(assignment, looked):
            report.differences.append(f"assignment {assignment.id}: {problem}")


def _problems(assignment: Assignment, looked: _Looked) -> Iterator[str]:
    steps = {step["step"]: step for step in assignment.trace}
    if "rules" in steps and not steps["rules"].get("erased"):  # what was compared is there no more
        yield from _rules_problems(assignment, steps["rules"], looked)
    if assignment.turn_id is not None or "turn" in steps:
        yield from _turn_problems(assignment, steps.get("turn"), looked)
    if "fallback" in steps and assignment.to_queue_id != steps["fallback"]["queue"]:
        yield "its trace ends at another queue"
    target = steps.get("target")
    if target is not None:
        went_to = {"user": assignment.to_user_id, "queue": assignment.to_queue_id}
        if target["kind"] in went_to and went_to[target["kind"]] != target["id"]:
            yield "its trace ends at another target"


def _rules_problems(assignment: Assignment, step: Mapping[str, Any], looked: _Looked) -> Iterator[str]:
    book = looked.books.get(step["rules"])
    if book is None:
        yield f"version {step['number']} of the rules is gone"
        return
    gone = {position for position, why in step.get("skipped", ()) if why == NOT_UNDERSTOOD}
    values = {name: unplain(looked.types.get(name), value) for name, value in step["values"].items()}
    verdict = book.evaluate(values, without=gone)
    position = verdict.entry.position if verdict.entry else None
    if position != step["entry"]:
        yield f"version {step['number']} of the rules leads to entry {position}, not {step['entry']}"
    elif verdict.entry is not None and assignment.rule_entry_id != verdict.entry.id:
        yield "it names another entry of the rules than its trace"
    if [p for p, _why in verdict.skipped] != [p for p, _why in step.get("skipped", ())]:
        yield "other entries of the rules are skipped"


def _turn_problems(assignment: Assignment, step: Mapping[str, Any] | None, looked: _Looked) -> Iterator[str]:
    turn = looked.turns.get(assignment.turn_id or 0)
    if turn is None or turn.kind is not LedgerKind.TURN:
        yield "the ledger does not have its turn"
        return
    if step is None:
        yield "its trace does not tell of its turn"
        return
    record = turn.record
    if (turn.round_robin_id, record["number"], record["receiver"]) != (
        step["round_robin"],
        step["number"],
        step["member"],
    ):
        yield "its trace and the ledger tell of different turns"
    refused = {member for member, _name, why, *_more in step["passed"] if why in FOR_THIS_LEAD}
    resting = {member for member, _name, why, *_more in step["passed"] if why not in FOR_THIS_LEAD}
    if refused != set(record["excluded"]) or resting & set(record["eligible"]):
        yield "its trace passes over others than the ledger"
    member = looked.members.get(record["receiver"])
    if member is None or (member.user_id is not None and member.user_id != assignment.to_user_id):
        yield "it went to somebody else than the turn"
    elif member.queue_id is not None and member.queue_id != assignment.to_queue_id:
        yield "it went to another queue than the turn"


def unplain(field_type: FieldType | None, value: Any) -> Any:
    """A field's value as it was before `steps.plain` made it JSON."""
    if not isinstance(value, str):
        return value
    match field_type:
        case FieldType.DATETIME:
            return datetime.fromisoformat(value)
        case FieldType.DATE:
            return date.fromisoformat(value)
    return value
