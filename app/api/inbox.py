"""/inbox: what waits for a partner's people."""

from flask import Response, jsonify
from flask_babel import lazy_gettext as _l
from pydantic import ConfigDict, Field

from app.api.answers import list_arguments, no_content, record_answer
from app.api.lead_json import lead_json, leads_json
from app.api.leads import LeadQuery
from app.api.routes import Area
from app.api.schemas.leads import ClaimNext, Lead, LeadList
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound
from app.leads.asking import parse_lead_query
from app.leads.queries import list_leads
from app.routing import operations as routing
from app.web.access import current_actor, needs

area = Area("Inbox", "What waits for a partner's people: available, offered to me, mine.")
AVAILABLE = "available"


class InboxQuery(LeadQuery):  # type: ignore[misc, valid-type]  # made at run time
    """One box of the inbox, filtered and sorted as leads are."""

    model_config = ConfigDict(title="InboxQuery")
    box: str | None = Field(
        default=AVAILABLE,
        json_schema_extra={"enum": [AVAILABLE, "offered", "mine"]},
        description="Which box.",
    )


@area.get("/inbox", "List a box of the inbox", {200: LeadList}, query=InboxQuery)
@needs(Permission.INBOX_VIEW)
def list_inbox() -> Response:
    """Oldest first in available."""
    limit, cursor, sort, given = list_arguments()
    boxes = given["box"] = [box for box in given.get("box", ()) if box] or [AVAILABLE]
    if len(boxes) != 1:
        raise Invalid({"box": [_l("One box at a time.")]})
    session, actor = db.session(), current_actor()
    oldest_first = boxes[0] == AVAILABLE
    query = parse_lead_query(
        session, actor, given, sort, default_sort="waiting_since" if oldest_first else "-created_at"
    )
    page = list_leads(session, actor, query, cursor=cursor, limit=limit)
    return jsonify(items=leads_json(session, actor, page.items), next_cursor=page.older)


@area.post("/inbox/claim-next", "Claim the lead that has waited longest", {200: Lead, 204: None})
@needs(Permission.LEAD_CLAIM)
def claim_next(body: ClaimNext) -> Response:
    """Of a queue, or of all of the caller's; 204 when nothing waits."""
    with transaction() as session:
        actor = current_actor()
        try:
            lead = routing.claim_next(session, actor, queue_ref=body.queue_id, now=clock.now())
        except NotFound as error:
            raise Invalid({"queue_id": [_l("There is no such queue of yours.")]}) from error
        if lead is None:
            return no_content()
        session.flush()  # the answer is read from the database
        answer = lead_json(session, actor, lead.ref)
    return record_answer(answer)
