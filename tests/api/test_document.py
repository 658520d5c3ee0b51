"""The OpenAPI document: valid, whole, and shown as a page."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from tests.people import Client

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def served(api, pia) -> dict[str, Any]:
    """The document as a partner user's token gets it."""
    answer = api(pia).get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return answer.json


def parts(value: Any, place: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, object) of every object in the document."""
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            yield from parts(inner, f"{place}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from parts(inner, f"{place}/{number}")


def test_it_is_valid_openapi(served):
    assert served["openapi"].startswith("3.1")
    assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(served)] == []


def test_every_schema_is_valid_json_schema(served):
    for name, schema in served["components"]["schemas"].items():
        jsonschema_rs.meta.validate(schema)
        assert schema.get("type") == "object" or "anyOf" in schema, name


def test_every_reference_leads_somewhere_and_nothing_is_left_over(served):
    named = {
        f"#/components/{section}/{name}" for section, found in served["components"].items() for name in found
    }
    used = {part["$ref"] for _place, part in parts(served) if "$ref" in part}
    assert used <= named
    assert named - used - {"#/components/securitySchemes/token"} == set()


def test_operations_are_told_apart_and_say_what_they_do(served):
    operations = [
        (path, method, operation)
        for path, found in served["paths"].items()
        for method, operation in found.items()
    ]
    names = [operation["operationId"] for _path, _method, operation in operations]
    assert len(names) == len(set(names))
    for path, method, operation in operations:
        where = f"{method} {path}"
        assert operation["summary"], where
        assert len(operation["tags"]) == 1, where
        in_path = {p["name"] for p in operation.get("parameters", []) if p.get("in") == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), where
        assert {"401", "403", "422", "429"} <= set(operation["responses"]), where
        for status, answer in operation["responses"].items():
            if status.startswith("2") and status != "204":
                assert answer["content"], where
            if not status.startswith("2"):
                assert answer == {"$ref": f"#/components/responses/{status}"}, where
    assert {tag["name"] for tag in served["tags"]} == {o["tags"][0] for _p, _m, o in operations}


def test_bodies_refuse_what_they_do_not_name(served):
    for path, found in served["paths"].items():
        for method, operation in found.items():
            content = operation.get("requestBody", {}).get("content", {})
            for media in content.values():
                name = media["schema"].get("$ref", "").rpartition("/")[2]
                if name:
                    assert served["components"]["schemas"][name]["additionalProperties"] is False, (
                        method,
                        path,
                    )


def test_headers_that_repeat_and_guard_are_documented(served):
    lead = served["paths"]["/api/v1/leads/{lead_id}"]
    keys = [p.get("$ref") for p in served["paths"]["/api/v1/leads"]["post"]["parameters"]]
    assert keys == ["#/components/parameters/IdempotencyKey"]
    assert {"$ref": "#/components/parameters/IfMatch"} in lead["patch"]["parameters"]
    assert "ETag" in lead["get"]["responses"]["200"]["headers"]
    form = served["paths"]["/api/v1/imports"]["post"]["requestBody"]["content"]["multipart/form-data"][
        "schema"
    ]
    assert form["properties"]["file"]["format"] == "binary"


def test_lists_name_their_filters_and_sorts(served):
    parameters = {p["name"]: p for p in served["paths"]["/api/v1/leads"]["get"]["parameters"]}
    assert {"limit", "cursor", "sort", "q", "owner", "city", "created_at_from"} <= set(parameters)
    assert "-waiting_since" in json.dumps(parameters["sort"]["schema"])
    assert (parameters["limit"]["schema"]["minimum"], parameters["limit"]["schema"]["maximum"]) == (1, 200)


def test_any_token_and_any_session_reads_it_and_nobody_else(app, api, signed_in, ada, vic, pia, otto):
    for person in (ada, vic, pia, otto):
        for path in ("/openapi.json", "/docs"):
            assert api(person).get(path).status_code == 200
            assert signed_in(person).get(f"/api/v1{path}").status_code == 200
    stranger = Client(app, use_cookies=False)
    for path in ("/openapi.json", "/docs"):
        assert stranger.get(f"/api/v1{path}").status_code == 401


def test_the_page_shows_every_endpoint_without_a_foreign_file(signed_in, pia, served):
    page = signed_in(pia).get("/api/v1/docs").get_data(as_text=True)
    shown = re.sub(r"<wbr>", "", page)
    for path in served["paths"]:
        assert path.removeprefix("/api/v1") in shown, path
    for name in ("WholeLead", "Problem", "Ledger"):
        assert f'id="{name}"' in page
    assert not re.search(r'(?:src|href)="https?://(?!localhost|127\.0\.0\.1)', page)
    assert "<script>" not in page
    assert "style=" not in page
