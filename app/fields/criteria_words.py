"""Values that criteria compare added fields with, in words and back: choices and people by their names."""

from collections.abc import Callable, Mapping
from typing import Any

from app.fields.catalogue import Definition
from app.fields.kinds import Kind
from app.fields.values import names_of_people, problem_of, reading_of
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.routing.criteria import Leaf, Op, Scalar
from app.routing.criteria_words import Gettext, standard


def shows_values(
    fields: Mapping[str, Definition], gettext: Gettext, language: str
) -> Callable[[Leaf, Scalar], str]:
    """What `routing.criteria_words.describe` is to say values with."""

    def show(leaf: Leaf, value: Scalar) -> str:
        field = fields.get(leaf.field)
        if field is not None and isinstance(value, str):
            choice = next((c for c in field.choices if c.key.casefold() == value.casefold()), None)
            if choice is not None:
                return choice.label
            if field.kind is Kind.USER:
                return names_of_people(db.session(), [value]).get(value, value)
        return standard(leaf, value, gettext, language)

    return show


def with_own_values(value: Any, fields: Mapping[str, Definition], path: str = "criteria") -> Any:
    """Criteria as they came in JSON, with keys of choices and public names of people for what they are called.

    Raises Invalid with every value that is none of the choices, or nobody, under its path.
    """
    errors: dict[str, list[Any]] = {}
    found = _walked(value, fields, path, errors)
    if errors:
        raise Invalid(errors)
    return found


def _walked(value: Any, fields: Mapping[str, Definition], path: str, errors: dict[str, list[Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    for key in ("all", "any"):
        if isinstance(value.get(key), list):
            parts = [_walked(p, fields, f"{path}.{key}[{i}]", errors) for i, p in enumerate(value[key])]
            return {**value, key: parts}
    if "not" in value:
        return {**value, "not": _walked(value["not"], fields, f"{path}.not", errors)}
    name = value.get("field")
    field = fields.get(name) if isinstance(name, str) else None
    if field is None or field.kind not in _NAMED or value.get("value") in (None, ""):
        return value
    if field.kind is not Kind.CHOICES and value.get("op") in (Op.CONTAINS, Op.STARTS_WITH):
        return value
    given = value["value"]
    read = [_one(field, each, path, errors) for each in (given if isinstance(given, list) else [given])]
    return {**value, "value": read if isinstance(given, list) else read[0]}


_NAMED = (Kind.CHOICE, Kind.CHOICES, Kind.USER)


def _one(field: Definition, given: Any, path: str, errors: dict[str, list[Any]]) -> Any:
    found, complaints = problem_of(field, given, reading_of())
    if complaints:
        errors.setdefault(f"{path}.value", []).extend(complaints)
    return found[0] if isinstance(found, list) else found
