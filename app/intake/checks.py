"""What an import would do, found out by doing it and rolling it back: same code, same answers, nothing left."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from flask_babel import force_locale
from sqlalchemy.orm import Session

from app.intake.batch import Later, Taken
from app.intake.full_names import split_name, telling
from app.intake.models import Import
from app.intake.neutralise import original
from app.intake.queries import group_issues
from app.intake.record_later import settle
from app.intake.record_values import LAST_NAMES
from app.intake.run import use_indexes
from app.intake.tables import Table
from app.intake.takers import Taker, find_taker
from app.intake.targets import Targets
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import transaction
from app.leads.arrivals import Arrival

# Rows tried in one transaction: turns and capacities hold within it, and SQLite's writer is held for it.
ROWS_TOGETHER = 2000
NAMES_SHOWN = 10


@dataclass(slots=True)
class Check:
    """What would become of the rows that were tried.

    rows: how many were.  targets: where new leads would go.  refusals, warned: (line, reason) of each.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    warnings: int = 0
    duplicates: int = 0
    halves: Counter[str] = field(default_factory=Counter)
    targets: Targets = field(default_factory=Targets)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    warned: list[tuple[int, str]] = field(default_factory=list)
    later: list[Later] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return self.created + self.updated + self.unchanged

    def to_json(self) -> dict[str, Any]:
        """Plain values, for keeping beside the import."""
        return {
            "rows": self.rows,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "refused": self.refused,
            "warnings": self.warnings,
            "duplicates": self.duplicates,
            "halves": dict(self.halves),
            "targets": self.targets.to_json(),
            "refusals": [[g.reason, g.count, list(g.lines)] for g in group_issues(self.refusals)],
            "warned": [[g.reason, g.count, list(g.lines)] for g in group_issues(self.warned)],
        }


def check_table(
    actor: Actor, import_: Import, table: Table, *, limit: int | None = None
) -> Iterator[tuple[Check, Taken]]:
    """Try the table's rows; after each batch what has been found so far, and that batch.

    import_: its mapping and options count; it need not be stored.  limit: rows to try, None for all.
    Nothing stays written.  Raises NotATable.
    """
    check, rows = Check(), islice(table.rows(), limit)
    seen: set[int] = set()
    with transaction() as session:
        taker = find_taker(session, import_, table)
    while chunk := list(islice(rows, ROWS_TOGETHER)):
        read = taker.read(chunk)
        with _rolled_back() as session, force_locale(actor.language):
            use_indexes(session)
            for taken, count in _try(session, actor, taker, read):
                _note(session, check, taken, count, seen)
                if check.rows < ROWS_TOGETHER and check.rows == len(chunk):
                    _settle(session, actor, check, taken)
                yield check, taken
                taker.go_on()


def _try(session: Session, actor: Actor, taker: Taker, read: Sequence[Any]) -> Iterator[tuple[Taken, int]]:
    for start in range(0, len(read), taker.batch_rows):
        rows = read[start : start + taker.batch_rows]
        yield taker.take(session, actor, rows, None, clock.now()), len(rows)


def _settle(session: Session, actor: Actor, check: Check, taken: Taken) -> None:
    """Look up what later rows have made.  Of a file that is tried in parts it is not known before the end."""
    for later in check.later:
        complaint = settle(session, actor, later, clock.now())
        if complaint is not None:
            check.warnings += 1
            check.warned.append((later.line, str(complaint)))
            taken.warnings.append((later.line, complaint))
    check.later.clear()


def _note(session: Session, check: Check, taken: Taken, rows: int, seen: set[int]) -> None:
    check.rows += rows
    new: list[Arrival] = []
    for arrival in taken.new:
        # What an earlier part of the file would have created is not there any more.
        external_id = arrival.attributes.get("external_id")
        if external_id is not None and hash(external_id) in seen:
            check.updated += 1
            continue
        if external_id is not None:
            seen.add(hash(external_id))
        check.created += 1
        check.duplicates += bool(arrival.attributes["duplicates"])
        new.append(arrival)
    check.created += taken.created - len(taken.new)
    check.targets.count(session, new)
    check.duplicates += taken.flagged
    check.halves.update(taken.halves)
    check.later.extend(taken.later)
    check.updated += taken.updated
    check.unchanged += taken.unchanged
    check.refused += len(taken.refused)
    check.warnings += len(taken.warnings)
    check.refusals.extend((row.row.line_number, str(row.reason)) for row in taken.refused)
    check.warned.extend((line, str(reason)) for line, reason in taken.warnings)


def split_names(table: Table, mapping: Mapping[str, str | None]) -> list[tuple[str, str, str]]:
    """(name, first name, last name) of some names that the file has whole."""
    column = next(
        ((header, LAST_NAMES[name]) for header, name in mapping.items() if name in LAST_NAMES), None
    )
    if column is None:
        return []
    header, count = column
    texts = (original(row.cells.get(header, "")) for row in islice(table.rows(), ROWS_TOGETHER))
    split = [
        (text[:255], split_name(text[:255], last_names=count)) for text in telling(texts, most=NAMES_SHOWN)
    ]
    return [(text, first or "", last) for text, (first, last) in split]


class _Undo(Exception):
    """Ends a transaction without keeping anything of it."""


@contextmanager
def _rolled_back() -> Iterator[Session]:
    try:
        with transaction() as session:
            yield session
            raise _Undo
    except _Undo:
        pass
