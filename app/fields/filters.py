"""Conditions on fields that administrators added and marked as indexed, answered from their index.

`c_name=…` is one of these values, `c_name_from` and `c_name_to` are ends of numbers and days.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_

from app.fields.catalogue import Definition
from app.fields.kinds import Kind
from app.fields.values import BadValue, Reading, for_index, read_value
from app.kernel.errors import Invalid

Condition = ColumnElement[bool]
ORDERED = (Kind.NUMBER, Kind.MONEY, Kind.DATE)


def filter_names(fields: Mapping[str, Definition]) -> dict[str, tuple[Definition, str]]:
    """Filter → (field, "", "from" or "to"), of those that are indexed."""
    found = {}
    for name, field in fields.items():
        if field.is_indexed:
            sides = ("", "from", "to") if field.kind in ORDERED else ("",)
            found.update({f"{name}_{side}" if side else name: (field, side) for side in sides})
    return found


def condition(
    model: Any, field: Definition, side: str, values: Sequence[str], find_person: Callable[[str], str] = str
) -> Condition:
    """What records must satisfy.  Raises Invalid (by the filter's name) for a value the field cannot hold."""
    column = getattr(model, field.column)
    keys = [key_of(field, value, find_person, side) for value in values]
    if side == "from":
        return and_(column >= min(keys), column != "")
    if side == "to":
        return and_(column <= max(keys), column != "")
    return column.in_(keys)  # type: ignore[no-any-return]


def key_of(field: Definition, value: str, find_person: Callable[[str], str] = str, side: str = "") -> str:
    """A value as the index has it.  Raises Invalid."""
    name = f"{field.name}_{side}" if side else field.name
    try:
        read = read_value(field, value, Reading(find_person))
    except BadValue as bad:
        if field.kind in (Kind.CHOICE, Kind.LINK):
            return "\x01"  # nothing has it
        raise Invalid({name: [bad.message]}) from bad
    except Invalid as error:
        raise Invalid({name: [m for messages in error.errors.values() for m in messages]}) from error
    if read is None:
        raise Invalid({name: [_l("Give a value.")]})
    return for_index(field, read)
