"""Reading CSV row by row, in flat memory, whatever is wrong with single lines."""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from flask_babel import lazy_gettext as _l

from app.intake.csv_dialect import Dialect, Encoding, detect_dialect, detect_encoding, find_header, sample
from app.intake.tables import NotATable, Row, name_headers

LONGEST_LINE = 4_000_000  # characters: 300 columns of ten thousand
LONGEST_RECORD = 1000  # lines: longer is a quote that somebody forgot to close
FORGOTTEN_QUOTES = 100  # after so many a record may no longer span lines, else reading would take for ever
SAMPLE_LINES = 200


class _Lines:
    """The file's lines for a csv reader, remembering those of the present record so that they can be read again."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.number = 0
        self.taken: list[str] = []
        self.again: deque[str] = deque()
        self.longest_record = LONGEST_RECORD
        self.is_cut = False
        self.ran_out = False
        self.has_nul = False

    def begin_record(self) -> None:
        self.taken.clear()
        self.is_cut = self.ran_out = self.has_nul = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= self.longest_record:
            raise csv.Error("the record spans too many lines")
        line = self.again.popleft() if self.again else self._read()
        if not line:
            self.ran_out = True
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        if "\0" in line:
            self.has_nul = True
        return line

    def _read(self) -> str:
        line = self.stream.readline(LONGEST_LINE)
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            self.is_cut = True
            while rest := self.stream.readline(LONGEST_LINE):
                if rest.endswith(("\n", "\r")):
                    break
            return "\n"
        return line

    def read_again(self) -> None:
        """Give back all lines of the present record but its first."""
        self.again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


class CsvTable:
    """A text file of delimited values.  encoding, delimiter: as found or given."""

    kind = "csv"
    sheets: Sequence[str] = ()
    sheet = ""

    def __init__(
        self,
        path: Path,
        *,
        headers: Sequence[str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
    ) -> None:
        """Raises NotATable."""
        self.path = path
        self._encoding = Encoding(encoding, "replace") if encoding else detect_encoding(path)
        self.warnings: list[Any] = [self._encoding.warning] if self._encoding.warning else []
        lines = self._first_lines()
        self._dialect: Dialect = detect_dialect(lines, delimiter)
        records = sample(lines, self._dialect).records
        if not records:
            raise NotATable(_l("The first lines are not a table: a quote is opened and never closed."))
        if headers is None:
            position = find_header(records)
            self.header_line, cells = records[position]
            self._raw_headers = self._with_data_columns(cells, records[position + 1 :])
            self._refuse_prose(self._raw_headers)
        else:
            self.header_line, self._raw_headers = 0, list(headers)
        self.headers = name_headers(self._raw_headers)

    @property
    def encoding(self) -> str:
        return self._encoding.name

    @property
    def delimiter(self) -> str:
        return self._dialect.delimiter

    def rows(self, start_line: int = 0) -> Iterator[Row]:
        """See `Table`.  A row with NUL, a quote never closed, too long a line or cell, or more cells than
        headers has a problem; one with fewer cells a warning."""
        with self.path.open(encoding=self.encoding, errors=self._encoding.errors, newline="") as stream:
            for line_number, cells, problem in self._records(stream):
                if line_number <= self.header_line or line_number < start_line:
                    continue
                row = self._row(line_number, cells, problem)
                if row is not None:
                    yield row

    def count_rows(self) -> int:
        """See `Table`."""
        return sum(1 for _ in self.rows())

    def _records(self, stream: TextIO) -> Iterator[tuple[int, list[str], Any]]:
        """(first line, cells, problem) of everything in the file, header and blank lines included."""
        lines = _Lines(stream)
        reader = self._dialect.reader(lines)
        forgotten = 0
        while True:
            lines.begin_record()
            start = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells, reads_again = [], True
                problem = _l("A quote is opened here and never closed, or a cell is far too long.")
            else:
                problem, reads_again = self._complaint(lines), lines.ran_out
            if reads_again:
                forgotten += 1
                lines.longest_record = LONGEST_RECORD if forgotten < FORGOTTEN_QUOTES else 1
                lines.read_again()
                reader = self._dialect.reader(lines)
            yield start, cells, problem

    @staticmethod
    def _complaint(lines: _Lines) -> Any:
        if lines.is_cut:
            return _l("The line is longer than %(limit)s characters.", limit=LONGEST_LINE)
        if lines.ran_out:
            return _l("A quote is opened here and never closed.")
        if lines.has_nul:
            return _l("The line contains NUL characters, which no text has.")
        return None

    def _row(self, line_number: int, cells: list[str], problem: Any) -> Row | None:
        count = len(self.headers)
        if problem is not None:
            shown = [cell.replace("\0", "␀") for cell in cells[:count]]
            return Row(line_number, dict(zip_longest(self.headers, shown, fillvalue="")), problem)
        if len(cells) == count:
            if not any(cells) or not any(cell.strip() for cell in cells) or cells == self._raw_headers:
                return None
            warning = _l("Some characters of this line cannot be read.") if self._is_damaged(cells) else None
            return Row(line_number, dict(zip(self.headers, cells, strict=True)), warning=warning)
        if not any(cell.strip() for cell in cells):
            return None
        if len(cells) == 1 and cells[0].startswith("#"):
            return None
        row = dict(zip_longest(self.headers, cells[:count], fillvalue=""))
        if len(cells) < count:
            warning = _l("%(found)s cells where there are %(expected)s columns; the others were taken as empty.",
                         found=len(cells), expected=count)  # fmt: skip
            return Row(line_number, row, warning=warning)
        if not any(cell.strip() for cell in cells[count:]):
            return Row(line_number, row)
        problem = _l(
            "%(found)s cells where there are %(expected)s columns.", found=len(cells), expected=count
        )
        return Row(line_number, row, problem)

    def _is_damaged(self, cells: list[str]) -> bool:
        return self._encoding.errors == "replace" and any("\ufffd" in cell for cell in cells)

    def _first_lines(self) -> list[str]:
        lines: list[str] = []
        read = 0
        with self.path.open(encoding=self.encoding, errors=self._encoding.errors, newline="") as stream:
            while (
                len(lines) < SAMPLE_LINES and read < LONGEST_LINE and (line := stream.readline(LONGEST_LINE))
            ):
                lines.append(line)
                read += len(line)
        if len(lines[0]) >= LONGEST_LINE:
            raise NotATable(_l("The file is one enormous line, not a table."))
        if not any(line.strip() for line in lines):
            raise NotATable(_l("The file is empty."))
        return lines

    def _with_data_columns(self, header: list[str], below: list[tuple[int, list[str]]]) -> list[str]:
        """The header without empty cells at its end, unless there is something below them."""
        used = max(
            (i + 1 for _, cells in below for i, c in enumerate(cells[: len(header)]) if c.strip()), default=0
        )
        named = max((i + 1 for i, cell in enumerate(header) if cell.strip()), default=1)
        return header[: max(used, named)]

    @staticmethod
    def _refuse_prose(header: list[str]) -> None:
        if any(len(cell) > 1000 for cell in header):
            raise NotATable(_l("The first line is no header: a cell in it has more than 1,000 characters."))
