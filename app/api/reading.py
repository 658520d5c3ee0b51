"""What a request brings, read strictly: JSON bodies by their model, texts that can be stored, moments.

Complaints are `Invalid`, by field, in the caller's language, whoever finds them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from flask import request
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from app.kernel.errors import DomainError, Invalid
from app.kernel.parse import parse_iso_moment

Model = TypeVar("Model", bound=BaseModel)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TOO_MANY = 100_000


class Malformed(DomainError):
    """The request cannot be read."""

    status = 400
    slug = "malformed"
    message = _l("The body is not valid JSON.")


def read_body(model: type[Model]) -> Model:
    """The JSON body as that model; none at all is an empty object.

    Raises UnsupportedMediaType, Malformed, Invalid.
    """
    value = _read_json()
    if not isinstance(value, dict):
        raise Invalid({"": [_l("The body must be a JSON object.")]})
    refuse_unstorable(value)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Invalid(complaints(error)) from error


def _read_json() -> Any:
    data = request.get_data()
    if not data.strip():
        return {}
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def refuse_unstorable(value: Any) -> None:
    """Raises Invalid naming the places of texts with a NUL or a lone surrogate, keys included."""
    errors: dict[str, list[Any]] = {}
    for place, text in _texts(value):
        if _UNSTORABLE.search(text):
            name = _UNSTORABLE.sub("\ufffd", place)
            errors.setdefault(name, [_l("This text contains characters that cannot be stored.")])
    if errors:
        raise Invalid(errors)


def _texts(value: Any) -> Iterator[tuple[str, str]]:
    """(place, text) of every text in it.  Raises Invalid for what holds more than anybody means to send."""
    pending, seen = [("", value)], 0
    while pending:
        place, value = pending.pop()
        seen += 1
        if seen > _TOO_MANY:
            raise Invalid({"": [_l("The body holds too many values.")]})
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                where = f"{place}.{key}" if place else str(key)
                yield where, str(key)
                pending.append((where, inner))
        elif isinstance(value, list):
            pending.extend((f"{place}[{number}]", inner) for number, inner in enumerate(value))


_MESSAGES: dict[str, Any] = {
    "missing": _l("This is required."),
    "extra_forbidden": _l("There is no such field."),
    "string_type": _l("This must be text."),
    "bool_type": _l("This must be true or false."),
    "list_type": _l("This must be a list."),
    "dict_type": _l("This must be an object."),
    "model_type": _l("This must be an object."),
    "model_attributes_type": _l("This must be an object."),
    "none_required": _l("Only null is taken here."),
    "too_short": _l("This is too short."),
    "too_long": _l("This is too long."),
    "string_too_short": _l("This is too short."),
    "string_too_long": _l("This is too long."),
    "whole_number": _l("This must be a whole number."),
    "number": _l("This must be a number."),
}


def complaints(error: ValidationError) -> dict[str, list[Any]]:
    """Field → messages; within lists and objects its path, such as `entries[0].target`."""
    errors: dict[str, list[Any]] = {}
    for item in error.errors(include_url=False, include_input=False):
        message = _MESSAGES.get(item["type"])
        if item["type"] in ("literal_error", "enum"):
            message = _l("Known here: %(known)s.", known=item.get("ctx", {}).get("expected", ""))
        found = errors.setdefault(_path(item["loc"]), [])
        bound = item.get("ctx", {})
        if "ge" in bound:
            message = _l("This must be at least %(limit)s.", limit=bound["ge"])
        elif "le" in bound:
            message = _l("This must be at most %(limit)s.", limit=bound["le"])
        message = message or item["msg"]
        if message not in found:
            found.append(message)
    return errors


def _path(parts: tuple[int | str, ...]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not _NAMES_A_CHOICE.search(part):
            path += f".{part}" if path else part
    return _UNSTORABLE.sub("\ufffd", path)


# pydantic names the member of a union it tried; nobody who sent the field knows of it.
_NAMES_A_CHOICE = re.compile(r"\A(str|[A-Z]\w*|function-\w+\[.*\]|nullable\[.*\]|literal\[.*\])\Z")


def read_moment(field: str, text: str | None) -> datetime | None:
    """A moment as RFC 3339 writes it, or a date, meant in UTC where no zone is given; None stays None.

    Raises Invalid.
    """
    if text is None:
        return None
    moment = parse_iso_moment(text)
    if moment is None:
        raise Invalid({field: [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
    return moment
