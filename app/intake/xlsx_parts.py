"""The parts of an XLSX workbook that a table needs, read as streams: sheet list, shared strings, styles, cells.

Own code instead of a library's because those at hand build the whole sheet in memory first: a stray cell
in the last row, or a forged count, then ends the process.  Here memory holds one row, whatever the file
says (shared strings go to a temporary file), and a document type declaration is refused.

Source: ECMA-376 part 1, sections 18.3 (worksheets), 18.4 (shared strings), 18.8 (styles), 18.18.11.
"""

import os
import re
import tempfile
import weakref
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from app.kernel.archives import LargeDirectory, open_archive

_CHUNK = 1 << 16
LARGEST_PART = 4_000_000_000
# A part that unpacks to so many bytes, and to so many for each byte in the archive, was made to fill a disk.
SUSPECT_SIZE, SUSPECT_RATIO = 100_000_000, 200
LONGEST_TEXT = 4_000_000  # characters of a cell
LONGEST_TOKEN = 4_000_000  # bytes of a tag with its attributes
MOST_MERGED = 50_000
_MERGED = re.compile(rb"[<:]mergeCell\s+ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_DATE_FORMATS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
# What in a number format is no code: quoted text, escaped characters, colours and conditions in brackets.
_FORMAT_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class DamagedWorkbook(Exception):
    """The file is no workbook, or breaks off, or says what no workbook says."""


class TooLarge(DamagedWorkbook):
    """Unpacked it would be larger than any table."""


@contextmanager
def open_workbook(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive of a workbook.  Raises DamagedWorkbook, for whatever is found broken while it is open too."""
    with damage(), path.open("rb") as file, open_archive(file) as archive:
        yield archive


@contextmanager
def damage() -> Iterator[None]:
    """Turns everything that a broken archive or broken XML raises into DamagedWorkbook."""
    try:
        yield
    except LargeDirectory as error:
        raise TooLarge("too many parts") from error
    except (
        expat.ExpatError,
        zipfile.BadZipFile,
        zlib.error,
        LookupError,
        OSError,
        ValueError,
        OverflowError,
        EOFError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise DamagedWorkbook(repr(error)) from error


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parse(archive: zipfile.ZipFile, part: str, parser: Any) -> Iterator[None]:
    """Feed a part to the parser, pausing after each piece so that what was found can be passed on."""

    def refuse(*_: object) -> None:
        raise DamagedWorkbook("a document type declaration")

    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    fed = 0
    with _open(archive, part) as stream:
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            fed += len(chunk)
            if fed - parser.CurrentByteIndex > LONGEST_TOKEN:
                raise DamagedWorkbook(f"{part} has a tag without end")
            yield
    parser.Parse(b"", True)
    yield


def _open(archive: zipfile.ZipFile, part: str) -> IO[bytes]:
    """The part as a stream; no more is ever unpacked than the archive says."""
    told = archive.getinfo(part)
    is_suspect = told.file_size > SUSPECT_SIZE and told.file_size > SUSPECT_RATIO * max(told.compress_size, 1)
    if told.file_size > LARGEST_PART or is_suspect:
        raise TooLarge(f"{part} is too large")
    return archive.open(part)


def _elements(archive: zipfile.ZipFile, part: str) -> list[tuple[str, dict[str, str]]]:
    """All elements of a small part in order: (local name, attributes by local name)."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: found.append(
        (_local(name), {_local(k): v for k, v in attributes.items()})
    )
    for _ in _parse(archive, part, parser):
        if len(found) > 1_000_000:
            raise DamagedWorkbook(f"{part} has too many elements")
    return found


class Workbook:
    """What `workbook.xml` says.  sheet: the part of the worksheet that is read, the first visible one unless
    another is turned to; sheet_names: of all that are visible.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        targets = {
            a["Id"]: a["Target"]
            for name, a in _elements(archive, "xl/_rels/workbook.xml.rels")
            if name == "Relationship" and a.get("Type", "").endswith("/worksheet")
        }
        elements = _elements(archive, "xl/workbook.xml")
        sheets = [a for name, a in elements if name == "sheet" and a.get("id") in targets]
        if not sheets:
            raise DamagedWorkbook("no worksheet")
        visible = [a for a in sheets if a.get("state", "visible") == "visible"] or sheets
        self._parts = {a.get("name", ""): targets[a["id"]] for a in reversed(visible)}
        self.sheet_names = list(dict.fromkeys(a.get("name", "") for a in visible))
        self.turn_to(self.sheet_names[0])
        self.begins_1904 = any(
            name == "workbookPr" and a.get("date1904") in {"1", "true"} for name, a in elements
        )
        self.date_styles = _date_styles(archive)

    def turn_to(self, name: str) -> None:
        """Read the sheet of that name, one of `sheet_names`, from now on."""
        target = self._parts[name]
        self.sheet_name = name
        self.sheet = target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Positions of the cell styles that show a number as a date or time."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    formats: dict[int, str] = {}
    styles: list[int] = []
    in_cells = False
    for name, a in _elements(archive, "xl/styles.xml"):
        if name == "numFmt":
            formats[int(a["numFmtId"])] = a.get("formatCode", "")
        elif name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            in_cells = name == "cellXfs"
        elif name == "xf" and in_cells:
            styles.append(int(a.get("numFmtId", 0)))
    return frozenset(i for i, number in enumerate(styles) if _is_date(number, formats.get(number)))


def _is_date(number: int, code: str | None) -> bool:
    if code is None:
        return number in _DATE_FORMATS
    code = _FORMAT_LITERALS.sub("", code)
    return "general" not in code.lower() and re.search("[dmyhs]", code, re.IGNORECASE) is not None


class SharedStrings:
    """The texts that cells refer to by number, kept in a temporary file: there may be millions."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the strings do
        weakref.finalize(self, self._file.close)
        self._ends = array("Q", [0])
        if "xl/sharedStrings.xml" in archive.namelist():
            self._load(archive)
        self._file.flush()
        self._descriptor = self._file.fileno()

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise DamagedWorkbook(f"there is no shared string {number}")
        start, end = self._ends[number], self._ends[number + 1]
        return os.pread(self._descriptor, end - start, start).decode()

    def _load(self, archive: zipfile.ZipFile) -> None:
        pieces: list[str] = []
        inside: list[str] = []

        def start(name: str, _: object) -> None:
            inside.append(_local(name))

        def text(piece: str) -> None:
            if inside[-1] == "t" and "rPh" not in inside:  # rPh: how the text is pronounced
                pieces.append(piece)
                if len(pieces) > 100 and sum(map(len, pieces)) > LONGEST_TEXT:
                    raise DamagedWorkbook("a text without end")

        def end(_: object) -> None:
            if inside.pop() == "si":
                stored = unescape("".join(pieces)).encode()
                self._file.write(stored)
                self._ends.append(self._ends[-1] + len(stored))
                pieces.clear()

        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
        for _ in _parse(archive, "xl/sharedStrings.xml", parser):
            pass


def unescape(text: str) -> str:
    """Excel writes characters that XML cannot hold as _x000D_; half of a pair is none."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text).encode("utf-8", "replace").decode("utf-8")


class _Cells:
    """Collects a worksheet's rows while it is parsed: [(row number, {column: text})], columns from 0."""

    def __init__(self, book: Workbook, strings: SharedStrings) -> None:
        self.book = book
        self.strings = strings
        self.done: list[tuple[int, dict[int, str]]] = []
        self.row = 0
        self.column = -1
        self.cells: dict[int, str] = {}
        self.kind = "n"
        self.style = 0
        self.pieces: list[str] = []
        self.takes_text = False
        self.columns: dict[str, int] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "c":
            reference = attributes.get("r")
            self.column = self._column(reference) if reference else self.column + 1
            self.kind = attributes.get("t", "n")
            self.style = int(attributes.get("s", 0))
            self.pieces.clear()
        elif name in {"v", "t"}:
            self.takes_text = True
        elif name == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column, self.cells = -1, {}
        elif name == "rPh":
            self.kind = "pronounced"

    def text(self, piece: str) -> None:
        if self.takes_text:
            self.pieces.append(piece)
            if len(self.pieces) > 100 and sum(map(len, self.pieces)) > LONGEST_TEXT:
                raise DamagedWorkbook("a text without end")

    def end(self, name: str) -> None:
        name = _local(name)
        if name in {"v", "t"}:
            self.takes_text = False
        elif name == "c":
            if self.pieces:
                value = self._value("".join(self.pieces))
                if value:
                    self.cells[self.column] = value
        elif name == "row" and self.cells:
            self.done.append((self.row, self.cells))

    def _column(self, reference: str) -> int:
        letters = reference.rstrip("0123456789")
        column = self.columns.get(letters)
        if column is None:
            column = column_number(letters)
            if not 0 <= column < 20_000:
                raise DamagedWorkbook(f"no cell is called {reference[:20]!r}")
            self.columns[letters] = column
        return column

    def _value(self, text: str) -> str:
        match self.kind:
            case "s":
                return self.strings[int(text)]
            case "str" | "inlineStr":
                return unescape(text)
            case "b":
                return "true" if text == "1" else "false"
            case "e":
                return ""
            case "d":
                return text.replace("T", " ").removesuffix(" 00:00:00")
            case "n":
                number = float(text)
                if self.style in self.book.date_styles:
                    return moment_text(number, begins_1904=self.book.begins_1904)
                return number_text(number)
        return ""


def sheet_rows(
    archive: zipfile.ZipFile, book: Workbook, strings: SharedStrings
) -> Iterator[tuple[int, dict[int, str]]]:
    """(row number, {column: text}) of the rows that hold anything, from the top; columns from 0."""
    cells = _Cells(book, strings)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = cells.start, cells.end
    parser.CharacterDataHandler = cells.text
    for _ in _parse(archive, book.sheet, parser):
        yield from cells.done
        cells.done.clear()


def merged_cells(archive: zipfile.ZipFile, book: Workbook) -> dict[int, list[tuple[int, int]]]:
    """First row → (column, last row) of cells that are merged downwards; columns from 0.

    They stand behind the cells, and are found without parsing what is before them.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    count, rest = 0, b""
    with _open(archive, book.sheet) as stream:
        while count < MOST_MERGED and (chunk := stream.read(_CHUNK)):
            piece = rest + chunk
            end = 0
            for match in _MERGED.finditer(piece):
                first, top, _last, bottom = match.groups()
                end, count = match.end(), count + 1
                if int(top) < int(bottom):
                    found.setdefault(int(top), []).append((column_number(first.decode()), int(bottom)))
            rest = piece[max(end, len(piece) - 100) :]
    return found


def column_number(letters: str) -> int:
    """As counted from 0: A is 0, AA is 26."""
    column = 0
    for letter in letters.upper()[:4]:
        column = column * 26 + ord(letter) - 64
    return column - 1


def number_text(number: float) -> str:
    """As somebody would have typed it: "5", not "5.0"."""
    if number.is_integer() and abs(number) < 1e16:
        return str(int(number))
    return repr(number)


def moment_text(serial: float, *, begins_1904: bool = False) -> str:
    """A day as "2026-01-31", a moment as "2026-01-31 10:30:00", a time of day as "10:30:00".

    serial: days since 30 December 1899 (Excel's count, right from March 1900 on) or 1 January 1904.
    """
    begin = datetime(1904, 1, 1) if begins_1904 else datetime(1899, 12, 30)  # noqa: DTZ001 - sheets have no zone
    seconds = round(serial * 86400)
    try:
        moment = begin + timedelta(seconds=seconds)
    except OverflowError:
        return number_text(serial)
    if 0 <= serial < 1:
        return moment.time().isoformat()
    return moment.date().isoformat() if seconds % 86400 == 0 else moment.isoformat(sep=" ")
