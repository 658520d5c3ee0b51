"""From what people and programs send to the values of a lead's fields: one validation for every way in.

Forms and the API refuse whatever is wrong.  Imports forgive a `BadValue`: the field stays empty, with a
warning, and the rest of the row is taken; what cannot be stored at all (`Invalid`) refuses the row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.accounts.consent import BASES, basis_key
from app.fields.catalogue import Definition, catalogue
from app.fields.values import BadValue, read_value, reading_of
from app.fields.values import Reading as OwnReading
from app.kernel.actor import Actor
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.parse import parse_email, parse_moment, parse_number, parse_yes_no
from app.kernel.text import clean_text
from app.leads.fields import FIELDS, IDENTIFYING, Field, FieldKind
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason

LARGEST_NUMBER = 10**15
LARGEST_SCORE = 1_000_000
LARGEST_MONEY = 10**15
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a choice field may hold: folded key or name → id.  Only those still in use."""

    statuses: Mapping[str, int]
    sources: Mapping[str, int]
    reasons: Mapping[str, int] = field(default_factory=dict)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """How values are read.

    zone: what moments without a zone are meant in.  day_first: order of day and month where both fit.
    custom: the fields that administrators added, as far as whoever gives the values sees them; find_person: whom
    a value of theirs means.
    find_held: the lead that is changed, if one is: what it holds may be given again though it is out of use by now.
    """

    choices: Choices
    zone: tzinfo = UTC
    day_first: bool = True
    custom: Mapping[str, Definition] = field(default_factory=dict)
    find_person: Callable[[str], str] = str
    find_held: Callable[[], Lead | None] = _nothing


@dataclass(slots=True)
class LeadValues:
    """The values of one lead, typed.

    fields: field name (`fields.FIELDS`, or one that an administrator added) → value; a status or source is its
    id, an emptied field is None.
    """

    fields: dict[str, Any] = field(default_factory=dict)

    def attributes(self) -> dict[str, Any]:
        """Those of the standard fields by the attribute of Lead that holds them."""
        return {ATTRIBUTES[name]: value for name, value in self.fields.items() if name in ATTRIBUTES}

    def custom(self) -> dict[str, Any]:
        """Those of the fields that administrators added."""
        return {name: value for name, value in self.fields.items() if name not in ATTRIBUTES}

    @property
    def identifies(self) -> bool:
        """Whether something tells who it is: last name, company, e-mail or a phone number."""
        return any(self.fields.get(name) for name in IDENTIFYING)


ATTRIBUTES = {name: field.attribute for name, field in FIELDS.items()}
NOBODY = _l("Give at least a last name, a company, an e-mail address or a phone number.")
STRICT = ("last_name", "company", "status")


def load_choices(session: Session) -> Choices:
    """Statuses and reasons by key and name, sources by name."""
    statuses: dict[str, int] = {}
    for status in session.scalars(select(LeadStatus).where(LeadStatus.is_active)):
        statuses[fold(status.name)] = status.id
        statuses[fold(status.key)] = status.id
    sources = session.execute(select(LeadSource.name_fold, LeadSource.id).where(LeadSource.is_active))
    reasons: dict[str, int] = {}
    for reason in session.scalars(select(UnqualifiedReason).where(UnqualifiedReason.is_active)):
        reasons[fold(reason.name)] = reason.id
        reasons[fold(reason.key)] = reason.id
    named = {name: key for name, key in sources}  # noqa: C416 - rows are no pairs to mypy
    return Choices(statuses, named, reasons)


def reading_for(
    session: Session,
    actor: Actor,
    *,
    zone: tzinfo = UTC,
    day_first: bool = True,
    choices: Choices | None = None,
    find_held: Callable[[], Lead | None] = _nothing,
) -> Reading:
    """How values that the actor gives are read; of fields that administrators added, those that they see."""
    own = catalogue(session).seen(actor, "lead")
    find_person = reading_of().find_person
    return Reading(choices or load_choices(session), zone, day_first, own, find_person, find_held)


