"""The document's raw form: what flask-openapi makes of the endpoints that were declared.

Imported by the first who asks for the document: to import flask-openapi and to write hundreds of schemas
takes longer than everything else together that a process does to start.
"""

from typing import Any

from flask import Response
from flask_openapi.blueprint import APIBlueprint
from flask_openapi.openapi import OpenAPI
from pydantic import BaseModel, Field, create_model

from app.api.routes import Declared

_WORDS: dict[str, str] = {
    "registry": "One of lead_statuses, lead_sources, decline_reasons, unqualified_reasons, partner_levels, relationship_reasons, "
    "characteristic_types, interest_areas, responsible_roles.",
    "item_id": "An entry of the list.",
}


def collect(
    endpoints: list[Declared], *, prefix: str, info: dict[str, str], security_schemes: dict[str, Any]
) -> dict[str, Any]:
    """The document of these endpoints as flask-openapi writes it.

    It collects as it registers routes, so they are registered once more with an application that answers nobody.
    """
    collector = OpenAPI(__name__, info=info, security_schemes=security_schemes, doc_ui=False)
    collector.openapi_version = "3.1.0"  # what tools read today
    part = APIBlueprint("api", __name__, url_prefix=prefix, abp_security=[{"token": []}])
    for declared in endpoints:
        options: dict[str, Any] = {} if declared.form is None else {"request_body": declared.form}
        declare = getattr(part, declared.method.lower())(
            declared.rule,
            tags=[{"name": declared.area.name, "description": declared.area.description}],
            summary=declared.summary,
            description=declared.words,
            operation_id=declared.name,
            responses=dict(declared.answers),
            **options,
        )
        declare(_shape(declared))
    collector.register_api(part)
    document: dict[str, Any] = collector.api_doc
    return document


def _shape(declared: Declared) -> Any:
    """A function with the endpoint's name and its models, which is all that flask-openapi reads."""

    def shape() -> None: ...

    shape.__name__ = declared.name
    shape.__annotations__ = _models(declared)
    return shape


def _models(declared: Declared) -> dict[str, type[BaseModel] | type[Response]]:
    fields: dict[str, Any] = {
        name: (str, Field(title=None, description=_WORDS.get(name))) for name in declared.path
    }
    found: dict[str, type[BaseModel] | type[Response]] = {"return": Response}
    if fields:
        found["path"] = create_model(f"{declared.name}_path", **fields)
    if declared.query is not None:
        found["query"] = declared.query
    if declared.body is not None:
        found["body"] = declared.body
    return found
