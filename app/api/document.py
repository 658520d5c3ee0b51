"""The OpenAPI document: what flask-openapi collects, and what every endpoint has in common.

Served to any token and to anybody signed in.
"""

from http import HTTPStatus
from typing import Any

from flask import Response, current_app, jsonify, render_template

from app.api.docs import documented_areas, documented_records
from app.api.door import bp
from app.api.routes import DECLARED, Declared
from app.api.schemas.common import Problem
from app.api.worded import worded
from app.kernel.actor import Permission
from app.web.access import needs
from app.words.edition import in_force

INFO = {
    "title": "Canal",
    "version": "1",
    "description": (
        "Leads, partners and routing. A token acts as its user and sees what they see on the screen: what it"
        " may not see answers as if it did not exist.\n\n"
        "Ids are opaque. An empty value is null, never an empty text. Times are RFC 3339 in UTC. Lists answer"
        " a page and the cursor of the next; filters are repeated for any-of. Errors are problem documents"
        " (RFC 9457), whose type ends in a slug to tell them apart."
    ),
}
SECURITY: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token made with `flask token create`. In the Authorization header alone.",
    }
}

_PROBLEMS = {
    400: "The request cannot be read: no JSON, or a cursor of another list, filter or user.",
    401: "No token, or one that is wrong, expired, revoked, or of somebody who may not sign in.",
    403: "The caller may see it, but not do this.",
    404: "It does not exist, or the caller may not see it.",
    409: "The state of the record, or of the settings, does not allow it; the slug says why.",
    413: "The body is too large.",
    415: "The body is not of the kind that is taken here.",
    422: "Fields, filters or headers are not valid; `errors` names them.",
    429: "Too many calls with this token; Retry-After says when to go on.",
    503: "The database does not answer; Retry-After says when to try again.",
}
_WAITING = {429, 503}
_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key, token and body within 24 hours give the first answer again, as far as "
    "the caller may still read what it tells.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}
_VERSION = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The version the change began from, quoted; another than the present one is stale (409).",
    "schema": {"type": "string"},
}
_ETAG = {"ETag": {"description": "The version, quoted; previews have none.", "schema": {"type": "string"}}}


def openapi() -> dict[str, Any]:
    """The document, made once for each application when it is first asked for."""
    document: dict[str, Any] | None = current_app.extensions.get("canal_openapi")
    if document is None:
        from app.api.collected import collect

        raw = collect(
            list(DECLARED.values()), prefix=bp.url_prefix or "", info=INFO, security_schemes=SECURITY
        )
        document = current_app.extensions["canal_openapi"] = _finished(raw)
    return document


def openapi_in_force() -> dict[str, Any]:
    """The document as the organisation calls things, made once for each edition of its words."""
    edition = in_force()
    if edition is None or "en" not in edition.names:
        return openapi()
    kept: tuple[str, dict[str, Any]] | None = current_app.extensions.get("canal_openapi_worded")
    if kept is None or kept[0] != edition.key:
        kept = current_app.extensions["canal_openapi_worded"] = (edition.key, worded(openapi(), edition))
    return kept[1]


@bp.get("/openapi.json")
@needs(Permission.PROFILE_EDIT)
def openapi_document() -> Response:
    return jsonify(openapi_in_force())


@bp.get("/docs")
@needs(Permission.PROFILE_EDIT)
def docs() -> str:
    document = openapi_in_force()
    ids = [tag["name"].lower().replace(" ", "-") for tag in openapi()["tags"]]  # addresses stay
    return render_template(
        "api/docs.html",
        info=document["info"],
        areas=documented_areas(document, ids),
        records=documented_records(document),
    )


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    """With the answers and headers that endpoints share, and without what flask-openapi says of its own."""
    components = document["components"]
    schemas = components["schemas"]
    for name in [name for name in schemas if name.startswith("ValidationError")]:
        del schemas[name]
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["responses"] = {str(status): _problem(status, words) for status, words in _PROBLEMS.items()}
    components["parameters"] = {"IdempotencyKey": _KEY, "IfMatch": _VERSION}
    components["headers"] = _ETAG
    document["security"] = [{"token": []}]
    versioned = _versioned(schemas)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _finish(operation, DECLARED[method.upper(), path], versioned)
    for schema in schemas.values():
        schema.pop("$defs", None)
    return document


def _problem(status: int, words: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": words,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in _WAITING:
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return answer


def _finish(operation: dict[str, Any], declared: Declared, versioned: set[str]) -> None:
    operation.pop("security", None)  # the document's own holds for all
    operation.pop("deprecated", None)  # nothing is
    parameters = operation.setdefault("parameters", [])
    if declared.takes_key:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    if declared.takes_version:
        parameters.append({"$ref": "#/components/parameters/IfMatch"})
    if not parameters:
        del operation["parameters"]
    if "requestBody" in operation:
        operation["requestBody"]["required"] = declared.needs_body
    answers = {status: answer for status, answer in operation["responses"].items() if int(status) < 300}
    for status, answer in answers.items():
        answer["description"] = _WORDS.get(status) or HTTPStatus(int(status)).phrase
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        if _name(schema) in versioned:
            answer["headers"] = {"ETag": {"$ref": "#/components/headers/ETag"}}
    for status in sorted(_problems_of(declared)):
        answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
    operation["responses"] = answers


_WORDS = {
    "200": "Done; the record as it is now, or what was asked for.",
    "201": "Made.",
    "202": "Taken on; it is worked on in the background.",
    "204": "Done; there is nothing more to say.",
}


def _problems_of(declared: Declared) -> set[int]:
    found = {400, 401, 403, 422, 429, 503} | declared.problems
    if declared.path:
        found.add(404)
    if declared.method != "GET":
        found.add(409)
    if declared.takes_body:
        found |= {413, 415}
    return found


def _versioned(schemas: dict[str, Any]) -> set[str]:
    """Names of the schemas of records with a version, alone or among others."""
    found = {name for name, schema in schemas.items() if "version" in schema.get("properties", {})}
    either = {
        name
        for name, schema in schemas.items()
        if any(_name(part) in found for part in schema.get("anyOf", ()))
    }
    return found | either


def _name(schema: dict[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]
