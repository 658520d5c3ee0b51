"""The form of a lead, made from its fields, and the small forms of its acts.

What a value must be is `leads.values`' to say; here is what is asked, in which order, and what somebody
changed of what the form began with.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from flask import request
from flask_babel import get_locale, lazy_gettext
from flask_babel import gettext as _
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms import Field as Input

from app.accounts.consent import basis_choices
from app.fields.catalogue import Definition, catalogue
from app.fields.inputs import make_inputs, text_of
from app.fields.layout import arranged
from app.fields.records import refusal_of
from app.fields.values import as_typed
from app.kernel.actor import Actor, Permission
from app.kernel.countries import country_choices
from app.kernel.db import db
from app.leads.choices import LeadLists, reason_name, status_name
from app.leads.fields import ALL_SECTIONS, FIELDS, Field, FieldKind
from app.leads.queries import LeadDetail
from app.web.choices import options
from app.web.forms import Form

# WTForms' types know nothing of text that is translated late.
_l: Any = lazy_gettext

# Rows of fields by section; the most used come first.
LAYOUT: Mapping[str, Sequence[Sequence[str]]] = {
    "person": [("company",), ("last_name", "first_name"), ("email", "phone"), ("mobile", "title")],
    "work": [("status", "source"), ("product_interest", "rating"), ("campaign",), ("description",)],
    "company": [("website", "industry"), ("employees", "annual_revenue")],
    "address": [("street",), ("postal_code", "city"), ("state", "country")],
    "qualification": [
        ("need",),
        ("budget", "authority"),
        ("timeframe", "interest_confirmed"),
        ("unqualified_reason",),
    ],
    "consent": [("consent", "consent_basis"), ("opted_out_email", "opted_out_phone")],
    "origin": [("external_id",)],
}
WRITTEN = tuple(name for rows in LAYOUT.values() for row in rows for name in row)
_TICKED = ("opted_out_email", "opted_out_phone")
_ORDER = ("person", "work", "company", "address", "qualification", "consent", "origin")


class Ticked(BooleanField):
    """A box whose first value may be the text of a field: "no" leaves it empty."""

    def process_data(self, value: Any) -> None:
        self.data = value is True or value == "yes"


class LeadForm(Form):
    """One input for each field that people write; subclasses are made by `lead_form`.

    version: the version the edit began from.  began: what the inputs held then, as JSON: only what differs
    from it is sent on, so that a stale edit disagrees about the fields somebody really changed.
    """

    # What administrators added; (section, rows of names) in the order of the page.
    added: Mapping[str, Definition] = {}
    layout: Sequence[tuple[str, Sequence[Sequence[str]]]] = tuple((name, LAYOUT[name]) for name in _ORDER)
    version = HiddenField()
    began = HiddenField()
    new_source = StringField(_l("Another source"), description=_l("It is added to the list."))

    def sections(self) -> Iterator[tuple[str, Any, list[list[tuple[Any, Input]]]]]:
        """(name, title, rows of (field, input)), without what this person may not write."""
        for name, names in self.layout:
            rows: list[list[tuple[Any, Input]]] = [
                [(FIELDS.get(n) or self.added[n], self[n]) for n in row if n in self] for row in names
            ]
            if any(rows):
                yield name, ALL_SECTIONS[name], [row for row in rows if row]

    def typed(self) -> dict[str, str]:
        """Field → what the input holds, as text."""
        return {name: _text(self[name].data) for name in (*WRITTEN, *self.added) if name in self}

    def given(self) -> dict[str, str]:
        """What was sent for a new lead: the inputs that hold something."""
        return {n: text for n, text in self.typed().items() if text and not (n in _TICKED and text == "no")}

    def changed(self) -> dict[str, str]:
        """What differs from what the form began with."""
        began = self.first_values()
        return {
            name: text
            for name, text in self.typed().items()
            if text != began.get(name, "") and f"keep_{name}" not in self._theirs()
        }

    def first_values(self) -> dict[str, str]:
        try:
            began = json.loads(self.began.data or "{}")
        except (ValueError, RecursionError):
            return {}
        return {str(k): str(v) for k, v in began.items()} if isinstance(began, dict) else {}

    def begin(self, version: str, typed: Mapping[str, str]) -> None:
        """Note the version and the values that an edit begins with."""
        self.version.data = version
        own = {name: text for name, text in typed.items() if name in self}
        self.began.data = json.dumps(own, ensure_ascii=False)

    @property
    def began_from(self) -> str:
        """The version the edit began from; none is older than any."""
        return self.version.data or ""

    def _theirs(self) -> set[str]:
        return {name for name in request.form if name.startswith("keep_") and request.form[name] == "theirs"}


def lead_form(actor: Actor) -> type[LeadForm]:
    """The form with the fields that the actor may write."""
    written = (n for n in WRITTEN if n not in actor.hidden_fields)
    names = tuple(n for n in written if actor.is_internal or FIELDS[n].by_partner)
    plain = _make(names, actor.can(Permission.SOURCE_MANAGE))
    edition = catalogue(db.session())
    added = {n: f for n, f in edition.seen(actor, "lead").items() if refusal_of(actor, f) is None}
    layout = edition.layouts.get("lead", ())
    if not added and not layout:
        return plain
    rows = arranged(layout_of(), layout, added, lambda name: is_wide(FIELDS.get(name) or added[name]))
    return type("LeadForm", (plain,), {"added": added, "layout": rows, **make_inputs(added)})


def layout_of() -> dict[str, Sequence[Sequence[str]]]:
    """Rows of standard fields by section, as they came."""
    return {name: LAYOUT[name] for name in _ORDER}


def is_wide(field: Any) -> bool:
    """Whether its input takes a row of its own."""
    return field.kind in ("long_text", "choices") or field.name in (
        "company",
        "street",
        "need",
        "external_id",
    )


@cache
def _make(names: tuple[str, ...], adds_sources: bool) -> type[LeadForm]:
    inputs: dict[str, Any] = {name: _input(FIELDS[name]) for name in names}
    if not adds_sources:
        inputs["new_source"] = None
    return type("LeadForm", (LeadForm,), inputs)


def _input(field: Field) -> Any:
    common = {"label": field.label, "description": field.help}
    if field.name in _TICKED:
        return Ticked(**common)
    if field.name in ("campaign", "consent_basis"):
        return SelectField(choices=[], validate_choice=False, **common)
    match field.kind:
        case FieldKind.LONG_TEXT:
            return TextAreaField(**common)
        case FieldKind.COUNTRY:
            return SelectField(choices=_countries, validate_choice=False, **common)
        case FieldKind.CHOICE:
            return SelectField(choices=[], validate_choice=False, **common)
        case FieldKind.BOOLEAN:
            choices = _confirmed if field.name == "interest_confirmed" else _yes_no
            return SelectField(choices=choices, validate_choice=False, **common)
    return StringField(**common)


def _countries() -> Any:
    return options([("", "–"), *country_choices(str(get_locale() or "en")[:2])])


def _yes_no() -> Any:
    return options([("", "–"), ("yes", _("Yes")), ("no", _("No"))])


def _confirmed() -> Any:
    return options([("", _("Unknown")), ("yes", _("Yes")), ("no", _("No"))])


def offer_lists(form: LeadForm, lists: LeadLists, detail: LeadDetail | None = None) -> None:
    """Fill the choices of status and source; a value that is out of use stays choosable where it is.

    detail: the lead that is changed, which knows what its own status and reason are called.
    """
    called = {detail.status.key: status_name(detail.status.name)} if detail is not None else {}
    if detail is not None and detail.reason is not None:
        called[detail.reason.key] = reason_name(detail.reason.name)
    inputs: dict[str, Any] = {
        name: form[name] for name in ("status", "source", "campaign", "unqualified_reason") if name in form
    }
    if "status" in inputs:
        inputs["status"].choices = _with(
            inputs["status"].data,
            [(s.key, s.name) for s in lists.statuses if s.category != "converted"],
            called,
        )
    if "source" in inputs:
        names = [(name, name) for _ref, name in lists.sources]
        inputs["source"].choices = _with(inputs["source"].data, [("", "–"), *names])
    if "campaign" in inputs:
        campaigns = [("", "–"), *((name, name) for name in lists.campaigns)]
        inputs["campaign"].choices = _with(inputs["campaign"].data, campaigns)
    if "unqualified_reason" in inputs:
        reasons = [("", "–"), *lists.reasons]
        inputs["unqualified_reason"].choices = _with(inputs["unqualified_reason"].data, reasons, called)
    if "consent_basis" in form:
        basis: Any = form["consent_basis"]
        basis.choices = options(basis_choices(basis.data))


def _with(value: str | None, pairs: Sequence[tuple[str, str]], called: Mapping[str, str] = {}) -> Any:
    """called: value → name, of what may be out of use."""
    if not value or value in [key for key, _name in pairs]:
        return options(pairs)
    return options([*pairs, (value, called.get(value, value))])


def values_of(detail: LeadDetail) -> dict[str, str]:
    """Field → the text that its input begins with, of the fields that the reader sees."""
    reason = detail.reason.key if detail.reason is not None else ""
    own = {"status": detail.status.key, "source": detail.source, "unqualified_reason": reason}
    standard = {
        name: _text(own[name] if name in own else detail.value(FIELDS[name].attribute))
        for name in WRITTEN
        if name not in detail.hidden
    }
    return standard | {n: _text(as_typed(field, detail.custom[n])) for n, field in detail.added.items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return text_of(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # Browsers send the line breaks of a text as two characters.
    return "" if value is None else str(value).replace("\r\n", "\n")


class OwnerChoice(Form):
    """Who is to own a new lead: the rules decide unless a person does."""

    owner = StringField(_l("Owner"), default="rules")
    owner_ref = StringField(_l("Who"))
    notify = BooleanField(_l("Send notification e-mail"), default=True)


class ReasonForm(Form):
    """Why somebody declines or gives back."""

    reason = RadioField(_l("Reason"))
    note = TextAreaField(_l("Note"), description=_l("Read by the vendor's people."))
