"""Structured logs: one JSON object a line, tied together by a request id.

Web and worker write to standard output; the other commands, whose output is for people, to standard
error.

Paths are logged without their query string, and one-time links without their token; bodies,
cookies and headers are never logged, nor is a bound field whose name tells that it is a secret.
"""

import logging
import os
import re
import secrets
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal

import structlog
from flask import Flask, Response, g, request

from app.settings import Settings

# What a proxy in front may name the request; anything else is replaced by an id of our own.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")
SECRET_FIELD = re.compile(r"password|token|secret|authorization|cookie|csrf|api_?key", re.IGNORECASE)
QUIET = {"static", "health.healthz", "health.readyz"}

log = structlog.get_logger("canal.web")


def init_logs(app: Flask, settings: Settings) -> None:
    """Write logs as JSON lines from here on, and one line for each request."""
    in_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
    configure_logs(settings.log_level, "stderr" if in_command else "stdout")
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_forget)
    app.log_exception = _failed  # type: ignore[method-assign]  # Flask's own writes whole paths


def configure_logs(level: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
    """Send structlog's and the standard library's log lines through one JSON writer.

    Commands that run until stopped call it again for standard output.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Local variables stay out of tracebacks: they hold passwords and what people typed.
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
        hide_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # tests make several applications with several levels
    )
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _JsonHandler)]:
        root.removeHandler(handler)
    handler = _JsonHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    root.addHandler(handler)
    root.setLevel(level.upper())
    # Their own request lines hold query strings, and ours say the same; migrations say each step.
    for name in ("werkzeug", "waitress.queue", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


class _JsonHandler(logging.StreamHandler[Any]):
    """Writes to whatever the named stream of `sys` is at the moment: tests exchange them."""

    def __init__(self, name: Literal["stdout", "stderr"]) -> None:
        super().__init__(getattr(sys, name))
        self.name_of_stream = name

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = getattr(sys, self.name_of_stream)
        super().emit(record)


def hide_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace the values of fields that are secret by their name, at any depth of plain mappings."""
    for key, value in event.items():
        if SECRET_FIELD.search(str(key)):
            event[key] = "(hidden)"
        elif isinstance(value, dict):
            event[key] = hide_secrets(_logger, _method, dict(value))
    return event


def request_id() -> str:
    """The id of the request at work: shown on error pages, found in the logs."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if REQUEST_ID.match(given) else secrets.token_hex(8)
    return str(g.request_id)


def logged_path() -> str:
    """The request's path as it may be written down: tokens in it are replaced by their name.

    The rule's text is used where a route takes a token, so that a one-time link in a log opens nothing.
    """
    rule = request.url_rule
    if rule is not None and any(SECRET_FIELD.search(name) for name in rule.arguments):
        return rule.rule
    return request.path


def _begin() -> None:
    g.request_began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())


def _finish(response: Response) -> Response:
    response.headers.setdefault("X-Request-ID", request_id())
    if request.endpoint in QUIET:
        return response
    taken = time.perf_counter() - g.get("request_began", time.perf_counter())
    log.info(
        "request",
        method=request.method,
        path=logged_path(),
        status=response.status_code,
        milliseconds=round(taken * 1000, 1),
        user=_who(),
        address=request.remote_addr,
    )
    return response


def _who() -> str | None:
    """The public name of whoever is signed in, or whose token it is; of the viewer where one looks as another."""
    actor = g.get("actor")
    return None if actor is None else actor.viewer_ref or actor.ref


def _failed(exc_info: Any) -> None:
    """A bug: write it down with its traceback."""
    log.error("failed", method=request.method, path=logged_path(), exc_info=exc_info)


def _forget(_error: BaseException | None) -> None:
    structlog.contextvars.clear_contextvars()
