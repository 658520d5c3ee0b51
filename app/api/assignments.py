"""/leads/{id}/assignments: where a lead has been, and why it went there."""

from typing import Any

from flask import Response, jsonify

from app.api.answers import moment, owner_json, page_json, plain_list_arguments, sliced
from app.api.leads import area
from app.api.schemas.common import list_query
from app.api.schemas.leads import AssignmentList
from app.kernel.actor import Permission
from app.kernel.db import db
from app.leads.queries import AssignmentRow, get_lead, list_assignments
from app.routing.trace_queries import explain_traces
from app.web.access import current_actor, needs

AssignmentQuery = list_query("AssignmentQuery")


@area.get(
    "/leads/<lead_id>/assignments",
    "Say where a lead has been, and why",
    {200: AssignmentList},
    query=AssignmentQuery,
)
@needs(Permission.LEAD_VIEW)
def lead_assignments(lead_id: str) -> Response:
    """Every placement, newest first.  Partner people get their own company's, without trace."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    rows = list_assignments(session, actor, get_lead(session, actor, lead_id))
    page = sliced(actor, ["assignments", lead_id], rows, lambda row: row.id, limit=limit, cursor=cursor)
    traces = explain_traces(session, actor, [row.trace for row in page.items])
    said = {row.id: trace for row, trace in zip(page.items, traces, strict=True)}
    return jsonify(page_json(page, lambda row: _assignment(row, said[row.id])))


def _assignment(row: AssignmentRow, trace: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "at": moment(row.at),
        "cause": row.cause,
        "from": owner_json(row.before) if row.before else None,
        "to": owner_json(row.after),
        "actor": _actor(row),
    }
    if row.trace is not None:
        body["trace"] = trace
    return body


def _actor(row: AssignmentRow) -> dict[str, Any] | None:
    if row.actor_name is None:
        return None
    kind = "user" if row.actor_ref is not None else "system"
    return {"type": kind, "id": row.actor_ref, "name": row.actor_name}
