"""One answer for every error: a page, a fragment for htmx, a problem document for the API."""

import errno
import sqlite3
import sys
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from app.fields.kinds import is_custom
from app.kernel.db import db, set_reading
from app.kernel.errors import DomainError, Invalid, NotAllowed, NotFound
from app.web.access import SecondFactorNeeded, SignInRequired
from app.web.gone import GonePage, page_of_gone
from app.web.htmx import wants_fragment
from app.web.refusals import note_refused_attempt
from app.web.uploads import came_from, too_large_text

TITLES = {
    400: _l("This request cannot be understood"),
    401: _l("You are not signed in"),
    403: _l("You may not do this"),
    404: _l("There is nothing here"),
    405: _l("This cannot be done here"),
    409: _l("This has changed meanwhile"),
    413: _l("This is too large"),
    415: _l("This kind of content is not taken"),
    422: _l("Some of this is not valid"),
    429: _l("That was too often"),
    500: _l("Something went wrong on our side"),
    503: _l("Canal cannot answer just now"),
}
MESSAGES = {
    400: _l("Go back, reload the page and try again."),
    401: _l("Sign in to go on."),
    403: _l("Your role does not allow this. An administrator can change that."),
    404: _l("It does not exist, or you may not see it."),
    405: _l("Go back and use the buttons of the page."),
    409: _l("Reload the page to see how it is now."),
    413: _l("Send a smaller file."),
    415: _l("Send it in the form that the page asks for."),
    422: _l("Go back and correct what is marked."),
    429: _l("Wait a few minutes, then try again."),
    500: _l("It was recorded. Try again; if it stays, tell your administrator the request number."),
    503: _l("The database does not answer. Nothing was changed. Try again in a few seconds."),
}
SLUGS = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "error",
    503: "unavailable",
}


