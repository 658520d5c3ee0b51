"""From a row of a file to the values of a lead: read by its mapping, with warnings, or refused with a reason.

Knows no database: the choices and settings it reads by are in the plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.fields.kinds import is_custom
from app.fields.records import first_values, refuse_empty, split
from app.fields.values import BadValue
from app.fields.values import Reading as OwnReading
from app.intake.neutralise import original
from app.intake.tables import Row
from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.text import NOTE, clean_text
from app.leads.columns import derived_columns
from app.leads.fields import FIELDS, IDENTIFYING
from app.leads.values import ATTRIBUTES, NOBODY, STRICT, Reading, read_field

SOURCE = "source"
# What a lead may hold though it is out of use by now.
RETIRING = ("status", "unqualified_reason")
ID = "id"  # the public name that Canal gave the lead, as exports have it


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows of one file become leads.

    fields: (header, field) of the mapped columns; kept: columns without a field, stored beside the lead.
    source: for rows without one of their own.  strict: last name, company and status are asked for.
    first: what new leads begin with in fields that administrators added.
    """

    fields: tuple[tuple[str, str], ...]
    kept: tuple[str, ...]
    reading: Reading
    source: str | None = None
    strict: bool = False
    first: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        headers: Sequence[str],
        mapping: Mapping[str, str | None],
        reading: Reading,
        *,
        source: str | None = None,
        strict: bool = False,
    ) -> "Plan":
        """mapping: header → field name; a column it does not name, or gives no field, is only kept."""
        fields = tuple((header, name) for header in headers if (name := mapping.get(header)))
        kept = tuple(header for header in headers if not mapping.get(header))
        first = first_values(reading.custom, OwnReading(reading.find_person, reading.day_first))
        return cls(fields, kept, reading, source, strict, first)


@dataclass(slots=True)
class TakenRow:
    """A row that can be taken.

    values: field → value, only of fields that hold something; `source` is its name here.
    attributes: the same by attribute of Lead, with the derived columns, without the source; `custom` holds those
    of the fields that administrators added.
    imported: header → text of columns without a field.  warnings: what was left out, in words.
    followers: later rows of the same lead that it has taken up; changed_by_followers: how many of them changed something.
    ref: the public name of the lead that it means, which decides alone; None for a row that is known otherwise.
    unread: field → (text, why it was left out) where a lead that is there may hold just that; no warning of others.
    """

    row: Row
    values: dict[str, Any]
    attributes: dict[str, Any]
    imported: dict[str, str]
    warnings: list[Any] = field(default_factory=list)
    followers: list["TakenRow"] = field(default_factory=list)
    changed_by_followers: int = 0
    ref: str | None = None
    unread: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def absorb(self, later: "TakenRow") -> None:
        """Take up what a later row of the same lead changes."""
        changes = {name: value for name, value in later.values.items() if self.values.get(name) != value}
        self.followers.append(later)
        self.changed_by_followers += bool(changes) or any(
            self.imported.get(header) != text for header, text in later.imported.items()
        )
        self.values.update(changes)
        self.imported.update(later.imported)
        self.attributes = _attributes(self.values)

    @property
    def external_id(self) -> str | None:
        return self.values.get("external_id")


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that cannot be taken.  reason: in words, lazy."""

    row: Row
    reason: Any


def read_row(plan: Plan, row: Row) -> TakenRow | RefusedRow:
    """The row as a lead's values."""
    if row.problem is not None:
        return RefusedRow(row, row.problem)
    values: dict[str, Any] = {}
    unread: dict[str, tuple[str, Any]] = {}
    warnings: list[Any] = [] if row.warning is None else [row.warning]
    cells, reading, ref = row.cells, plan.reading, None
    try:
        for header, name in plan.fields:
            given = original(cells[header])
            if not given:
                continue
            if name == ID:
                ref = given.strip() or None
                continue
            try:
                value = _source_name(given) if name == SOURCE else _read(name, given, reading)
            except BadValue as bad:
                message = _in_field(plan, name, bad.message)
                if name in RETIRING:
                    unread[name] = given, message
                else:
                    warnings.append(message)
                continue
            if value is not None:
                values[name] = value
        imported = _kept(plan, cells)
    except Invalid as invalid:
        return RefusedRow(row, _complaint(plan, invalid))
    reason = _missing(plan, values) if ref is None else None
    if reason is not None:
        return RefusedRow(row, reason)
    if plan.source and SOURCE not in values:
        values[SOURCE] = plan.source
    return TakenRow(row, values, _attributes(values), imported, warnings, ref=ref, unread=unread)


def _read(name: str, given: str, reading: Reading) -> Any:
    """What a cell holds of a field; one that has been retired since the columns were chosen is left out."""
    if is_custom(name) and name not in reading.custom:
        raise BadValue(_l("There is no such field any more."))
    return read_field(name, given, reading)


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    standard, custom = split(values)
    attributes = {ATTRIBUTES[name]: value for name, value in standard.items() if name != SOURCE}
    attributes.update(derived_columns(attributes))
    if custom:
        attributes["custom"] = custom
    return attributes


def _missing(plan: Plan, values: Mapping[str, Any]) -> Any | None:
    for name in IDENTIFYING:
        if values.get(name):
            break
    else:
        return NOBODY
    if plan.strict:
        for name in STRICT:
            if not values.get(name):
                return _in_field(plan, name, _l("This is required."))
    return None


def missing_of_new(plan: Plan, custom: Mapping[str, Any]) -> Any | None:
    """Why a row cannot be a new lead: a field that administrators added and require is empty."""
    for name, messages in refuse_empty(plan.reading.custom, custom, is_new=True).items():
        return _in_field(plan, name, messages[0])
    return None


def _source_name(given: str) -> str | None:
    text = clean_text(given, max_length=80, field=SOURCE)
    return text if text and fold(text, 80) else None


def _kept(plan: Plan, cells: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for header in plan.kept:
        given = original(cells.get(header, ""))
        if given:
            text = clean_text(given, max_length=NOTE, field=header, multiline=True)
            if text is not None:
                kept[header] = text
    return kept


def _in_field(plan: Plan, name: str, message: Any) -> Any:
    return _l("%(field)s: %(message)s", field=_label(plan, name), message=message)


def _label(plan: Plan, name: str) -> Any:
    known = FIELDS.get(name) or plan.reading.custom.get(name)
    return known.label if known is not None else name


def _complaint(plan: Plan, invalid: Invalid) -> Any:
    for name, messages in invalid.errors.items():
        label = _label(plan, name)
        return _l("%(field)s: %(message)s", field=label, message=messages[0])
    return invalid.message
