"""Address cards (vCard 2.1, 3.0, 4.0) as a table: one row a card, one column for each thing that some card says.

The file is cut into cards here, so that a broken one is refused by itself and pictures never come into memory;
folds, quoted-printable and parameters are `vobject`'s matter.
Source: RFC 6350, RFC 2426, and the vCard 2.1 of versit for what older telephones write.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l

from app.intake.csv_dialect import Encoding, detect_encoding
from app.intake.manner import ACCOUNT, CONTACT, LEAD, PAIR
from app.intake.tables import NotATable, Row

# Columns are called as people call them; `mapping` knows these words.
LAST, FIRST, COMPANY, TITLE = "Last name", "First name", "Company", "Job title"
EMAIL, EMAIL_2, PHONE, MOBILE, PHONE_2, FAX = "E-mail", "E-mail 2", "Phone", "Mobile", "Phone 2", "Fax"
STREET, CITY, STATE, POSTAL, COUNTRY = "Street", "City", "State", "Postal code", "Country"
WEBSITE, NOTE, UID, DEPARTMENT = "Website", "Note", "External id", "Department"
COLUMNS = (
    LAST, FIRST, COMPANY, DEPARTMENT, TITLE, EMAIL, EMAIL_2, PHONE, MOBILE, PHONE_2, FAX,
    STREET, CITY, STATE, POSTAL, COUNTRY, WEBSITE, NOTE, UID,
)  # fmt: skip
# What the columns are in each kind of rows; nothing is guessed where everything is known.
FIELDS: Mapping[str, Mapping[str, str]] = {
    CONTACT: {
        LAST: "last_name", FIRST: "first_name", COMPANY: "account_id", TITLE: "title", EMAIL: "email", PHONE: "phone",
        MOBILE: "mobile", NOTE: "description", UID: "external_id",
    },
    PAIR: {
        LAST: "last_name", FIRST: "first_name", TITLE: "title", EMAIL: "email", PHONE: "phone", MOBILE: "mobile",
        NOTE: "description", UID: "external_id", COMPANY: "account.name", STREET: "account.billing_street",
        CITY: "account.billing_city", STATE: "account.billing_state", POSTAL: "account.billing_postal_code",
        COUNTRY: "account.billing_country", WEBSITE: "account.website",
    },
    ACCOUNT: {
        COMPANY: "name", PHONE: "phone", STREET: "billing_street", CITY: "billing_city", STATE: "billing_state",
        POSTAL: "billing_postal_code", COUNTRY: "billing_country", WEBSITE: "website",
    },
    LEAD: {
        LAST: "last_name", FIRST: "first_name", COMPANY: "company", TITLE: "title", EMAIL: "email", PHONE: "phone",
        MOBILE: "mobile", WEBSITE: "website", NOTE: "description", UID: "external_id", STREET: "street", CITY: "city",
        STATE: "state", POSTAL: "postal_code", COUNTRY: "country",
    },
}  # fmt: skip
_ADDRESS = (None, "extended", STREET, CITY, STATE, POSTAL, COUNTRY)
LONGEST_LINE = 1_000_000
LONGEST_CARD = 200_000  # characters, without what is left out
_LEFT_OUT = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY|X-MS-CARDPICTURE)[;:]", re.IGNORECASE)
_BEGIN = re.compile(r"\s*BEGIN\s*:\s*VCARD\s*\Z", re.IGNORECASE)
_END = re.compile(r"\s*END\s*:\s*VCARD\s*\Z", re.IGNORECASE)
_HAS_NAME = re.compile(r"(?:[\w-]+\.)?[A-Za-z][\w-]*(?:;[^:]*)?:", re.ASCII)
_CODED = re.compile(r"\A[^:]*quoted-printable", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PARTS = re.compile(r"(?<!\\)(?:\\\\)*;")


@dataclass(slots=True)
class _Card:
    """The lines of one card.  problem: why it cannot be read."""

    line_number: int
    lines: list[str] = field(default_factory=list)
    size: int = 0
    problem: Any = None


class VcardTable:
    """A file of address cards.  Line numbers are those of BEGIN:VCARD."""

    kind = "vcard"
    sheets: Sequence[str] = ()
    sheet = ""
    delimiter = ","
    header_line = 0

    def __init__(self, path: Path, *, encoding: str | None = None) -> None:
        """Raises NotATable."""
        self.path = path
        self._encoding = Encoding(encoding, "replace") if encoding else detect_encoding(path)
        self.warnings: list[Any] = [self._encoding.warning] if self._encoding.warning else []
        used: set[str] = set()
        self._count = 0
        for card in self._cards():
            self._count += 1
            used.update(_read(card))
        if not self._count:
            raise NotATable(_l("There is no address card in the file."))
        self.headers = [name for name in COLUMNS if name in used] or [LAST]

    def rows(self, start_line: int = 0) -> Iterator[Row]:
        """See `Table`.  A card that breaks off or is far too long has a problem, one without a name a warning."""
        for card in self._cards():
            if card.line_number < start_line:
                continue
            values = _read(card)
            cells = {header: values.get(header, "") for header in self.headers}
            yield Row(card.line_number, cells, card.problem)

    def count_rows(self) -> int:
        """See `Table`."""
        return self._count

    def _cards(self) -> Iterator[_Card]:
        card: _Card | None = None
        skips = False
        with self.path.open(encoding=self._encoding.name, errors=self._encoding.errors) as stream:
            for number, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), ""), start=1):
                if _BEGIN.match(line):
                    if card is not None:
                        yield _broken(card)
                    card, skips = _Card(number), False
                elif card is None:
                    continue
                elif _END.match(line):
                    yield card
                    card = None
                elif line[:1] not in " \t" or not skips:
                    skips = _LEFT_OUT.match(line) is not None
                    if not skips:
                        _take(card, line)
        if card is not None:
            yield _broken(card)


def _take(card: _Card, line: str) -> None:
    card.size += len(line)
    if card.size > LONGEST_CARD:
        card.problem = _l("The card is longer than %(limit)s characters.", limit=LONGEST_CARD)
    else:
        # vobject knows it in capitals alone.
        card.lines.append(_CODED.sub(lambda m: m[0].upper(), line))


def _broken(card: _Card) -> _Card:
    card.problem = _l("The card begins here and does not end.")
    return card


def _read(card: _Card) -> dict[str, str]:
    """What the card says, by column; its `problem` is set where it cannot be read."""
    from vobject.base import ParseError, getLogicalLines, textLineToContentLine

    found: dict[str, str] = {}
    try:
        for text, _number in getLogicalLines(io.StringIO("".join(card.lines)), allowQP=True):
            if _HAS_NAME.match(text):  # else a leftover of what older programs did not fold
                _note(found, textLineToContentLine(text))
    except (ParseError, ValueError, LookupError):
        card.problem = card.problem or _l("The card cannot be read: %(line)s", line=text[:60])
    if not found.get(LAST) and found.get(NAME) and found[NAME] != found.get(COMPANY):
        _split_name(found)
    found = {name: value for name, value in found.items() if value and name in COLUMNS}
    if "\0" in "".join(found.values()):
        card.problem = _l("The line contains NUL characters, which no text has.")
        found = {name: value.replace("\0", "␀") for name, value in found.items()}
    return found


def _split_name(found: dict[str, str]) -> None:
    """Who has only a whole name: the last word is taken for the last name, what is before a comma as well."""
    name = found[NAME]
    last, comma, first = name.partition(",")
    if not comma:
        first, _space, last = name.rpartition(" ")
    found[LAST], found[FIRST] = last.strip(), first.strip()


def _note(found: dict[str, str], line: Any) -> None:
    kinds = {kind.strip().upper() for each in line.params.get("TYPE", ()) for kind in each.split(",")}
    kinds |= {str(kind).upper() for kind in line.singletonparams}
    value: str = line.value.strip()
    match line.name:
        case "N":
            last, first, middle = [*_parts(value), "", "", ""][:3]
            found.setdefault(LAST, last)
            found.setdefault(FIRST, " ".join(part for part in (first, middle) if part))
        case "FN":
            found.setdefault(NAME, _text(value))
        case "ORG":
            company, department = [*_parts(value), "", ""][:2]
            if COMPANY not in found:
                found[COMPANY], found[DEPARTMENT] = company, department
        case "TITLE" | "NOTE" | "UID":
            column = {"TITLE": TITLE, "NOTE": NOTE, "UID": UID}[line.name]
            found.setdefault(column, _text(value))
        case "URL":
            _put(found, (WEBSITE,), _text(value), is_best=bool(kinds & {"WORK", "PREF"}))
        case "EMAIL":
            address = re.sub(r"\Amailto:", "", _text(value), flags=re.IGNORECASE)
            is_best = bool(kinds & {"WORK", "PREF"}) or "PREF" in line.params
            _put(found, (EMAIL, EMAIL_2), address, is_best=is_best)
        case "TEL":
            _number(found, _text(value), kinds, has_rank="PREF" in line.params)
        case "ADR":
            _address(found, _parts(value), is_best=bool(kinds & {"WORK", "PREF"}))


def _number(found: dict[str, str], value: str, kinds: set[str], *, has_rank: bool) -> None:
    number = re.sub(r"\Atel:", "", value, flags=re.IGNORECASE).replace(";ext=", " ext. ")
    if "FAX" in kinds:
        _put(found, (FAX,), number, is_best="WORK" in kinds)
    elif kinds & {"CELL", "IPHONE", "MOBILE"}:
        _put(found, (MOBILE, PHONE_2), number, is_best=False)
    elif "PAGER" not in kinds:
        _put(found, (PHONE, PHONE_2), number, is_best=has_rank or bool(kinds & {"WORK", "PREF", "MAIN"}))


NAME = "\n whole name"  # read, and taken apart where the card has no parts
_BEST = "\n best: "  # beside a column: what stands there was said to be the best


def _put(found: dict[str, str], columns: tuple[str, ...], value: str, *, is_best: bool) -> None:
    """Into the first free column; what is said to be the best goes first, once."""
    if not value:
        return
    first = columns[0]
    if is_best and first in found and f"{_BEST}{first}" not in found:
        value, found[first] = found[first], value
        found[f"{_BEST}{first}"] = ""
    elif is_best:
        found.setdefault(f"{_BEST}{first}", "")
    for column in columns:
        if column not in found:
            found[column] = value
            return


def _address(found: dict[str, str], parts: list[str], *, is_best: bool) -> None:
    """The first address, or the first that is said to be the one at work, as a whole."""
    place = f"{_BEST}{STREET}"
    if any(column in found for column in _ADDRESS[2:] if column) and (not is_best or place in found):
        return
    if is_best:
        found[place] = ""
    for column in _ADDRESS[2:]:
        found.pop(str(column), None)
    named = dict(zip(_ADDRESS, parts, strict=False))
    extended = named.get("extended", "")
    for column in _ADDRESS[2:]:
        found[str(column)] = named.get(column, "")
    if extended:
        found[STREET] = "\n".join(part for part in (found[STREET], extended) if part)


def _parts(value: str) -> list[str]:
    """What semicolons separate, those with a backslash left out."""
    parts, at = [], 0
    for match in _PARTS.finditer(value):
        parts.append(_text(value[at : match.end() - 1]))
        at = match.end()
    return [*parts, _text(value[at:])]


def _text(value: str) -> str:
    return _ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], value).replace("\r\n", "\n").strip()
