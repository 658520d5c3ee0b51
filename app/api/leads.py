"""/leads and /inbox: the acts on leads that live in the leads room."""

from flask import Response, jsonify

from app.api.answers import (
    check_version,
    list_arguments,
    no_content,
    record_answer,
)
from app.api.door import bp
from app.api.lead_json import lead_json, leads_json
from app.api.schemas import LeadChanges, LeadPath, NewLead
from app.intake.take_in import Arrival, take_in
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.leads.filters import parse_lead_query
from app.leads.operations import claim_lead, delete_lead, edit_lead, restore_lead
from app.leads.queries import get_lead, list_leads
from app.leads.values import Reading, load_choices, read_lead_values
from app.routing.targets import find_target
from app.web.access import current_actor, needs

PLACING = {"owner", "notify", "route"}


@bp.get("/leads", summary="List leads")
@needs(Permission.LEAD_VIEW)
def list_of_leads() -> Response:
    limit, cursor, sort, given = list_arguments()
    actor = current_actor()
    query = parse_lead_query(actor, given, sort)
    page = list_leads(db.session(), actor, query, cursor=cursor, limit=limit)
    return jsonify(items=leads_json(db.session(), actor, page.items), next_cursor=page.older)


@bp.post("/leads", summary="Take in a lead")
@needs(Permission.LEAD_CREATE)
def create_lead(body: NewLead) -> Response:
    raw = body.model_dump(exclude=PLACING, exclude_unset=True)
    with transaction() as session:
        actor = current_actor()
        owner = find_target(session, actor, body.owner.type, body.owner.id) if body.owner else None
        arrival = Arrival(owner, by_rules=body.route, notify=body.notify)
        lead, is_new = take_in(session, actor, raw, arrival, now=clock.now())
        session.flush()  # the answer below is read from the database
        answer = lead_json(session, actor, lead.ref)
    return record_answer(answer, 201 if is_new else 200)


@bp.get("/leads/<lead_id>", summary="Read a lead")
@needs(Permission.LEAD_VIEW)
def read_lead(path: LeadPath) -> Response:
    return record_answer(lead_json(db.session(), current_actor(), path.lead_id))


@bp.patch("/leads/<lead_id>", summary="Change a lead")
@needs(Permission.LEAD_EDIT)
def change_lead(path: LeadPath, body: LeadChanges) -> Response:
    raw = body.model_dump(exclude_unset=True)
    with transaction() as session:
        actor = current_actor()
        current = lead_json(session, actor, path.lead_id)
        check_version(current)
        version = get_lead(session, actor, path.lead_id).version if current["visibility"] == "full" else None
        values = read_lead_values(raw, Reading(load_choices(session)))
        edit_lead(session, actor, path.lead_id, values.fields, version=version, now=clock.now())
        answer = lead_json(session, actor, path.lead_id)
    return record_answer(answer)


@bp.delete("/leads/<lead_id>", summary="Delete a lead, restorable for 30 days")
@needs(Permission.LEAD_DELETE)
def remove_lead(path: LeadPath) -> Response:
    with transaction() as session:
        delete_lead(session, current_actor(), path.lead_id, now=clock.now())
    return no_content()


@bp.post("/leads/<lead_id>/restore", summary="Bring a deleted lead back")
@needs(Permission.LEAD_DELETE)
def restore_deleted_lead(path: LeadPath) -> Response:
    with transaction() as session:
        actor = current_actor()
        restore_lead(session, actor, path.lead_id, now=clock.now())
        answer = lead_json(session, actor, path.lead_id)
    return record_answer(answer)


@bp.post("/leads/<lead_id>/claim", summary="Claim a lead that waits in a queue of yours")
@needs(Permission.LEAD_CLAIM)
def claim(path: LeadPath) -> Response:
    with transaction() as session:
        actor = current_actor()
        claim_lead(session, actor, path.lead_id, now=clock.now())
        answer = lead_json(session, actor, path.lead_id)
    return record_answer(answer)
