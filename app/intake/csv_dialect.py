"""How a CSV file was written: its encoding, its delimiter and escapes, and where its header stands."""

import codecs
import csv
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.intake.tables import NotATable

DELIMITERS = (",", ";", "\t", "|")
LONGEST_SAMPLED = 50  # lines of one record in the sample; longer is a quote that somebody forgot to close
_CHUNK = 1 << 20
_WINDOWS_GAPS = re.compile(b"[\x81\x8d\x8f\x90\x9d]")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*\Z', re.IGNORECASE)
_SEPARATOR_CELL = re.compile(r"\s*sep=.?\s*\Z", re.IGNORECASE)  # the same line, split at its own separator
# A backslash before a quote that does not end the cell: the writer escaped instead of doubling.
_BACKSLASH_ESCAPE = re.compile(r'\\"(?!\s*(?:[,;\t|]|$))', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Encoding:
    """name: a codec.  errors: "strict", or "replace" for a file that is damaged in places."""

    name: str
    errors: str = "strict"
    warning: Any = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """escape: a backslash where the writer escaped quotes with it, else None."""

    delimiter: str
    escape: str | None = None

    def reader(self, lines: Any) -> Any:
        """A csv reader over those lines; blanks after a delimiter do not count."""
        return csv.reader(
            lines, delimiter=self.delimiter, escapechar=self.escape, skipinitialspace=True, strict=False
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """The first records under one dialect: (line number, cells), blank lines left out."""

    records: list[tuple[int, list[str]]]


def detect_encoding(path: Path) -> Encoding:
    """What the bytes are, having read all of them.

    A byte order mark counts; without one UTF-8 if everything is, or nearly (then with a warning);
    else Windows-1252, or Latin-1 where that has gaps, with a warning.  Raises NotATable.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(codecs.BOM_UTF8):
        return Encoding("utf-8-sig", "strict" if _decodes(path, "utf-8-sig") else "replace")
    for mark, name in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return _wide(path, name)
    zeros = head.count(0)
    if zeros > len(head) // 4:
        if head[1::2].count(0) > 0.9 * zeros:
            return _wide(path, "utf-16-le")
        if head[::2].count(0) > 0.9 * zeros:
            return _wide(path, "utf-16-be")
        raise NotATable(_l("This is not a text file."))
    if zeros > len(head) // 50 + 5:
        raise NotATable(_l("This is not a text file."))
    if _decodes(path, "utf-8"):
        return Encoding("utf-8")
    return _old_or_damaged(path)


def _wide(path: Path, name: str) -> Encoding:
    if not _decodes(path, name):
        raise NotATable(_l("The file is damaged: it begins as Unicode text and does not go on as such."))
    return Encoding(name)


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _old_or_damaged(path: Path) -> Encoding:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    bad = foreign = 0
    has_gaps = False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = decoder.decode(chunk)
            bad += text.count("\ufffd")
            foreign += len(text) - len(text.encode("ascii", "ignore"))
            has_gaps = has_gaps or _WINDOWS_GAPS.search(chunk) is not None
    if bad * 10 < foreign:
        warning = _l("The file is UTF-8 but damaged: %(count)s characters cannot be read.", count=bad)
        return Encoding("utf-8", "replace", warning)
    name = "latin-1" if has_gaps else "cp1252"
    shown = "Latin-1" if has_gaps else "Windows-1252"
    warning = _l("The file is not UTF-8. It was read as %(encoding)s: check the accents.", encoding=shown)
    return Encoding(name, warning=warning)


def detect_dialect(lines: Sequence[str], delimiter: str | None = None) -> Dialect:
    """The dialect of these first lines (with their line ends).

    Each delimiter is tried; the best gives the most records of one width, wide ones, under a header of
    words.  A line "sep=;" decides.  One column alone: a comma.
    """
    escape = "\\" if _BACKSLASH_ESCAPE.search("".join(lines)) else None
    if delimiter is not None:
        return Dialect(delimiter, escape)
    told = _SEPARATOR_LINE.match(lines[0]) if lines else None
    if told:
        return Dialect(told.group(1), escape)
    candidates = [Dialect(d, escape) for d in DELIMITERS]
    scored = [(_score(sample(lines, c).records), -i, c) for i, c in enumerate(candidates)]
    best = max(scored)
    if best[0] > 0:
        return best[2]
    first = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return max(candidates, key=lambda c: first.count(c.delimiter))


def sample(lines: Sequence[str], dialect: Dialect) -> Sample:
    """Those lines as records.  A quote that never closes ends the sample before it."""
    records = []
    reader = dialect.reader(iter(lines))
    start = 1
    try:
        for cells in reader:
            if reader.line_num - start > LONGEST_SAMPLED:
                break
            if any(cell.strip() for cell in cells):
                records.append((start, cells))
            start = reader.line_num + 1
    except csv.Error:
        pass
    return Sample(records)


def find_header(records: Sequence[tuple[int, list[str]]]) -> int:
    """Position of the record that is the header: the first that fills more than half the usual columns.

    Above it may stand comments (#), a title, "sep=;".  records: not empty.
    """
    usual = _usual_width(records)
    needed = max(2, usual // 2 + 1) if usual > 1 else 1
    for position, (_, cells) in enumerate(records):
        if _is_comment(cells) or _SEPARATOR_CELL.match(cells[0]):
            continue
        if sum(bool(cell.strip()) for cell in cells) >= needed:
            return position
    return next((i for i, (_, cells) in enumerate(records) if len(cells) == usual), 0)


def _is_comment(cells: Sequence[str]) -> bool:
    """A header may begin with #, as in "#,Name,City": a comment fills one cell."""
    return (
        cells[0].lstrip().startswith("#")
        and sum(bool(cell.strip()) for cell in cells) == 1
        and len(cells[0].strip()) > 1
    )


def _usual_width(records: Sequence[tuple[int, list[str]]]) -> int:
    counts = Counter(len(cells) for _, cells in records if not _is_comment(cells))
    return max(counts, key=lambda width: (counts[width], width), default=1)


def _score(records: Sequence[tuple[int, list[str]]]) -> float:
    """How much this looks like a table; 0 for a single column or a jumble."""
    records = [r for r in records if not _is_comment(r[1])]
    if not records:
        return 0.0
    usual = _usual_width(records)
    if usual < 2:
        return 0.0
    alike = sum(len(cells) == usual for _, cells in records) / len(records)
    position = find_header(records)
    header = [cell.strip() for cell in records[position][1]]
    words = {cell.casefold() for cell in header if cell and not re.fullmatch(r"[\d.,:;/\s+-]+", cell)}
    if len(header) < 2 or alike < 0.4:
        return 0.0
    return alike * math.log2(usual) * (len(words) / len(header)) * (1.0 if position == 0 else 0.6)