def init_error_pages(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(PoolTimeout, _database_error)
    app.register_error_handler(Exception, _bug)


def is_api() -> bool:
    return request.path.startswith("/api/")


def _domain_error(error: DomainError) -> ResponseReturnValue:
    _let_go()
    if isinstance(error, NotAllowed):
        note_refused_attempt()
    if isinstance(error, SignInRequired) and not is_api() and not wants_fragment():
        if request.method == "GET":
            target = request.full_path.rstrip("?") if request.path != "/" else None
            return redirect(url_for("identity.sign_in", next=target), 303)
        return redirect(url_for("identity.sign_in"), 303)
    if isinstance(error, SecondFactorNeeded) and not is_api() and not wants_fragment():
        wanted = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
        return redirect(url_for("second_factor.show", next=wanted), 303)
    errors = error.errors if isinstance(error, Invalid) else None
    message = str(error.message) if error.message else ""
    if not message and errors:
        message = " ".join(str(m) for messages in errors.values() for m in messages)
    if isinstance(error, NotFound) and not is_api():
        gone = page_of_gone()
        if gone is not None:
            return answer(error.status, gone.message, title=gone.title, gone=gone)
    return answer(
        error.status,
        message or None,
        slug=error.slug,
        errors=errors,
        extra=_extra(error),
        title=str(error.title),
    )


def _extra(error: DomainError) -> dict[str, Any]:
    extra = dict(error.details)
    current = getattr(error, "current", None)
    if current is not None and is_api():
        extra["current"] = current
    return extra


def _csrf_error(error: CSRFError) -> ResponseReturnValue:
    _let_go()
    return answer(400, _("The form has grown old. Reload the page and send it again."), slug="csrf")


def http_error(error: HTTPException) -> ResponseReturnValue:
    """The answer to an error of the protocol, in the language of the moment."""
    _let_go()
    status = error.code or 500
    if 300 <= status < 400:
        return error.get_response()
    response = answer(status, (too_large_text() or None) if status == 413 else None)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _database_error(error: Exception) -> ResponseReturnValue:
    _let_go()
    if isinstance(error, IntegrityError) and _is_taken(error):
        # What an operation looks for beforehand, and somebody else stored in between.
        message = _("Somebody has just stored the same. Reload to see it, then try again.")
        return answer(409, message, slug="conflict")
    if isinstance(error, IntegrityError) and _is_gone(error):
        # What an operation has just seen, and somebody else removed in between; or began to use while it is removed.
        diagnosis = getattr(error.orig, "diag", None)
        current_app.logger.warning("refers to what has gone: %s", getattr(diagnosis, "constraint_name", ""))
        message = _("Somebody has just changed what this refers to. Reload to see it, then try again.")
        return answer(409, message, slug="conflict")
    if isinstance(error, DataError):
        # The last net: what a door should have refused by name, as characters that no text can hold.
        return answer(422, _("Something in it cannot be stored: a number too large, or no real text."))
    gone = isinstance(error, (OperationalError, PoolTimeout)) or getattr(
        error, "connection_invalidated", False
    )
    if not gone and not isinstance(getattr(error, "orig", None), sqlite3.OperationalError):
        return _bug(error)
    current_app.logger.error("database unavailable: %s", type(getattr(error, "orig", error)).__name__)
    response = answer(503, None)
    response.headers["Retry-After"] = "5"
    return response


def _is_taken(error: IntegrityError) -> bool:
    """Whether it is a unique constraint that refused."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23505" or "UNIQUE constraint failed" in str(error.orig)


def _is_gone(error: IntegrityError) -> bool:
    """Whether it is a reference to another row that refused."""
    state = getattr(error.orig, "sqlstate", None)
    return state == "23503" or "FOREIGN KEY constraint failed" in str(error.orig)


def _bug(error: Exception) -> ResponseReturnValue:
    _let_go()
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        current_app.logger.error("no room left on the disk")
        message = _("There is no room left to store anything. Nothing was changed. Tell your administrator.")
        return answer(503, message)
    current_app.log_exception(sys.exc_info())
    if current_app.config.get("PROPAGATE_BUGS"):
        raise error
    return answer(500, None)


def _let_go() -> None:
    """Roll back and go on reading: what is rendered now changes nothing."""
    try:
        db.session.rollback()
    except Exception:
        db.session.remove()
    set_reading(True)


def answer(
    status: int,
    message: str | None,
    *,
    slug: str | None = None,
    errors: dict[str, list[Any]] | None = None,
    extra: dict[str, Any] | None = None,
    title: str = "",
    gone: GonePage | None = None,
) -> Response:
    """The response for an error, in the form that the caller reads.  gone: what is told of a record that is gone."""
    title = title or str(TITLES.get(status, TITLES[400 if status < 500 else 500]))
    text = message or str(MESSAGES.get(status, MESSAGES[400 if status < 500 else 500]))
    if is_api():
        return problem(status, slug or SLUGS.get(status, "error"), title, text, errors, extra)
    template = "errors/_fragment.html" if wants_fragment() else "errors/page.html"
    try:
        body = render_template(
            template,
            status=status,
            title=title,
            message=text,
            request_id=g.get("request_id"),
            gone=gone,
            back=came_from() if status == 413 else "",
        )
    except Exception:
        body = f"<!doctype html><title>{status}</title><h1>{status}</h1><p>Try again in a few seconds.</p>"
    return make_response(body, status)


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    errors: dict[str, list[Any]] | None = None,
    extra: dict[str, Any] | None = None,
) -> Response:
    """A problem document (RFC 9457)."""
    body: dict[str, Any] = {
        "type": f"https://canal.example/problems/{slug}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        body["errors"] = {_path(field): [str(m) for m in messages] for field, messages in errors.items()}
    body.update(extra or {})
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


def _path(field: str) -> str:
    """Where a complaint is, in the body that was sent: fields that administrators added stand under `custom`."""
    return f"custom.{field}" if is_custom(field) and request.method != "GET" else field
