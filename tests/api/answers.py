"""An API client that holds every answer against the document that the application serves.

What the document does not say fails the test, whatever the test was about: a status, a kind of content,
a field, an empty text, a running number, a moment that is not in UTC.
"""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.test import TestResponse

from app.api.document import openapi
from tests.people import ApiClient

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


class Document:
    """The served document, ready to judge answers."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self.whole = openapi()
        self.operations: list[tuple[str, re.Pattern[str], dict[str, Any]]] = [
            (method.upper(), _pattern(path), operation)
            for path, operations in self.whole["paths"].items()
            for method, operation in operations.items()
        ]
        self._validators: dict[str, Any] = {}

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What the document says of a call; None for what it does not know."""
        found = [
            (pattern.pattern.count("[^/]"), operation)
            for known, pattern, operation in self.operations
            if known == method and pattern.fullmatch(path)
        ]
        # "/leads/bulk-assign" is not a lead.
        return min(found, key=lambda pair: pair[0])[1] if found else None

    def resolve(self, thing: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in thing:
            return thing
        found = self.whole
        for part in thing["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found

    def validator(self, schema: dict[str, Any]) -> Any:
        key = str(schema)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.validator_for(
                {**schema, "components": self.whole["components"]}, validate_formats=True
            )
        return self._validators[key]


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)))


class CheckedClient(ApiClient):
    """An ApiClient whose every answer is checked."""

    def __init__(self, app: Flask, token: str, document: Document) -> None:
        super().__init__(app, token)
        self.document = document

    def request(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        answer = super().request(method, path, json, **kwargs)
        where = path if path.startswith("/api/") else f"/api/v1{path}"
        check_answer(self.document, method, where.partition("?")[0], answer)
        return answer

    def items(self, path: str, **kwargs: Any) -> list[dict[str, Any]]:
        """The items of a list that is answered."""
        answer = self.get(path, **kwargs)
        assert answer.status_code == 200, answer.json
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def walk(self, path: str, limit: int) -> list[dict[str, Any]]:
        """The items of all pages."""
        items: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            more = f"{'&' if '?' in path else '?'}limit={limit}"
            answer = self.get(f"{path}{more}&cursor={cursor}" if cursor else f"{path}{more}")
            assert answer.status_code == 200, answer.json
            items += answer.json["items"]
            cursor = answer.json["next_cursor"]
        return items


def check_answer(document: Document, method: str, path: str, answer: TestResponse) -> None:
    """Raises AssertionError where the answer is not what the document says."""
    said = f"{method} {path}: {answer.status_code} {answer.get_data(as_text=True)[:500]}"
    assert answer.status_code < 500, said
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json", said
        assert answer.json["status"] == answer.status_code, said
        assert re.search(r"/[a-z-]+\Z", answer.json["type"]), said
        assert answer.json["title"], said
        assert answer.json["detail"], said
    operation = document.operation(method, path)
    if operation is None:
        assert answer.status_code in (401, 404, 405) or path.endswith((".json", "/docs")), said
        return
    status = str(answer.status_code)
    assert status in operation["responses"], f"not documented: {said}"
    outcome = document.resolve(operation["responses"][status])
    content = outcome.get("content", {})
    if not content:
        assert answer.get_data() == b"", said
        return
    assert answer.mimetype in content, f"not this kind of content: {said}"
    if "json" not in answer.mimetype:
        return
    errors = [
        f"{error.instance_path}: {error.message}"
        for error in document.validator(content[answer.mimetype]["schema"]).iter_errors(answer.json)
    ]
    assert not errors, f"{said}\n" + "\n".join(errors)
    if answer.status_code < 300:
        problems = [f"{place}: {problem}" for place, problem in _bad_values(answer.json)]
        assert not problems, f"{said}\n" + "\n".join(problems)
        version = answer.json.get("version")
        assert answer.headers.get("ETag") == (f'"{version}"' if version is not None else None), said


def _bad_values(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    name = place.rpartition(".")[2]
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _bad_values(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _bad_values(inner, f"{place}[{number}]")
    elif value == "":
        yield place, "an empty text instead of null"
    elif isinstance(value, int) and (name == "id" or name.endswith("_id")):
        yield place, "a running number"
    elif isinstance(value, str) and MOMENT.match(value) and not value.endswith("Z"):
        yield place, "a moment that is not written in UTC"
