"""/exports: lists as files, written in the background."""

from typing import Any

from flask import Response, url_for
from flask_babel import lazy_gettext as _l

from app.api.answers import moment, record_answer
from app.api.routes import Area
from app.api.schemas.exports import Export, NewExport
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.lists.catalogue import objects
from app.lists.export_operations import ask_for_export
from app.lists.export_views import is_downloadable, is_kept, send_export
from app.lists.filter_text import write_filter
from app.lists.models import JobKind, ListJob
from app.lists.queries import get_job
from app.web.access import current_actor, needs

area = Area("Exports", "Lists as files, written in the background.")
_FILE: dict[str, Any] = {
    "description": "The file.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
            "schema": {"type": "string", "format": "binary"}
        },
    },
}
_CRITERIA = ({"all"}, {"any"}, {"not"}, {"field", "op"}, {"field", "op", "value"})


@area.post("/exports", "Take out a list", {202: Export})
@needs(Permission.ACCOUNT_EXPORT)
def new_export(body: NewExport) -> Response:
    """Only what the caller may read in full, as they may while it is written; on record."""
    actor = current_actor()
    object_ = objects().get(body.object)
    if object_ is None:
        known = ", ".join(sorted(objects()))
        raise Invalid({"object": [_l("Known here: %(known)s.", known=known)]})
    with transaction() as session:
        job = ask_for_export(
            session, actor, object_, _params(body.filter or {}), format_=body.format, now=clock.now()
        )
        answer = _export(job)
    return record_answer(answer, 202)


def _params(given: dict[str, Any] | str) -> dict[str, list[str]]:
    """Filters by name as a list's address has them, or criteria; `sort` may stand beside filters by name.

    Text is a combined filter as it stands in an address.
    """
    if isinstance(given, str):
        return {"filter": [given]}
    if set(given) in _CRITERIA:
        # Written out as it would stand in an address, so that what is stored is of one kind.
        return {"filter": [write_filter(_checked(given))]}
    params = {}
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in values):
            raise Invalid({f"filter.{name}": [_l("This must be text, a number, or a list of them.")]})
        params[name] = [_text(each) for each in values if each is not None]
    return params


def _checked(node: Any) -> Any:
    """Criteria of the contract's shape.  Raises Invalid."""
    if isinstance(node, dict) and set(node) in _CRITERIA:
        for key in ("all", "any"):
            if key in node and isinstance(node[key], list):
                return {key: [_checked(part) for part in node[key]]}
        if "not" in node:
            return {"not": _checked(node["not"])}
        if "field" in node and isinstance(node["field"], str) and isinstance(node["op"], str):
            return node
    raise Invalid({"filter": [_l("Write exactly one of: all, any, not; or a field with its op and value.")]})


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@area.get("/exports/<export_id>", "Read how an export stands", {200: Export})
@needs(Permission.ACCOUNT_EXPORT)
def read_export(export_id: str) -> Response:
    """Only for whoever asked for it."""
    return record_answer(_export(get_job(db.session(), current_actor(), export_id, kind=JobKind.EXPORT)))


@area.get("/exports/<export_id>/file", "Download an export", {200: _FILE})
@needs(Permission.ACCOUNT_EXPORT)
def download_export(export_id: str) -> Response:
    """Only for whoever asked for it, and for a day."""
    actor = current_actor()
    job = get_job(db.session(), actor, export_id, kind=JobKind.EXPORT)
    if not is_kept(job):
        raise NotFound("export", export_id)
    return send_export(actor, job)


def _export(job: ListJob) -> dict[str, Any]:
    is_there = is_downloadable(current_actor(), job)
    url = url_for("api.download_export", export_id=job.ref) if is_there else None
    return {
        "id": job.ref,
        "object": job.object,
        "format": job.task["format"],
        "state": job.state,
        "rows": job.rows if job.rows is not None else job.done,
        "url": url,
        "detail": job.detail,
        "created_at": moment(job.created_at),
        "finished_at": moment(job.finished_at),
        "expires_at": moment(job.expires_at) if url else None,
    }
