"""Writing a list to a file: CSV or XLSX, batch after batch, so that memory stays flat however long it is.

Only what the person may read in full goes in, as they may when its batch comes up.  Cells that a spreadsheet would take
for formulas are made harmless in CSV (`intake.neutralise`) and are plain strings in XLSX (`sheet_file`).  Columns are
made whole, which is several times faster than cell by cell.
"""

import csv
import time
from collections.abc import Callable, Sequence
from datetime import date
from operator import itemgetter
from typing import Any, Protocol

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import not_
from sqlalchemy.orm import Session

from app.intake.neutralise import neutralise
from app.kernel.actor import Level
from app.kernel.db import reading, transaction
from app.lists.catalogue import Kind, ListField, fields_of, objects
from app.lists.found import count_rows
from app.lists.jobs import Held, Stopped, acting_for, folder, list_of
from app.lists.models import JobState, ListJob
from app.lists.moment_text import is_moment, moment_text
from app.lists.query import ListQuery
from app.lists.rows import column_batches
from app.lists.sheet_file import SheetFile
from app.lists.standing import standing_of

BATCH = 2000
MOST_LEFT_OUT = 10_000
TELL_EVERY = 1.0  # seconds between two notes of how far it is
# Headings of a file that are the labels of the screen.
AS_SHOWN = "shown"
FORMATS = ("csv", "xlsx")
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
_FIRST_LETTER = itemgetter(slice(1))
_TEXTS = (Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL)
# What begins otherwise is no formula, whatever follows; the rest is looked at more closely.
_SUSPECT = frozenset("=+-@\t\r\n＝＋－＠ \u00a0\u200b\u200e\u200f\ufeff")


class File(Protocol):
    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Append rows, given column by column."""

    def close(self) -> None:
        """Finish the file."""


class ExportRun:
    """Writes the job's file.  A run that begins anew writes it anew."""

    def __init__(self) -> None:
        self._file: File | None = None
        self._after: tuple[Any, int] | None = None
        self._done = 0
        self._told = 0.0

    def step(self, held: Held) -> bool:
        """Write the next batch.  Raises Lost, Stopped, OSError."""
        if self._file is None:
            self._open(held)
        with reading() as session:
            job = session.get_one(ListJob, held.job_id, populate_existing=True)
            actor = acting_for(session, job)
            actor.require(objects()[job.object].export)
            with force_locale(actor.language):
                query = _meant_for(job, list_of(session, actor, job))
                fields = columns_of(fields_of(session, actor, job.object), job.task.get("columns") or ())
                found = next(
                    column_batches(
                        session, actor, query, fields, after=self._after, level=Level.READ, size=BATCH
                    ),
                    None,
                )
                columns, self._after = found if found is not None else ([[]], self._after)
                assert self._file is not None
                shown = zip(fields, columns[1:], strict=False)
                self._file.write([columns[0], *(written(field, column) for field, column in shown)])
        rows = len(columns[0])
        self._done += rows
        more = rows == BATCH
        if not more:
            self._end(held)
        elif time.monotonic() - self._told >= TELL_EVERY:
            self._tell(held)
        return more

    def close(self) -> None:
        """Let go of the file; what is not whole is removed with its job."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def fail(self, session: Session, job: ListJob) -> None:
        """The file is removed by whoever ends the job."""

    def _open(self, held: Held) -> None:
        with transaction() as session:
            job = held.hold(session)
            job.path = f"{job.ref}.{job.task['format']}"
            job.done = 0
            actor = acting_for(session, job)
            # Kept from before the first row, so that who loses something meanwhile does not get the file.
            job.task = {**job.task, "standing": standing_of(actor)}
            columns = columns_of(fields_of(session, actor, job.object), job.task.get("columns") or ())
            with force_locale(actor.language):
                names = (
                    headings(columns) if job.task.get("headings") == AS_SHOWN else [f.name for f in columns]
                )
            path, format_ = folder() / job.path, job.task["format"]
        path.unlink(missing_ok=True)
        self._file = CsvFile(path) if format_ == "csv" else SheetFile(path)
        self._file.write([[name] for name in ("id", *names)])

    def _tell(self, held: Held) -> None:
        with transaction() as session:
            held.hold(session).done = self._done
        self._told = time.monotonic()

    def _end(self, held: Held) -> None:
        self.close()
        with transaction() as session:
            job = held.hold(session)
            job.done = job.rows = self._done
            if job.task.get("purpose"):
                job.task = {**job.task, "left_out": _left_out(session, job)}
            held.end(session, acting_for(session, job), JobState.DONE)


def _meant_for(job: ListJob, query: ListQuery, *, reached: bool = True) -> ListQuery:
    """The list without those who may not be reached by what the file is for; or only those."""
    known = objects()[job.object].purposes.get(job.task.get("purpose", ""))
    if known is None:
        return query
    return query.where(known[1] if reached else not_(known[1]))


def _left_out(session: Session, job: ListJob) -> int:
    """How many of the list are not in the file for that reason, counted no further than `MOST_LEFT_OUT` and one."""
    actor = acting_for(session, job)
    query = _meant_for(job, list_of(session, actor, job), reached=False)
    return count_rows(session, actor, query, cap=MOST_LEFT_OUT)


def columns_of(fields: Any, names: Sequence[str]) -> list[ListField]:
    """The columns of an export: those named as far as they are there, else all that exports hold.  Raises Stopped."""
    if names:
        found = [fields[name] for name in names if name in fields and fields[name].is_column]
    else:
        found = [field for field in fields.values() if field.is_column and field.is_export]
    if not found:
        raise Stopped(_("None of these fields is there any more."))
    return found


def headings(columns: Sequence[ListField]) -> list[str]:
    """What the columns are called on the screen of whoever asked; two of one label have their names too."""
    shown = [str(field.label) for field in columns]
    return [
        label if shown.count(label) == 1 else f"{label} ({field.name})"
        for label, field in zip(shown, columns, strict=True)
    ]


def written(field: ListField, column: Sequence[Any]) -> list[Any]:
    """A column of shown values as a file holds them; "" for none."""
    if is_moment(field) or (field.kind in _TEXTS and field.text is None and field.resolve is None):
        return ["" if value is None else value for value in column]
    make = maker_of(field)
    return ["" if value is None else make(value) for value in column]


def maker_of(field: ListField) -> Callable[[Any], Any]:
    """What an export writes of a shown value of the field; never of None."""
    if field.text is not None:
        return field.text
    match field.kind:
        case Kind.MOMENT:
            return moment_text
        case Kind.DATE:
            return date.isoformat
        case Kind.YES_NO:
            return lambda value: "true" if value else "false"
        case Kind.NUMBER | Kind.MONEY:
            return _number
        case Kind.NAMES:
            return ", ".join
    return str


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class CsvFile:
    """UTF-8 with a mark that spreadsheets know it by."""

    def __init__(self, path: Any) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        path.chmod(0o600)
        self._file.write(_BYTE_ORDER_MARK)
        self._writer = csv.writer(self._file)

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        self._writer.writerows(zip(*map(_harmless, columns), strict=True))

    def close(self) -> None:
        self._file.close()


def _harmless(column: Sequence[Any]) -> Sequence[Any]:
    """The column without formulas; most have none, and none of their cells is looked at twice."""
    kinds = set(map(type, column))
    texts = column if kinds == {str} else [cell for cell in column if isinstance(cell, str)]
    if _SUSPECT.isdisjoint(set(map(_FIRST_LETTER, texts))):
        return column
    return [neutralise(c) if isinstance(c, str) and c[:1] in _SUSPECT else c for c in column]
