"""Writing an XLSX workbook as a stream: a zip archive whose sheets are written row after row, in flat memory.

Own code instead of a library's because those at hand are called for each cell, and reach a third of the rows a second that
exports promise.  Text is written as text where it stands (an inline string), so that none is ever a formula or a link.

Source: ECMA-376 part 1, sections 18.2 (workbook), 18.3 (worksheets), 18.4.4 and 22.9.2.19 (text, and what is escaped in it).
"""

import math
import re
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

# What a sheet holds beneath its first row; more rows go on another one.
SHEET_ROWS = 1_048_575
LONGEST_CELL = 32_767
_EMPTY = {""}
_FAST = 2  # of nine: sheets are nine tenths repetition, which the first levels find
_KEPT_DIGITS = 10**15  # spreadsheets keep no more digits of a number than these
_SIGNS = ("&", "<", ">", "_x")  # what XML has otherwise, beside what cannot be printed
_UNWRITTEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = (
    f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class SheetFile:
    """A workbook that is being written.  The first row written is repeated on top of every further sheet."""

    def __init__(self, path: Path, *, sheet_rows: int = SHEET_ROWS) -> None:
        self._path, self._most = path, sheet_rows
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_FAST)
        path.chmod(0o600)
        self._sheets, self._at = 0, 0
        self._head: Sequence[Any] = ()
        self._sheet: IO[bytes] | None = None

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """Append rows, given column by column: text, numbers, "" for an empty cell."""
        rows = len(columns[0]) if columns else 0
        if rows and not self._head:
            self._head = [column[0] for column in columns]
        start = 0
        while start < rows:
            if self._sheet is None or self._at > self._most:
                self._begin_sheet()
                if self._sheets > 1:
                    self._put([[cell] for cell in self._head])
            end = min(rows, start + self._most + 1 - self._at)
            self._put([column[start:end] for column in columns])
            start = end

    def close(self) -> None:
        """Finish the file."""
        if self._sheet is None:
            self._begin_sheet()
        self._end_sheet()
        self._write_parts()
        self._archive.close()

    def _put(self, columns: Sequence[Sequence[Any]]) -> None:
        count = len(columns[0])
        numbers = [str(number) for number in range(self._at + 1, self._at + 1 + count)]
        made = [
            _cells(letters(place), column, numbers)
            for place, column in enumerate(columns)
            if set(column) != _EMPTY
        ]
        rows = [
            f'<row r="{number}">{"".join(cells)}</row>'
            for number, cells in zip(numbers, zip(*made, strict=True), strict=True)
        ]
        assert self._sheet is not None
        self._sheet.write("".join(rows).encode("utf-8", "replace"))
        self._at += count

    def _begin_sheet(self) -> None:
        self._end_sheet()
        self._sheets, self._at = self._sheets + 1, 0
        # Beyond four gigabytes a part needs another form of the archive, which must be chosen beforehand.
        self._sheet = self._archive.open(f"xl/worksheets/sheet{self._sheets}.xml", "w", force_zip64=True)
        self._sheet.write(_HEAD.encode())

    def _end_sheet(self) -> None:
        if self._sheet is not None:
            self._sheet.write(b"</sheetData></worksheet>")
            self._sheet.close()

    def _write_parts(self) -> None:
        numbers = range(1, self._sheets + 1)
        sheets = "".join(f'<sheet name="Sheet{n}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
        parts = [(f"/xl/worksheets/sheet{n}.xml", f"{_TYPES}.worksheet+xml") for n in numbers]
        parts += [
            ("/xl/workbook.xml", f"{_TYPES}.sheet.main+xml"),
            ("/xl/styles.xml", f"{_TYPES}.styles+xml"),
        ]
        links = [(f"{_OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in numbers]
        for name, text in (
            (
                "xl/workbook.xml",
                f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
            ),
            ("xl/_rels/workbook.xml.rels", _links([*links, (f"{_OFFICE}/styles", "styles.xml")])),
            ("_rels/.rels", _links([(f"{_OFFICE}/officeDocument", "xl/workbook.xml")])),
            ("[Content_Types].xml", _content_types(parts)),
        ):
            self._archive.writestr(name, _XML + text)
        self._archive.writestr("xl/styles.xml", _STYLES)


def _links(links: Iterable[tuple[str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(links, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _content_types(parts: Iterable[tuple[str, str]]) -> str:
    each = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in parts)
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{each}</Types>'
    )


def letters(place: int) -> str:
    """What a spreadsheet calls a column: A, B, … Z, AA; the first is 0."""
    name, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def _cells(column: str, values: Sequence[Any], numbers: Sequence[str]) -> list[str]:
    """A column's cells in the rows of these numbers; "" for an empty one."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return _texts(column, values, numbers)
    if kinds <= {str, int} and _are_counts(values):
        return [
            "" if value == "" else f'<c r="{column}{number}"><v>{value}</v></c>'
            for number, value in zip(numbers, values, strict=True)
        ]
    return [
        _texts(column, [str(value)], [number])[0]
        if not _is_number(value)
        else f'<c r="{column}{number}"><v>{value}</v></c>'
        for number, value in zip(numbers, values, strict=True)
    ]


def _texts(column: str, texts: Sequence[str], numbers: Sequence[str]) -> list[str]:
    joined = "|".join(texts)  # asked of all at once, which is many times faster than of each
    is_plain = joined.isprintable()
    if not is_plain or any(sign in joined for sign in _SIGNS) or max(map(len, texts)) > LONGEST_CELL:
        texts = _escaped(texts)
    # Readers cut off blanks at the ends of a text that does not say it keeps them.
    has_edges = not is_plain or any(edge in f"|{joined}|" for edge in ("| ", " |"))
    space = ' xml:space="preserve"' if has_edges else ""
    return [
        f'<c r="{column}{number}" t="inlineStr"><is><t{space}>{text}</t></is></c>' if text else ""
        for number, text in zip(numbers, texts, strict=True)
    ]


def _are_counts(values: Sequence[Any]) -> bool:
    """Whether all are whole numbers that spreadsheets keep, or empty."""
    counts = [value for value in values if type(value) is int]
    is_kept = min(counts) > -_KEPT_DIGITS and max(counts) < _KEPT_DIGITS
    return is_kept and all(value == "" for value in values if type(value) is str)


def _escaped(texts: Sequence[str]) -> list[str]:
    """Texts as XML has them, cut to what a cell holds."""
    return [
        _UNWRITTEN.sub(lambda found: f"_x{ord(found[0]):04X}_", text[:LONGEST_CELL])
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        for text in texts
    ]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return math.isfinite(value) and -_KEPT_DIGITS < value < _KEPT_DIGITS
