"""Routes that take files: how much of a request is read, and what is said when it is more."""

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_babel import gettext as _

from app.intake.files import LARGEST_UPLOAD
from app.settings import Settings, current_settings
from app.web.redirects import is_local

View = TypeVar("View", bound=Callable[..., Any])

MEGABYTE = 1024 * 1024
FIELDS_BESIDE = MEGABYTE  # what a form has beside its file


def takes_documents(view: View) -> View:
    """Let the route take a body as large as the largest document; others keep the limit of all."""
    view.takes_documents = True  # type: ignore[attr-defined]
    return view


def takes_imports(view: View) -> View:
    """Let who sends too much to the route be told how large a file to import may be."""
    view.most_megabytes = LARGEST_UPLOAD // MEGABYTE  # type: ignore[attr-defined]
    return view


def is_for_documents() -> bool:
    """Whether the request is to a route that takes documents."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "takes_documents", False)


def init_uploads(app: Flask, settings: Settings) -> None:
    """Refuse what is too large by its announced length, before anything reads the body."""
    largest = settings.document_mb * MEGABYTE + FIELDS_BESIDE

    def limit() -> None:
        if is_for_documents():
            request.max_content_length = largest

    app.before_request(limit)


def too_large_text() -> str:
    """What is said of a request that is more than is taken."""
    view = current_app.view_functions.get(request.endpoint or "")
    most = current_settings().document_mb if is_for_documents() else getattr(view, "most_megabytes", None)
    if most is None:
        return ""
    return _(
        "This is more than %(limit)s MB, which is the most that is taken at a time. Nothing was kept.",
        limit=most,
    )


def came_from() -> str:
    """The path of the page whose form was sent, where the browser says so and it is of this site; "" else."""
    parts = urlsplit(request.referrer or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return path if parts.netloc == request.host and is_local(path) else ""