def read_lead_values(raw: Mapping[str, Any], reading: Reading) -> LeadValues:
    """The values of a form or an API call.  raw: field name → text, number, boolean or None.

    Raises Invalid with every complaint, by field; a field that does not exist is one.
    """
    values, errors = LeadValues(), {}
    for name, given in raw.items():
        if name not in FIELDS and name not in reading.custom:
            errors[name] = [_l("There is no such field.")]
            continue
        try:
            values.fields[name] = read_field(name, given, reading)
        except BadValue as bad:
            errors[name] = [bad.message]
        except Invalid as invalid:
            errors[name] = [message for messages in invalid.errors.values() for message in messages]
    if errors:
        raise Invalid(errors)
    return values


def read_field(name: str, given: Any, reading: Reading) -> Any:
    """The value of one field, None for nothing.  Raises BadValue, Invalid."""
    own = reading.custom.get(name)
    if own is None:
        return READERS[name](given, reading)
    return read_value(own, given, OwnReading(reading.find_person, reading.day_first))


def require_whole(values: LeadValues, *, strict: bool) -> None:
    """That a new lead has what capture asks for.

    strict: the organisation's setting that last name, company and status are given too.
    Raises Invalid.
    """
    missing = missing_fields(values, strict=strict)
    if missing:
        raise Invalid({name: [_l("This is required.")] for name in missing})
    if not values.identifies:
        raise Invalid({"": [NOBODY]})


def missing_fields(values: LeadValues, *, strict: bool) -> list[str]:
    """Which of the fields that strict capture asks for are empty."""
    return [name for name in STRICT if not values.fields.get(name)] if strict else []


# One reader a field: (what was given, how to read) → value, None for nothing.

Reader = Callable[[Any, Reading], Any]


def _reader(known: Field) -> Reader:
    make = _MAKERS.get(known.kind)
    if known.name == "status":
        return _status
    if known.name == "source":
        return _source
    if known.name == "unqualified_reason":
        return _reason
    if known.name == "consent_basis":
        return _basis
    return make(known) if make else _text_reader(known)


def _text_reader(known: Field) -> Reader:
    name, limit, multiline = known.name, known.max_length, known.kind is FieldKind.LONG_TEXT

    def read(given: Any, _reading: Reading) -> str | None:
        return clean_text(given, max_length=limit, field=name, multiline=multiline)

    return read


def _email_reader(known: Field) -> Reader:
    name, limit = known.name, known.max_length

    def read(given: Any, _reading: Reading) -> str | None:
        text = clean_text(given, max_length=limit, field=name)
        if text is None:
            return None
        address = parse_email(text)
        if address is None:
            raise BadValue(_l("“%(value)s” is not an e-mail address.", value=_short(text)))
        return address

    return read


def _country_reader(known: Field) -> Reader:
    name = known.name

    def read(given: Any, _reading: Reading) -> str | None:
        text = clean_text(given, field=name)
        if text is None:
            return None
        code = country_code(text)
        if code is None:
            raise BadValue(_l("“%(value)s” is not a country that is known.", value=_short(text)))
        return code

    return read


def _number_reader(known: Field) -> Reader:
    largest = LARGEST_SCORE if known.name == "score" else LARGEST_NUMBER

    def read(given: Any, _reading: Reading) -> int | None:
        value = _decimal(given, known)
        if value is None:
            return None
        if value != value.to_integral_value() or not 0 <= value <= largest:
            raise BadValue(_l("“%(value)s” is not a whole number from 0 up.", value=_short(str(given))))
        return int(value)

    return read


def _money_reader(known: Field) -> Reader:
    def read(given: Any, _reading: Reading) -> float | None:
        value = _decimal(given, known)
        if value is None:
            return None
        if not 0 <= value <= LARGEST_MONEY:
            raise BadValue(_l("“%(value)s” is not an amount from 0 up.", value=_short(str(given))))
        return float(round(value, 2))

    return read


def _decimal(given: Any, known: Field) -> Decimal | None:
    if isinstance(given, bool):
        raise BadValue(_l("This must be a number."))
    if isinstance(given, int | float | Decimal):
        value = Decimal(str(given))
        if not value.is_finite():
            raise BadValue(_l("This must be a number."))
        return value
    text = clean_text(given, field=known.name)
    if text is None:
        return None
    number = parse_number(text)
    if number is None:
        raise BadValue(_l("“%(value)s” is not a number.", value=_short(text)))
    return number


