"""Rows taken in one after the other: each in a savepoint of its own, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.intake.batch import Later, Taken
from app.intake.lead_rows import RefusedRow
from app.intake.record_values import NOT_STORED
from app.intake.record_writing import CREATED, UNCHANGED, UPDATED, Outcome
from app.intake.tables import Row
from app.kernel.errors import DomainError


@dataclass(slots=True)
class Told:
    """What became of a row.  words: of what stands in its way.  outcomes: (kind, outcome) of its records."""

    words: Callable[[DomainError], Any]
    warnings: list[Any] = field(default_factory=list)
    outcomes: list[tuple[str, Outcome]] = field(default_factory=list)

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, DomainError):
            raise RowRefused(self.words(error)) from error


class RowRefused(Exception):
    """The row is not taken.  reason: in words."""

    def __init__(self, reason: Any) -> None:
        super().__init__()
        self.reason = reason


def take_each(session: Session, rows: Sequence[Row], take: Callable[[Row], Told]) -> Taken:
    """Take rows in one after the other, each in a savepoint of its own."""
    taken = Taken()
    for row in rows:
        take_one(session, taken, row, take)
    return taken


def take_one(session: Session, taken: Taken, row: Row, take: Callable[[Row], Told]) -> None:
    """Take a row in, or note why it is refused."""
    if row.problem is not None:
        taken.refused.append(RefusedRow(row, row.problem))
        return
    try:
        with session.begin_nested():
            told = take(row)
    except RowRefused as refused:
        taken.refused.append(RefusedRow(row, refused.reason))
    except (IntegrityError, DataError):
        taken.refused.append(RefusedRow(row, NOT_STORED))
    else:
        note_taken(taken, row, told)


def note_taken(taken: Taken, row: Row, told: Told) -> None:
    """Count what became of a row that is taken in, and say what is remarkable about it."""
    warnings = [*([] if row.warning is None else [row.warning]), *told.warnings]
    taken.warnings.extend((row.line_number, warning) for warning in warnings)
    for kind, outcome in told.outcomes:
        taken.flagged += outcome.is_alike
        if outcome.later is not None:
            taken.later.append(Later(row.line_number, kind, outcome.record.ref, outcome.later))
    _kind, last = told.outcomes[-1]  # of a contact, where the row has one
    taken.created += last.became == CREATED
    taken.updated += last.became == UPDATED
    taken.unchanged += last.became == UNCHANGED
