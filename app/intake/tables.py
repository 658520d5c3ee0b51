"""An uploaded table, whatever it was saved as: CSV in its many dialects, a sheet of an XLSX, address cards.

A table has headers, each different, and rows of text that are read one after the other: memory does not
grow with the file, and reading can go on from a line.  What a column means is `mapping`'s matter.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid

LONGEST_HEADER = 200
MOST_COLUMNS = 2000
# What a file of refused rows has in front of the columns of the file that they came from.
NOTES = ["line", "reason"]


class NotATable(Invalid):
    """The file cannot be read as a table.  message: a sentence that says what it seems to be."""

    slug = "not-a-table"

    def __init__(self, message: Any) -> None:
        super().__init__({"file": [message]}, message)


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header.

    line_number: where it begins in the file, from 1 (in a sheet: its row).
    cells: header → text as it stands there, "" when empty; every header is a key.
    problem: why the row cannot be taken, as a sentence; then cells hold what could be read, perhaps nothing.
    warning: something to report although the row is taken.
    """

    line_number: int
    cells: dict[str, str]
    problem: Any = None
    warning: Any = None


class Table(Protocol):
    """headers: in file order, unique and never empty.  warnings: sentences about the file as a whole.

    delimiter: of a CSV; "," for a sheet and for cards.  sheets: names of a workbook's visible ones, else none;
    sheet: the one that is read, "" where there are none.
    """

    kind: str
    sheets: Sequence[str]
    sheet: str
    headers: list[str]
    header_line: int
    warnings: list[Any]

    @property
    def delimiter(self) -> str: ...

    def rows(self, start_line: int = 0) -> Iterator[Row]:
        """The rows that begin at `start_line` or below it; blank ones are left out.  May be called again."""
        ...

    def count_rows(self) -> int:
        """How many rows `rows()` gives; reads the whole file."""
        ...


def open_table(
    path: Path,
    *,
    headers: Sequence[str] | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Table:
    """Look at the file and find its form.  The name does not count, the contents do.

    headers: for a file that has none; then its first row is data.  delimiter, encoding: for a CSV whose
    own are known; else they are found out.  sheet: name of a workbook's, None for the first with anything in it.
    Raises NotATable; FileNotFoundError and other OSErrors as they come.
    """
    from app.intake.csv_table import CsvTable
    from app.intake.vcard_table import VcardTable
    from app.intake.xlsx_table import XlsxTable

    with path.open("rb") as file:
        head = file.read(8192)
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise NotATable(_l("The file is empty."))
    if head.startswith(b"PK\x03\x04"):
        return _without_notes(XlsxTable(path, headers=headers, sheet=sheet))
    _refuse_what_is_no_text(head)
    if _is_vcard(head):
        return VcardTable(path, encoding=encoding)
    return _without_notes(CsvTable(path, headers=headers, delimiter=delimiter, encoding=encoding))


class _Corrected:
    """Refused rows that come back: the table that they were refused from, without what was noted of them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.kind, self.sheets, self.sheet = table.kind, table.sheets, table.sheet
        self.headers = table.headers[len(NOTES) :]
        self.header_line, self.warnings = table.header_line, table.warnings

    @property
    def delimiter(self) -> str:
        return self._table.delimiter

    def rows(self, start_line: int = 0) -> Iterator[Row]:
        for row in self._table.rows(start_line):
            cells = {header: row.cells[header] for header in self.headers}
            if row.problem is not None or any(cell.strip() for cell in cells.values()):
                yield replace(row, cells=cells)

    def count_rows(self) -> int:
        return sum(1 for _ in self.rows())


def _without_notes(table: Table) -> Table:
    return (
        _Corrected(table)
        if table.headers[: len(NOTES)] == NOTES and len(table.headers) > len(NOTES)
        else table
    )


def name_headers(cells: Sequence[str]) -> list[str]:
    """Headers that are each different and never empty: "Column 3" for none, "Name (2)" for the second Name."""
    if len(cells) > MOST_COLUMNS:
        raise NotATable(_l("The file has more than %(limit)s columns.", limit=MOST_COLUMNS))
    taken: set[str] = set()
    names = []
    for place, cell in enumerate(cells, start=1):
        printable = "".join(c if c.isprintable() else " " for c in cell)
        wanted = " ".join(printable.split())[:LONGEST_HEADER].rstrip() or f"Column {place}"
        name, again = wanted, 1
        while name.casefold() in taken:
            again += 1
            name = f"{wanted} ({again})"
        taken.add(name.casefold())
        names.append(name)
    return names


_FORMATS = (
    (b"%PDF", _l("This is a PDF. Save the table as CSV or XLSX.")),
    (b"\xd0\xcf\x11\xe0", _l("This is an old Excel file or one with a password. Save it as XLSX or CSV without one.")),
    (b"\x89PNG", _l("This is a picture, not a table.")),
    (b"\xff\xd8\xff", _l("This is a picture, not a table.")),
    (b"GIF8", _l("This is a picture, not a table.")),
    (b"\x1f\x8b", _l("This is a compressed file. Unpack it first.")),
    (b"7z\xbc\xaf", _l("This is a compressed file. Unpack it first.")),
    (b"Rar!", _l("This is a compressed file. Unpack it first.")),
    (b"BZh", _l("This is a compressed file. Unpack it first.")),
    (b"SQLite format 3", _l("This is a database file, not a table.")),
    (b"\x7fELF", _l("This is a program, not a table.")),
    (b"MZ\x90", _l("This is a program, not a table.")),
)  # fmt: skip
_PAGES = (
    b"<!doctype",
    b"<html",
    b"<?xml",
    b"<head",
    b"<body",
    b"<table",
    b"<meta",
    b"<div",
    b"<script",
    b"<svg",
)
_CONTROL = bytes([*range(1, 9), *range(14, 27), *range(28, 32), 127])


def _is_vcard(head: bytes) -> bool:
    """In whatever encoding: the zeros of wide characters do not count."""
    text = head.lstrip(b"\xef\xbb\xbf\xff\xfe").replace(b"\0", b"").lstrip().lower()
    return re.match(rb"begin\s*:\s*vcard\s", text) is not None


def _refuse_what_is_no_text(head: bytes) -> None:
    for magic, sentence in _FORMATS:
        if head.startswith(magic):
            raise NotATable(sentence)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PAGES):
        raise NotATable(_l("This is a web page or XML, not a table. Save the table as CSV or XLSX."))
    if text.startswith((b'{"', b'[{"', b"[[")) or (
        text[:1] in {b"{", b"["} and text[1:].lstrip()[:1] in {b'"', b"{", b"["}
    ):
        raise NotATable(_l("This is JSON, not a table. Save it as CSV or XLSX."))
    if text.startswith(b"begin:vcalendar"):
        raise NotATable(_l("These are calendar entries, not a table."))
    control = len(head) - len(head.translate(None, _CONTROL))
    if control > max(8, len(head) // 50) and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotATable(_l("This is not a text file."))