def _boolean_reader(known: Field) -> Reader:
    # Opt-outs have no third state in the table.
    empty = False if known.name.startswith("opted_out") else None

    def read(given: Any, _reading: Reading) -> bool | None:
        if given is None or isinstance(given, bool):
            return empty if given is None else given
        text = clean_text(str(given) if isinstance(given, int) else given, field=known.name)
        if text is None:
            return empty
        value = parse_yes_no(text)
        if value is None:
            raise BadValue(_l("“%(value)s” is neither yes nor no.", value=_short(text)))
        return value

    return read


def _moment_reader(known: Field) -> Reader:
    def read(given: Any, reading: Reading) -> datetime | None:
        if isinstance(given, datetime):
            moment: datetime | None = given if given.tzinfo else given.replace(tzinfo=reading.zone)
        elif isinstance(given, date):
            moment = datetime(given.year, given.month, given.day, tzinfo=reading.zone)
        else:
            text = clean_text(given, field=known.name)
            if text is None:
                return None
            moment = parse_moment(text, reading.zone, day_first=reading.day_first)
        if moment is None or not EARLIEST <= moment <= LATEST:
            raise BadValue(_l("“%(value)s” is not a date that is understood.", value=_short(str(given))))
        return moment.astimezone(UTC)

    return read


def _status(given: Any, reading: Reading) -> int | None:
    text = clean_text(given, field="status")
    if text is None:
        return None
    found = reading.choices.statuses.get(fold(text)) or _held_entry(
        reading, LeadStatus, "status_id", fold(text)
    )
    if found is None:
        raise BadValue(_l("There is no status “%(value)s”.", value=_short(text)))
    return found


def _source(given: Any, reading: Reading) -> int | None:
    text = clean_text(given, max_length=80, field="source")
    if text is None:
        return None
    found = reading.choices.sources.get(fold(text, 80)) or _held_entry(
        reading, LeadSource, "source_id", fold(text, 80)
    )
    if found is None:
        raise BadValue(_l("There is no source “%(value)s”.", value=_short(text)))
    return found


def _reason(given: Any, reading: Reading) -> int | None:
    text = clean_text(given, max_length=80, field="unqualified_reason")
    if text is None:
        return None
    found = reading.choices.reasons.get(fold(text)) or _held_entry(
        reading, UnqualifiedReason, "unqualified_reason_id", fold(text)
    )
    if found is None:
        raise BadValue(_l("There is no reason “%(value)s”.", value=_short(text)))
    return found


def _held_entry(reading: Reading, model: Any, column: str, text: str) -> int | None:
    """The retired entry that the lead has already, if it is the one that is named."""
    held = reading.find_held()
    session = object_session(held) if held is not None else None
    key: int | None = getattr(held, column) if session is not None else None
    entry = session.get(model, key) if session is not None and key is not None else None
    if entry is None or text not in (fold(entry.name, 80), fold(getattr(entry, "key", entry.name))):
        return None
    return key


def _basis(given: Any, reading: Reading) -> str | None:
    text = clean_text(given, field="consent_basis")
    if text is None:
        return None
    found = basis_key(text)
    if found is None:
        held = reading.find_held()
        if held is not None and held.consent_basis == text:
            return text  # in words, from before there was a list
        raise BadValue(_l("“%(value)s” is none of: %(known)s.", value=_short(text), known=", ".join(BASES)))
    return found


_MAKERS: dict[FieldKind, Callable[[Field], Reader]] = {
    FieldKind.EMAIL: _email_reader,
    FieldKind.COUNTRY: _country_reader,
    FieldKind.NUMBER: _number_reader,
    FieldKind.MONEY: _money_reader,
    FieldKind.BOOLEAN: _boolean_reader,
    FieldKind.DATETIME: _moment_reader,
}


def _short(text: str) -> str:
    """Enough of what was given to recognise it in a complaint."""
    return text if len(text) <= 60 else text[:59] + "…"


READERS: dict[str, Reader] = {name: _reader(known) for name, known in FIELDS.items()}
