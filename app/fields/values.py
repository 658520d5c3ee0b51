"""From what people and programs send to what a record keeps in a field, and from there to words, rules and indexes.

A record keeps JSON: text, a number, true or false, a day as 2026-03-01, the key of a choice or a list of them, the
public name of a colleague.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from babel import dates
from flask_babel import format_decimal, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.fields.catalogue import Choice, Definition
from app.fields.kinds import Kind
from app.identity.models import User, UserState
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold
from app.kernel.parse import parse_moment, parse_number, parse_yes_no
from app.kernel.text import clean_text

LARGEST = 10**15
LONGEST_TEXT = 255
LONGEST_LINK = 500
MOST_CHOSEN = 50
_DECIMALS = {Kind.NUMBER: 6, Kind.MONEY: 2}
_SEPARATORS = re.compile(r"[;,\n|]")
_UTC_DAY = "%Y-%m-%d"


class BadValue(Exception):
    """A value that its field cannot hold.  message: what is wrong, lazy."""

    def __init__(self, message: Any) -> None:
        super().__init__()
        self.message = message


@dataclass(frozen=True, slots=True)
class Reading:
    """How values are read.  find_person: whom a name, an address or a public name means; "" for nobody."""

    find_person: Callable[[str], str]
    day_first: bool = True


def reading_of(*, day_first: bool = True) -> Reading:
    """Colleagues are looked up when a value names one, each once, in whatever session is open then."""
    known: dict[str, str] = {}

    def find(text: str) -> str:
        if text not in known:
            found = (
                db.session()
                .scalars(
                    select(User.ref)
                    .where(
                        User.partner_account_id.is_(None),
                        User.state != UserState.DEACTIVATED,
                        or_(User.ref == text, User.email_key == email_key(text), User.name == text),
                    )
                    .limit(2)
                )
                .all()
            )
            known[text] = found[0] if len(found) == 1 else ""
        return known[text]

    return Reading(find, day_first)


def read_value(field: Definition, given: Any, reading: Reading) -> Any:
    """What a record keeps; None for nothing.  Raises BadValue, Invalid (text that cannot be stored)."""
    if given is None or given == [] or (isinstance(given, str) and not given.strip()):
        return None
    return _READERS[field.kind](field, given, reading)


def _text(field: Definition, given: Any, _reading: Reading) -> str | None:
    return clean_text(given, max_length=LONGEST_TEXT, field=field.name)


def _number(field: Definition, given: Any, _reading: Reading) -> int | float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | Decimal | str):
        raise BadValue(_l("This must be a number."))
    if isinstance(given, str):
        text = clean_text(given, field=field.name)
        number = None if text is None else parse_number(text)
    else:
        number = Decimal(str(given))
    if number is None or not number.is_finite() or abs(number) >= LARGEST:
        raise BadValue(_l("“%(value)s” is not a number.", value=_short(given)))
    rounded = round(number, _DECIMALS[field.kind])
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def _date(field: Definition, given: Any, reading: Reading) -> str:
    if isinstance(given, datetime):
        return given.date().isoformat()
    if isinstance(given, date):
        return given.isoformat()
    text = clean_text(given, field=field.name)
    found = parse_moment(text, UTC, day_first=reading.day_first) if text else None
    if found is None or not 1800 <= found.year <= 2200:
        raise BadValue(_l("“%(value)s” is not a date that is understood.", value=_short(given)))
    return found.strftime(_UTC_DAY)


def _choice(field: Definition, given: Any, _reading: Reading) -> str | None:
    text = clean_text(given, field=field.name)
    return None if text is None else _meant(field, text).key


def _choices(field: Definition, given: Any, _reading: Reading) -> list[str] | None:
    if isinstance(given, str):
        whole = next((c for c in field.choices if fold(given) in _names(c)), None)
        given = [given] if whole else _SEPARATORS.split(given)
    if not isinstance(given, list | tuple):
        raise BadValue(_l("This must be a list."))
    if len(given) > MOST_CHOSEN:
        raise BadValue(_l("At most %(limit)s values fit in a list.", limit=MOST_CHOSEN))
    texts = [clean_text(each, field=field.name) for each in given]
    keys = {_meant(field, text).key for text in texts if text is not None}
    return [choice.key for choice in field.choices if choice.key in keys] or None


def _meant(field: Definition, text: str) -> Choice:
    """The choice of that key or name, in any language.  Raises BadValue."""
    exact = field.choice(text)
    if exact is not None:
        return exact
    wanted = fold(text)
    for choice in sorted(field.choices, key=lambda each: each.is_retired):
        if wanted in _names(choice):
            return choice
    raise BadValue(_l("“%(value)s” is not one of the choices.", value=_short(text)))


def _names(choice: Choice) -> set[str]:
    return {fold(name) for name in (choice.key, choice.name, *choice.names.values())}


def _yes_no(field: Definition, given: Any, _reading: Reading) -> bool | None:
    if isinstance(given, bool):
        return given
    text = clean_text(given, field=field.name)
    found = None if text is None else parse_yes_no(text)
    if found is None:
        raise BadValue(_l("“%(value)s” is neither yes nor no.", value=_short(given)))
    return found


def _link(field: Definition, given: Any, _reading: Reading) -> str | None:
    text = clean_text(given, max_length=LONGEST_LINK, field=field.name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_safe = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_safe = False
    if not is_safe or any(letter.isspace() or letter in "<>\"'`\\" for letter in text):
        raise BadValue(_l("Give an address that begins with https://."))
    return text


def _user(field: Definition, given: Any, reading: Reading) -> str | None:
    if isinstance(given, Mapping):  # as the API shows one
        given = given.get("id")
    text = clean_text(given, field=field.name)
    if text is None:
        return None
    found = reading.find_person(text)
    if not found:
        raise BadValue(_l("“%(value)s” is none of your people.", value=_short(text)))
    return found


_READERS: Mapping[Kind, Callable[[Definition, Any, Reading], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.MONEY: _number,
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.YES_NO: _yes_no,
    Kind.LINK: _link,
    Kind.USER: _user,
}


def _short(given: Any) -> str:
    text = str(given)
    return text if len(text) <= 60 else text[:59] + "…"


def problem_of(field: Definition, given: Any, reading: Reading) -> tuple[Any, list[Any]]:
    """(what a record keeps, complaints)."""
    try:
        return read_value(field, given, reading), []
    except BadValue as bad:
        return None, [bad.message]
    except Invalid as error:
        return None, [message for messages in error.errors.values() for message in messages]


# From what a record keeps to what others do with it


def people_in(fields: Iterable[Definition], values: Iterable[Mapping[str, Any]]) -> set[str]:
    """The public names of the colleagues that records name, to look up together."""
    names = [field.name for field in fields if field.kind is Kind.USER]
    return {each[name] for each in values for name in names if each.get(name)} if names else set()


def names_of_people(session: Session, refs: Iterable[str]) -> dict[str, str]:
    """Public name → name.  One statement, none where there is nobody to look up."""
    wanted = sorted(set(refs))
    if not wanted:
        return {}
    rows = session.execute(select(User.ref, User.name).where(User.ref.in_(wanted)))
    return {ref: name for ref, name in rows}  # noqa: C416 - rows are no pairs to mypy


def in_words(field: Definition, value: Any, people: Mapping[str, str]) -> str:
    """A value as people read it; "" for nothing.  people: public name → name."""
    if value is None:
        return ""
    match field.kind:
        case Kind.CHOICE:
            found = field.choice(value)
            return found.label if found else str(value)
        case Kind.CHOICES:
            return ", ".join(choice.label for choice in field.choices if choice.key in value)
        case Kind.YES_NO:
            return _("Yes") if value else _("No")
        case Kind.DATE:
            return dates.format_date(date.fromisoformat(value), "medium", locale=_locale())
        case Kind.NUMBER:
            return str(format_decimal(value))
        case Kind.MONEY:
            return str(format_decimal(value, "#,##0" if isinstance(value, int) else "#,##0.00"))
        case Kind.USER:
            return people.get(value, "")
    return str(value)


def _locale() -> str:
    """As pages write days: English ones as in Britain."""
    language = str(get_locale() or "en")
    return "en_GB" if language == "en" else language


def in_file(field: Definition, value: Any, people: Mapping[str, str]) -> Any:
    """A value as a file holds it, which an import takes again: choices by name, numbers and days for machines."""
    match field.kind:
        case Kind.CHOICE:
            found = field.choice(value) if value is not None else None
            return found.name if found else value
        case Kind.CHOICES:
            return "; ".join(c.name for c in field.choices if c.key in value) if value else None
        case Kind.YES_NO:
            return None if value is None else "yes" if value else "no"
        case Kind.USER:
            return people.get(value, value) if value is not None else None
    return value


def as_typed(field: Definition, value: Any) -> Any:
    """What the input of a form begins with."""
    if value is None:
        return [] if field.kind is Kind.CHOICES else ""
    match field.kind:
        case Kind.YES_NO:
            return "yes" if value else "no"
        case Kind.CHOICES:
            return list(value)
    return str(value)


def for_events(field: Definition, value: Any, people: Mapping[str, str]) -> Any:
    """A value as the record of events tells it: what it was called then."""
    return value if field.kind in (Kind.NUMBER, Kind.MONEY, Kind.YES_NO) else in_file(field, value, people)


def for_criteria(field: Definition, value: Any) -> Any:
    """A value as criteria compare it (`routing.criteria.FieldType`)."""
    if field.kind is Kind.DATE and value is not None:
        return date.fromisoformat(value)
    return value


def for_index(field: Definition, value: Any) -> str:
    """A value as text that sorts and compares as the value does; "" for nothing, before everything else.

    Numbers have a fixed width, those below zero with each digit taken from nine, so that any collation puts
    them in order.
    """
    if value is None or value == []:
        return ""
    match field.kind:
        case Kind.NUMBER | Kind.MONEY:
            whole = int((Decimal(str(value)) * 10**6).to_integral_value())
            digits = f"{abs(whole):023d}"
            return f"2{digits}" if whole >= 0 else "1" + "".join(str(9 - int(d)) for d in digits)
        case Kind.YES_NO:
            return "1" if value else "0"
        case Kind.TEXT | Kind.LINK:
            return fold(str(value), 255) or "-"
    return str(value)[:255]
