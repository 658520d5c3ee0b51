"""Forms of accounts and contacts, made from their fields.  What a value must be is the operations' to say."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from wtforms import Field as Input
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from app.accounts.fields import (
    CATEGORIES,
    CONTACT_FIELDS,
    SECTIONS,
    Field,
    FieldKind,
    fields_of_kind,
)
from app.accounts.queries import Person
from app.fields.catalogue import catalogue
from app.fields.inputs import Marked, make_inputs, was_sent
from app.fields.layout import arranged
from app.identity.forms import LANGUAGE_NAMES, zone_choices
from app.kernel.countries import country_choices
from app.kernel.db import db
from app.web.access import current_actor
from app.web.choices import options
from app.web.forms import Form

Rows = Sequence[Sequence[str]]

_PLACES: dict[str, Rows] = {
    place: [
        (f"{place}_street",),
        (f"{place}_postal_code", f"{place}_city"),
        (f"{place}_state", f"{place}_country"),
    ]
    for place in ("billing", "shipping")
}
_MORE: Rows = [
    ("account_number", "type"),
    ("employees", "annual_revenue"),
    ("parent_id",),
    ("owner", "external_id"),
    ("description",),
]
BUSINESS_LAYOUT: dict[str, Rows] = {
    "main": [("name",), ("phone", "website"), ("industry", "category"), ("site",)],
    **_PLACES,
    "more": _MORE,
}
PERSON_LAYOUT: dict[str, Rows] = {
    "main": [
        ("last_name", "first_name"),
        ("email", "phone"),
        ("mobile", "title"),
        ("website", "industry"),
        ("category",),
    ],
    **_PLACES,
    "more": _MORE,
}
CONTACT_LAYOUT: dict[str, Rows] = {
    "main": [("last_name", "first_name"), ("account_id",), ("email", "phone"), ("title", "mobile")],
    "more": [("reports_to_id", "owner"), ("language", "time_zone"), ("external_id",), ("description",)],
}
# Written beside a picker's text: the public name of the record that the text was filled in from.
_PICKED = "_ref"


class RecordForm(Form):
    """A form with one input for each field; subclasses are made by `form_class`."""

    fields: Mapping[str, Any] = {}
    layout: Mapping[str, Rows] = {}
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # picker → (public name, name) of the records that its text can mean
        self.offers: dict[str, list[tuple[str, str]]] = {}

    def sections(self) -> Iterator[tuple[str, Any, list[list[tuple[Field, Input]]]]]:
        """(name, title, rows of (field, input)) in the order of the page, without inputs that were left out."""
        for name, rows in self.layout.items():
            shown = [[(self.fields[n], self[n]) for n in row if n in self] for row in rows]
            if any(shown):
                yield name, SECTIONS[name], [row for row in shown if row]

    def given(self) -> dict[str, Any]:
        """Field → what was sent, for the inputs that were sent at all; references are still text."""
        return {name: self[name].data for name in self.fields if name in self and was_sent(name)}

    @property
    def began_from(self) -> int | None:
        """The version of the record that the form was filled from; None when the form does not say."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None

    def picked(self, name: str) -> str:
        """The public name that a picker was filled in from, "" if none."""
        return str(self[name + _PICKED].data or "")

    def offer(
        self, *, people: Sequence[Person] | None = None, superiors: Sequence[tuple[str, str]] | None = None
    ) -> None:
        """Fill the choices that depend on who asks; without them the input is left out."""
        for name, choices in (
            ("owner", None if people is None else [(p.ref, p.name) for p in people]),
            ("reports_to_id", None if superiors is None else [("", _("Nobody")), *superiors]),
        ):
            if name not in self:
                continue
            if choices is None:
                del self[name]
            else:
                select: Any = self[name]
                select.choices = options(choices)


def form_class(kind: str) -> type[RecordForm]:
    """The form of a "business" or "person" account, or of a "contact", as the signed-in person has it."""
    object_ = "contact" if kind == "contact" else "account"
    edition = catalogue(db.session())
    added = edition.seen(current_actor(), object_)
    plain = _make(kind)
    layout = edition.layouts.get(object_, ())
    if not added and not layout:
        return plain
    every = {**plain.fields, **added}
    # A person has no parent: the layout of both kinds names fields that one of them lacks.
    rows = arranged(layout_of(kind), layout, added, lambda name: name in every and is_wide(every[name]))
    return type(
        plain.__name__,
        (plain,),
        {"fields": every, "layout": dict(rows), **make_inputs(added)},
    )


def layout_of(kind: str) -> Mapping[str, Rows]:
    """Rows of standard fields by section, as they came."""
    return {"contact": CONTACT_LAYOUT, "person": PERSON_LAYOUT}.get(kind, BUSINESS_LAYOUT)


def is_wide(field: Any) -> bool:
    """Whether its input takes a row of its own."""
    return field.kind in ("long_text", "account", "choices") or field.name in ("name", "site")


@cache
def _make(kind: str) -> type[RecordForm]:
    fields = CONTACT_FIELDS if kind == "contact" else fields_of_kind(kind)
    class_name = "ContactForm" if kind == "contact" else "AccountForm"
    layout = layout_of(kind)
    inputs: dict[str, Any] = {name: _input(field) for name, field in fields.items()}
    inputs.update(
        {name + _PICKED: HiddenField() for name, f in fields.items() if f.kind is FieldKind.ACCOUNT}
    )
    return type(class_name, (RecordForm,), {"fields": fields, "layout": layout, **inputs})


def _input(field: Field) -> Any:
    common = {
        "label": field.label,
        "description": field.help,
        "validators": [Marked()] if field.is_required else [],
    }
    match field.kind:
        case FieldKind.LONG_TEXT:
            return TextAreaField(**common)
        case FieldKind.COUNTRY:
            return SelectField(choices=_countries, **common)
        case FieldKind.CHOICE:
            return SelectField(choices=lambda: options(category_choices()), **common)
        case FieldKind.LANGUAGE:
            return SelectField(choices=options([("", "–"), *LANGUAGE_NAMES]), **common)
        case FieldKind.TIME_ZONE:
            return SelectField(choices=lambda: options([("", "–"), *zone_choices()]), **common)
        case FieldKind.USER | FieldKind.CONTACT:
            return SelectField(choices=[], **common)
    return StringField(**common)


def _countries() -> Any:
    return options([("", "–"), *country_choices(str(get_locale() or "en")[:2])])


def category_choices() -> list[tuple[str, str]]:
    """The categories an account may have, with the fourth once it has a name."""
    from app.accounts.categories import fourth_category

    fourth = fourth_category()
    choices = [(key, str(label)) for key, label in CATEGORIES.items()]
    return [*choices, ("fourth", fourth)] if fourth else choices
