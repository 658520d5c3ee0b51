"""The OpenAPI document as its own page reads it: areas, endpoints, parameters, fields, in words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.api.schemas.common import FILTER


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or a field.  kind: what it holds, in words."""

    name: str
    kind: str
    words: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer.  kind: name of a record, "" where there is nothing more."""

    status: str
    words: str
    kind: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call."""

    id: str
    method: str
    path: str
    summary: str
    words: str
    parameters: Sequence[Row]
    filters: Sequence[str]
    body: Sequence[Row]
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Record:
    """What answers hold, by name.  either: the kinds it is one of, instead of fields."""

    name: str
    words: str
    fields: Sequence[Row]
    either: Sequence[str]


@dataclass(frozen=True, slots=True)
class DocumentedArea:
    """A group of endpoints."""

    id: str
    name: str
    words: str
    endpoints: Sequence[Endpoint]


def documented_areas(document: Mapping[str, Any], ids: Sequence[str]) -> list[DocumentedArea]:
    """The document's areas in their order, each with its endpoints.  ids: where each stands on the page."""
    endpoints: dict[str, list[Endpoint]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for tag in operation["tags"]:
                endpoints.setdefault(tag, []).append(_endpoint(document, path, method, operation))
    return [
        DocumentedArea(
            place,
            tag["name"],
            tag.get("description", ""),
            endpoints.get(tag["name"], []),
        )
        for place, tag in zip(ids, document["tags"], strict=True)
    ]


def documented_records(document: Mapping[str, Any]) -> list[Record]:
    """What answers hold, and what those hold in turn, by name."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    pending = [
        outcome.kind
        for operations in document["paths"].values()
        for operation in operations.values()
        for outcome in _outcomes(document, operation)
    ]
    while pending:
        name = pending.pop()
        if name and name not in found:
            found.add(name)
            pending.extend(_names_in(schemas[name]))
    return [
        Record(
            name,
            schemas[name].get("description", ""),
            list(_fields(document, schemas[name])),
            [_name(part) for part in schemas[name].get("anyOf", ())],
        )
        for name in sorted(found)
    ]


def _endpoint(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Endpoint:
    content = operation.get("requestBody", {}).get("content", {})
    body: Mapping[str, Any] = next((media["schema"] for media in content.values()), {})
    parameters = [_parameter(document, parameter) for parameter in operation.get("parameters", [])]
    return Endpoint(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        words=operation.get("description", ""),
        parameters=[row for row in parameters if row.words != FILTER],
        filters=[row.name for row in parameters if row.words == FILTER],
        body=list(_fields(document, body)),
        outcomes=_outcomes(document, operation),
    )


def _outcomes(document: Mapping[str, Any], operation: Mapping[str, Any]) -> list[Outcome]:
    found = []
    for status, answer in operation["responses"].items():
        whole = _resolved(document, answer)
        content: Mapping[str, Any] = next(iter(whole.get("content", {}).values()), {})
        found.append(Outcome(status, whole["description"], _name(content.get("schema", {}))))
    return found


def _names_in(schema: Any) -> Iterator[str]:
    """Names of the schemas that a schema refers to."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield _name(schema)
        for part in schema.values():
            yield from _names_in(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _names_in(part)


def _parameter(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> Row:
    whole = _resolved(document, parameter)
    words = whole.get("description") or whole["schema"].get("description") or ""
    return Row(whole["name"], _kind(whole["schema"]), words, bool(whole.get("required")))


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Row]:
    """The fields of an object."""
    whole = _resolved(document, schema)
    required = set(whole.get("required", ()))
    for name, field in whole.get("properties", {}).items():
        yield Row(name, _kind(field), _resolved(document, field).get("description", ""), name in required)


def _resolved(document: Mapping[str, Any], thing: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in thing:
        return thing
    _components, section, name = thing["$ref"].rsplit("/", 2)
    found: Mapping[str, Any] = document["components"][section][name]
    return found


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _kind(schema: Mapping[str, Any]) -> str:
    """What a field holds: "text or null", "one of call, task", "list of Owner"."""
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return "one of " + ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("format") == "date-time":
        return "moment"
    return _KINDS.get(schema.get("type", ""), "anything")


_KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
