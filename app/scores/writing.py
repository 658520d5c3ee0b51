"""Writing scores: of leads that were just changed, or that the worker goes through; and what follows from them.

The one place that writes `lead.score`.  A score is no change of the lead: its version, and who changed it last, stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, inspect, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.events.operations import record_many
from app.leads.models import Lead
from app.routing.alerts import Alert, raise_alerts
from app.routing.models import Queue
from app.scores.books import SCORING, Book, Score, Scorer
from app.scores.lines import Problem
from app.sharing.scope import scope
from app.sharing.touched import touch

ASKED = (
    Lead.ref,
    Lead.is_open,
    Lead.owner_queue_id,
    Lead.is_owner_chosen,
    Lead.marketing_qualified_at,
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A lead as events name it."""

    id: int
    ref: str

    @property
    def __tablename__(self) -> str:
        return "lead"


def write_scores(
    session: Session, scorer: Scorer, rows: Iterable[Any], *, new: frozenset[int] = frozenset(), now: datetime
) -> int:
    """Write the scores that are not as the version says; how many leads were written.

    rows: of `books.leads_to_score` with `ASKED`.  new: those that arrive in this very transaction, which were routed with
    their score.  Writes an event for each lead that is marketing-qualified now, and alerts.  Does not commit.
    """
    day, book = now.date(), scorer.book
    found = [(row, scorer.of_row(row, day)) for row in rows]
    waiting_in = _queue_to_leave(session, book) if book.routes_again else None
    changes, crossed = [], []
    for row, score in found:
        crosses = is_handed_over_by(book, row, score.value)
        if (score.value, score.due_on) == (row.score, row.score_due_on) and not crosses:
            continue
        change = {"score": score.value, "score_due_on": score.due_on}
        if crosses:
            crossed.append((row, score))
            change |= {"marketing_qualified_at": now, "marketing_qualified_by_id": None}
            if row.id not in new and waits(row, waiting_in):
                change["route_due_at"] = now
        changes.append((row.id, change))
    _write(session, changes)
    events: list[tuple[str, Any, dict[str, Any], dict[str, Any]]] = [
        ("marketing_qualified", Scored(row.id, row.ref), {}, _told(book, score)) for row, score in crossed
    ]
    record_many(session, SCORING, events, at=now)
    raise_alerts(session, troubles(book, found), now=now)
    return len(changes)


def is_handed_over_by(book: Book, row: Any, score: int) -> bool:
    """Whether the score makes it marketing-qualified now."""
    return bool(book.reaches(score) and row.marketing_qualified_at is None and row.is_open)


def waits(lead: Any, queue_id: int | None) -> bool:
    """Whether it waits in that queue and nobody chose its owner."""
    return queue_id is not None and lead.owner_queue_id == queue_id and not lead.is_owner_chosen


def _queue_to_leave(session: Session, book: Book) -> int | None:
    if book.route_queue_id is not None:
        return book.route_queue_id
    return session.scalar(select(Queue.id).where(Queue.is_default))


def queue_to_leave(session: Session, book: Book | None) -> int | None:
    """The queue whose leads are routed anew when they are handed over; None for none."""
    return _queue_to_leave(session, book) if book is not None and book.routes_again else None


def _told(book: Book, score: Score) -> dict[str, Any]:
    return {"score": score.value, "threshold": book.threshold, "number": book.number}


def troubles(book: Book, found: Sequence[tuple[Any, Score]]) -> list[Alert]:
    """An alert for each line that could not be asked of a lead.  Lines that nobody can ask are told of by the worker."""
    return [
        Alert(
            "score_line",
            f"{book.ref}:{place}",
            {"name": part.line.name, "number": book.number, "reason": str(part.problem)},
            row.ref,
        )
        for row, score in found
        for place, part in enumerate(score.parts)
        if part.problem and part.problem != Problem.NOT_UNDERSTOOD
    ]


def _write(session: Session, changes: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for key, change in changes:
        values = {"the_id": key, **{f"new_{name}": value for name, value in change.items()}}
        by_columns.setdefault(tuple(change), []).append(values)
    for names, rows in by_columns.items():
        session.execute(
            update(Lead.__table__)  # type: ignore[arg-type]  # a Table, whatever its base says
            .where(scope(Lead, SCORING), Lead.id == bindparam("the_id"))
            .values({name: bindparam(f"new_{name}") for name in names}),
            rows,
        )
    touch(session, Lead.__tablename__, (key for key, _change in changes))
    for key, change in changes:
        loaded = session.identity_map.get(inspect(Lead).identity_key_from_primary_key((key,)))
        if loaded is not None:
            for name, value in change.items():
                set_committed_value(loaded, name, value)
