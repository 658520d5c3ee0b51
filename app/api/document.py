"""The OpenAPI document and its page; for any token, and for anybody signed in."""

from flask import Response, current_app, jsonify, render_template
from flask_babel import gettext as _
from flask_openapi import OpenAPI
from pydantic import ValidationError

from app.api.door import bp
from app.kernel.actor import Permission
from app.web.access import needs
from app.web.error_pages import answer

INFO = {
    "title": "Canal",
    "version": "1",
    "description": "Leads, partners and routing. A token acts as its user and sees what they see.",
}
SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token made with `flask token create`."}
}


def validation_problem(error: ValidationError) -> Response:
    """422 with each field's complaints, as everywhere else."""
    errors: dict[str, list[str]] = {}
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in item["loc"])
        message = _("There is no such field.") if item["type"] == "extra_forbidden" else item["msg"]
        errors.setdefault(field, []).append(str(message).removeprefix("Value error, "))
    return answer(422, _("Some fields are not valid."), slug="invalid", errors=errors)


@bp.get("/openapi.json", doc_ui=False)
@needs(Permission.PROFILE_EDIT)
def openapi_document() -> Response:
    app = current_app
    if not isinstance(app, OpenAPI):
        raise TypeError("the application was not made by the factory")
    return jsonify(app.api_doc)


@bp.get("/docs", doc_ui=False)
@needs(Permission.PROFILE_EDIT)
def docs() -> str:
    app = current_app
    if not isinstance(app, OpenAPI):
        raise TypeError("the application was not made by the factory")
    return render_template("api/docs.html", document=app.api_doc)
