"""What two people wrote into the same field: put into an input, and said in words beside each other."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from wtforms import BooleanField
from wtforms import Field as Input

from app.fields.inputs import AnyOf, OneOf, words_of


def fill(field: Input, text: str) -> None:
    """Put a text into an input, as if it had been typed."""
    if isinstance(field, AnyOf):
        field.process_data(text)
    else:
        field.data = text == "yes" if isinstance(field, BooleanField) else text


def in_words(field: Input, text: str) -> str:
    """What an input holds as people read it: the name of a choice, else the text."""
    if isinstance(field, BooleanField):
        return _("Yes") if text == "yes" else _("No")
    if isinstance(field, OneOf | AnyOf):
        return words_of(field, text) or _("empty")
    choices: Any = getattr(field, "choices", None) or []
    names: Mapping[str, str] = {c.value: str(c.label) for c in choices}
    return names.get(text, text) or _("empty")
