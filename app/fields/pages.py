"""What the pages about fields show: each with its use, its definition, who sees it; and the layout of a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.fields import SECTIONS as RECORD_SECTIONS
from app.accounts.forms import layout_of as layout_of_records
from app.fields.catalogue import Definition, catalogue
from app.fields.counting import STANDARD
from app.fields.kinds import KIND_NAMES, OBJECTS, Kind
from app.fields.layout import arranged
from app.fields.models import CustomField, FieldCount, FormLayout
from app.fields.queries import counts, last_uses, list_fields
from app.identity.lead_fields import read_lead_fields
from app.leads.fields import ALL_SECTIONS
from app.leads.forms import layout_of as layout_of_leads
from app.leads.visibility import Visibility, visibility_words
from app.opportunities.forms import layout_of as layout_of_opportunities
from app.web.filters import number

_STANDARD_KINDS = {
    "text": "text", "long_text": "long_text", "email": "email", "phone": "phone", "url": "link", "number": "number",
    "money": "money", "country": "country", "choice": "choice", "datetime": "moment", "date": "date", "boolean": "yes_no",
    "language": "language", "time_zone": "time_zone", "account": "record", "contact": "record", "user": "user",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A field with everything that is to be said of it.

    row: the stored field, None for a standard one.  fill: how many records hold something, in words; percent of
    them for the meter, None while nobody has counted.  sees: who sees it, in words.
    """

    object: str
    name: str
    label: str
    kind: str
    help: str
    definition: str
    asked_by: str
    reason: str
    sees: str
    fill: str
    percent: int | None
    last_used_at: datetime | None
    row: CustomField | None = None

    @property
    def is_unused(self) -> bool:
        """Whether nobody has ever filled it in."""
        return self.row is not None and self.last_used_at is None


def lines_of(session: Session, *, standard: bool) -> dict[str, list[Line]]:
    """Object → its fields; standard: with those that came with Canal, first.  A constant number of statements."""
    known, used = counts(session), last_uses(session)
    shown = read_lead_fields(session).everyone
    words = visibility_words()
    found: dict[str, list[Line]] = {name: [] for name in OBJECTS}
    for object_ in OBJECTS if standard else ():
        for name, field in STANDARD[object_].items():
            sees = words.get(shown.get(name, ""), "") if object_ == "lead" else _("Whoever sees the record")
            kind = _kind_words(_STANDARD_KINDS[str(field.kind)])
            fill, percent = fill_words(known.get((object_, name)))
            found[object_].append(
                Line(
                    object_,
                    name,
                    str(field.label),
                    kind,
                    str(field.help),
                    "",
                    "",
                    "",
                    sees,
                    fill,
                    percent,
                    None,
                )
            )
    edition = catalogue(session)
    rows = {(row.object, row.name): row for row in list_fields(session)}
    for object_ in OBJECTS:
        for name, definition in edition.all(object_).items():
            row = rows[object_, name]
            fill, percent = fill_words(known.get((object_, name)))
            found[object_].append(
                Line(
                    object_, name, str(definition.label), str(KIND_NAMES[definition.kind]), row.help, row.description,
                    row.asked_by, row.reason, sees_words(definition, shown), fill, percent, used.get(row.id), row,
                )
            )  # fmt: skip
    return found


def sees_words(field: Definition, shown: Mapping[str, str]) -> str:
    """Who sees a field."""
    if field.kind is Kind.USER:
        return _("Your own people")
    if field.object == "lead":
        when = shown.get(field.name, Visibility.HIDDEN)
        if when == Visibility.HIDDEN:
            return _("Your own people")
        return _("Partners: %(when)s", when=visibility_words()[when].lower())
    return _("Your own people") if field.is_internal else _("Whoever sees the record")


def fill_words(count: FieldCount | None) -> tuple[str, int | None]:
    """How many records hold something in a field, and the percentage."""
    if count is None:
        return _("Not counted yet"), None
    if not count.looked_at:
        return _("No records"), 0
    percent = round(100 * count.filled / count.looked_at)
    said = "< 1%" if count.filled and not percent else f"{percent}%"
    if count.is_exact:
        text = _(
            "%(percent)s, %(filled)s of %(all)s",
            percent=said,
            filled=number(count.filled),
            all=number(count.looked_at),
        )
    else:
        text = _("about %(percent)s, of %(all)s looked at", percent=said, all=number(count.looked_at))
    return text, percent


def _kind_words(kind: str) -> str:
    more = {
        "long_text": _("Long text"), "email": _("E-mail"), "phone": _("Phone"), "country": _("Country"),
        "moment": _("Date and time"), "language": _("Language"), "time_zone": _("Time zone"),
        "record": _("Another record"),
    }  # fmt: skip
    return more[kind] if kind in more else str(KIND_NAMES[Kind(kind)])


# Layout


@dataclass(frozen=True, slots=True)
class Place:
    """A field in its place on a form."""

    name: str
    label: str
    is_own: bool


def layout_page(session: Session, object_: str) -> list[tuple[str, str, list[Place]]]:
    """(section, title, fields in their order)."""
    known: dict[str, Any] = {**STANDARD[object_], **catalogue(session).active(object_)}
    titles = ALL_SECTIONS if object_ == "lead" else RECORD_SECTIONS
    return [
        (
            section,
            str(titles[section]),
            [Place(name, str(known[name].label), isinstance(known[name], Definition)) for name in names],
        )
        for section, names in present_layout(session, object_)
    ]


def present_layout(session: Session, object_: str) -> list[tuple[str, list[str]]]:
    """(section, names) as the form asks now; of accounts with what persons alone have."""
    edition = catalogue(session)
    rows = arranged(
        standard_layout(object_),
        edition.layouts.get(object_, ()),
        edition.active(object_),
        lambda _name: True,
    )
    return [(section, [name for row in names for name in row]) for section, names in rows]


def standard_layout(object_: str) -> dict[str, Sequence[Sequence[str]]]:
    """Section → rows as they came."""
    if object_ == "lead":
        return layout_of_leads()
    if object_ == "opportunity":
        return dict(layout_of_opportunities())
    if object_ == "contact":
        return dict(layout_of_records("contact"))
    business, person = layout_of_records("business"), layout_of_records("person")
    there = {name for rows in business.values() for row in rows for name in row}
    alone = [[name] for row in person["main"] for name in row if name not in there]
    return {**business, "main": [*business["main"], *alone]}


def moved(layout: Sequence[tuple[str, Sequence[str]]], act: str) -> list[tuple[str, list[str]]]:
    """The layout after a button ("up-city"): past an end of a section it goes on in the next one."""
    verb, _dash, name = act.partition("-")
    found = [(section, list(names)) for section, names in layout]
    place = next((i for i, (_section, names) in enumerate(found) if name in names), None)
    if place is None or verb not in ("up", "down"):
        return found
    names = found[place][1]
    at, step = names.index(name), -1 if verb == "up" else 1
    if 0 <= at + step < len(names):
        names[at], names[at + step] = names[at + step], names[at]
    elif 0 <= place + step < len(found):
        names.remove(name)
        other = found[place + step][1]
        other.insert(len(other) if step < 0 else 0, name)
    return found


def layout_version(session: Session, object_: str) -> int:
    """What an arrangement begins from: 0 where nobody has arranged anything."""
    layout = session.get(FormLayout, object_)
    return layout.version if layout is not None else 0


def as_arranged(session: Session, object_: str) -> bool:
    """Whether an administrator arranged the form."""
    return object_ in catalogue(session).layouts
