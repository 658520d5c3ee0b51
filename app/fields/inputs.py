"""Inputs of forms for fields that administrators added, made from their definitions."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import request
from flask_babel import gettext as _
from sqlalchemy import func, select
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import Choice  # type: ignore[attr-defined]  # its stubs know another name
from wtforms.widgets import CheckboxInput, ListWidget

from app.fields.catalogue import Definition
from app.fields.kinds import Kind
from app.identity.models import User, UserState
from app.kernel.db import db

# Sent beside boxes that may all be left empty, which then send nothing themselves.
SHOWN = "-shown"
_APART = ";"


class Marked:
    """Says "required" beside the label; the operation is what insists."""

    field_flags = {"required": True}

    def __call__(self, form: Any, field: Any) -> None:
        """Nothing to check here."""


class OneOf(SelectField):
    """One of a list; what a record holds stays to be chosen when it is out of use."""

    def __init__(self, definition: Definition, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(validate_choice=False, choices=[], **kwargs)

    def iter_choices(self) -> Iterator[Choice]:
        data = "" if self.data is None else str(self.data)
        pairs = [("", "–"), *_pairs(self.definition)]
        if data not in [value for value, _label in pairs]:
            pairs.append((data, _held(self.definition, data)))
        for value, label in pairs:
            yield Choice(value, label, value == data, {})

    def pre_validate(self, form: Any) -> None:
        """What it may hold is the operation's to say."""


class AnyOf(SelectMultipleField):
    """Boxes for a list."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, definition: Definition, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(validate_choice=False, choices=[], **kwargs)

    def iter_choices(self) -> Iterator[Choice]:
        held = set(self.data or ())
        for choice in self.definition.choices:
            if not choice.is_retired or choice.key in held:
                yield Choice(choice.key, choice.label, choice.key in held, {})

    def process_data(self, value: Any) -> None:
        self.data = value.split(_APART) if isinstance(value, str) and value else list(value or ())

    def pre_validate(self, form: Any) -> None:
        """What it may hold is the operation's to say."""


def make_input(field: Definition) -> Any:
    """The unbound input of a field."""
    common: dict[str, Any] = {
        "label": field.label,
        "description": field.help,
        "validators": [Marked()] if field.is_required else [],
        "default": field.first_value,
    }
    match field.kind:
        case Kind.CHOICE | Kind.YES_NO | Kind.USER:
            return OneOf(field, **common)
        case Kind.CHOICES:
            return AnyOf(field, **common)
    return StringField(**common)


def make_inputs(fields: Mapping[str, Definition]) -> dict[str, Any]:
    """Name → unbound input."""
    return {name: make_input(field) for name, field in fields.items()}


def label_of(given: Any) -> str:
    """What the input shows, in words."""
    if isinstance(given, OneOf | AnyOf):
        return ", ".join(choice.label for choice in given.iter_choices() if choice.selected and choice.value)
    return str(given.data or "")


def words_of(given: "OneOf | AnyOf", text: str) -> str:
    """What a value of such an input is called; text: as `text_of` says it."""
    field = given.definition
    names = dict(_pairs(field))
    return ", ".join(names.get(value) or _held(field, value) for value in text.split(_APART) if value)


def was_sent(name: str) -> bool:
    """Whether the form that was sent had the input."""
    return name in request.form or name + SHOWN in request.form


def text_of(data: Any) -> str:
    """What an input holds, as text."""
    if isinstance(data, list | tuple):
        return _APART.join(str(each) for each in data)
    return "" if data is None else str(data)


def _pairs(field: Definition) -> list[tuple[str, str]]:
    match field.kind:
        case Kind.YES_NO:
            return [("yes", _("Yes")), ("no", _("No"))]
        case Kind.USER:
            return [(ref, name) for ref, name in _colleagues()]
    return [(choice.key, choice.label) for choice in field.offered]


def _colleagues() -> list[tuple[str, str]]:
    statement = (
        select(User.ref, User.name)
        .where(User.partner_account_id.is_(None), User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    )
    return [(ref, name) for ref, name in db.session().execute(statement)]


def _held(field: Definition, value: str) -> str:
    if field.kind is Kind.USER:
        return db.session().scalar(select(User.name).where(User.ref == value)) or value
    known = field.choice(value)
    return known.label if known else value
