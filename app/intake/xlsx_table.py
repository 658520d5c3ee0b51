"""Reading a sheet of an XLSX workbook: values as text, dates as ISO, results of formulas."""

import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.intake.csv_dialect import find_header
from app.intake.tables import MOST_COLUMNS, NotATable, Row, name_headers
from app.intake.xlsx_parts import (
    DamagedWorkbook,
    SharedStrings,
    TooLarge,
    Workbook,
    merged_cells,
    open_workbook,
    sheet_rows,
)

SAMPLE_ROWS = 100


class XlsxTable:
    """A visible sheet of a workbook.  Line numbers are the sheet's row numbers.  sheets: names of all visible ones."""

    kind = "xlsx"
    delimiter = ","

    def __init__(self, path: Path, *, headers: Sequence[str] | None = None, sheet: str | None = None) -> None:
        """sheet: its name; None for the first that has anything in it.  Raises NotATable."""
        self.path = path
        self.warnings: list[Any] = []
        try:
            with open_workbook(path) as archive:
                if "xl/workbook.xml" not in archive.namelist():
                    raise NotATable(
                        _l("This is an archive or another kind of document. Save the table as XLSX or CSV.")
                    )
                self._book = Workbook(archive)
                self._strings = SharedStrings(archive)
                records = self._find_sheet(archive, sheet)
                merged = merged_cells(archive, self._book)
        except DamagedWorkbook as error:
            raise NotATable(_words(error)) from error
        self.sheets: Sequence[str] = self._book.sheet_names
        self.sheet = self._book.sheet_name
        if len(self.sheets) > 1:
            name = self.sheet
            self.warnings.append(
                _l("The workbook has several sheets; only one of them, %(name)s, is read.", name=name)
            )
        if headers is None:
            position = find_header(records)
            self.header_line = records[position][0]
            width = max(len(cells) for _, cells in records[position:])
            self.headers = name_headers((records[position][1] + [""] * width)[:width])
        else:
            self.header_line, self.headers = 0, name_headers(list(headers))
        self._merged = {row: cells for row, cells in merged.items() if row > self.header_line}
        if self._merged:
            self.warnings.append(
                _l("Where cells are merged over several rows, each of the rows has their value.")
            )

    def _find_sheet(self, archive: zipfile.ZipFile, sheet: str | None) -> list[tuple[int, list[str]]]:
        """Turn to the sheet of that name, or the first with anything in it; its first rows.  Raises NotATable."""
        names = self._book.sheet_names
        if sheet is not None and sheet not in names:
            known = ", ".join(names)
            raise NotATable(
                _l("There is no sheet “%(name)s”. There are: %(known)s.", name=sheet, known=known)
            )
        for name in [sheet] if sheet is not None else names:
            self._book.turn_to(name)
            sampled = islice(sheet_rows(archive, self._book, self._strings), SAMPLE_ROWS)
            records = [(n, cells) for n, cells in map(_in_line, sampled) if any(c.strip() for c in cells)]
            if records:
                return records
        if sheet is not None or len(names) == 1:
            raise NotATable(_l("The sheet “%(name)s” is empty.", name=self._book.sheet_name))
        raise NotATable(_l("All sheets of the workbook are empty."))

    def rows(self, start_line: int = 0) -> Iterator[Row]:
        """See `Table`.  A row with values to the right of the last header has a problem.

        Raises NotATable when the file turns out to be damaged further down.
        """
        count = len(self.headers)
        above: dict[int, tuple[int, str]] = {}
        try:
            with open_workbook(self.path) as archive:
                for line_number, found in sheet_rows(archive, self._book, self._strings):
                    if line_number <= self.header_line:
                        continue
                    if self._merged:
                        self._fill(line_number, found, above)
                    if line_number < start_line:
                        continue
                    if any(value.strip() for value in found.values()):
                        yield self._row(line_number, found, count)
        except DamagedWorkbook as error:
            raise NotATable(_words(error)) from error

    def _fill(self, line_number: int, found: dict[int, str], above: dict[int, tuple[int, str]]) -> None:
        """Put the values of merged cells into the rows they reach over.  above: column → (last row, value)."""
        for column, (last, value) in list(above.items()):
            if line_number > last:
                del above[column]
            elif value:
                found.setdefault(column, value)
        for column, last in self._merged.get(line_number, ()):
            above[column] = (last, found.get(column, ""))

    def count_rows(self) -> int:
        """See `Table`."""
        return sum(1 for _ in self.rows())

    def _row(self, line_number: int, found: dict[int, str], count: int) -> Row:
        cells = {header: found.get(i, "") for i, header in enumerate(self.headers)}
        if any(i >= count and value.strip() for i, value in found.items()):
            return Row(line_number, cells, _l("There are values to the right of the last column."))
        if any("\0" in value for value in found.values()):
            cells = {header: value.replace("\0", "␀") for header, value in cells.items()}
            return Row(line_number, cells, _l("The line contains NUL characters, which no text has."))
        return Row(line_number, cells)


_DAMAGED = _l("The workbook is damaged or protected. Save it anew as XLSX, or as CSV.")

_TOO_LARGE = _l("Unpacked, this workbook is larger than any table. Save the table anew, or as CSV.")


def _words(error: DamagedWorkbook) -> Any:
    return _TOO_LARGE if isinstance(error, TooLarge) else _DAMAGED


def _in_line(row: tuple[int, dict[int, str]]) -> tuple[int, list[str]]:
    number, found = row
    last = max(found)
    if last >= MOST_COLUMNS:
        raise NotATable(_l("The file has more than %(limit)s columns.", limit=MOST_COLUMNS))
    return number, [found.get(i, "") for i in range(last + 1)]
