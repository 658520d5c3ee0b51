"""The refused rows and the warnings of an import as CSV, to be corrected and imported again."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy.orm import Session

from app.intake.models import Import
from app.intake.neutralise import neutralise
from app.intake.queries import REFUSED, WARNING, all_issues
from app.intake.tables import NOTES

_ROWS_TOGETHER = 200


def rejected_csv(session: Session, import_: Import) -> Iterator[str]:
    """The refused rows in pieces of CSV: line, reason, then the file's own columns, made safe to open.

    Separated as the file was that somebody uploaded on a page, by commas otherwise.
    """
    issues = ((i.line, i.reason, i.cells) for i in all_issues(session, import_, REFUSED))
    options = import_.options
    return rejected_rows(options.get("headers", []), issues, delimiter=options.get("delimiter", ","))


def rejected_rows(
    headers: Sequence[str], issues: Iterable[tuple[int, str, Mapping[str, str]]], *, delimiter: str = ","
) -> Iterator[str]:
    """As `rejected_csv`, of (line, reason, cells by header)."""
    head = [*NOTES, *(neutralise(header) for header in headers)]
    body = (
        [line, reason, *(neutralise(str(cells.get(header, ""))) for header in headers)]
        for line, reason, cells in issues
    )
    return _csv(head, body, delimiter)


def warnings_csv(session: Session, import_: Import) -> Iterator[str]:
    """The warnings in pieces of CSV: line, what was left out or added."""
    return warning_rows((i.line, i.reason) for i in all_issues(session, import_, WARNING))


def warning_rows(issues: Iterable[tuple[int, str]]) -> Iterator[str]:
    """As `warnings_csv`, of (line, reason)."""
    return _csv(["line", "warning"], ([line, neutralise(reason)] for line, reason in issues))


def _csv(head: Sequence[object], rows: Iterable[Sequence[object]], delimiter: str = ",") -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(head)
    for count, row in enumerate(rows, start=1):
        writer.writerow(row)
        if count % _ROWS_TOGETHER == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
