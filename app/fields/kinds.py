"""What an administrator's own field may hold, and what follows from it: how it is shown, compared and indexed."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from app.routing.criteria import FieldType

OBJECTS = ("account", "contact", "lead", "opportunity")
# Names of such fields begin so, and no standard field's does.
PREFIX = "c_"


class Kind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    YES_NO = "yes_no"
    LINK = "link"
    USER = "user"


WITH_CHOICES = (Kind.CHOICE, Kind.CHOICES)
# A record with several values would stand in several places of an index.
NOT_INDEXED = (Kind.CHOICES,)
# What criteria take their values for.
TYPES: Mapping[Kind, FieldType] = {
    Kind.TEXT: FieldType.TEXT,
    Kind.NUMBER: FieldType.NUMBER,
    Kind.MONEY: FieldType.NUMBER,
    Kind.DATE: FieldType.DATE,
    Kind.CHOICE: FieldType.CHOICE,
    Kind.CHOICES: FieldType.CHOICES,
    Kind.YES_NO: FieldType.BOOLEAN,
    Kind.LINK: FieldType.TEXT,
    Kind.USER: FieldType.CHOICE,
}
KIND_NAMES: Mapping[Kind, Any] = {
    Kind.TEXT: _l("Text"),
    Kind.NUMBER: _l("Number"),
    Kind.MONEY: _l("Amount of money"),
    Kind.DATE: _l("Date"),
    Kind.CHOICE: _l("One of a list"),
    Kind.CHOICES: _l("Several of a list"),
    Kind.YES_NO: _l("Yes or no"),
    Kind.LINK: _l("Link"),
    Kind.USER: _l("A colleague"),
}
KIND_HELPS: Mapping[Kind, Any] = {
    Kind.TEXT: _l("A line of up to 255 characters."),
    Kind.NUMBER: _l("With or without decimals, below zero too."),
    Kind.MONEY: _l("With two decimals, in the record's own currency."),
    Kind.DATE: _l("A day, without a time."),
    Kind.CHOICE: _l("A list that you write."),
    Kind.CHOICES: _l("Any number out of a list that you write; cannot be indexed."),
    Kind.YES_NO: _l("Yes, no, or not known."),
    Kind.LINK: _l("An address that begins with https://."),
    Kind.USER: _l("Somebody of your own people. Partners are not told who."),
}


def is_custom(name: object) -> bool:
    """Whether a field of that name is one that an administrator adds."""
    return isinstance(name, str) and name.startswith(PREFIX)
