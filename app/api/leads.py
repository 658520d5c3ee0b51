"""/leads: taking leads in, reading, changing, deleting them."""

from flask import Response, jsonify
from sqlalchemy.orm import Session

from app.api.answers import check_version, expects_version, list_arguments, no_content, record_answer
from app.api.campaign_names import name_campaign
from app.api.lead_json import lead_json, lead_or_id, leads_json
from app.api.listing import listed_query
from app.api.routes import Area
from app.api.schemas.leads import Lead, LeadChanges, LeadList, LeadOrId, NewLead
from app.fields.records import flat
from app.intake.take_in import Arrival, take_in
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.leads.asking import parse_lead_query
from app.leads.operations import delete_lead, edit_lead, restore_lead
from app.leads.queries import get_lead, list_leads
from app.leads.refusals import refuse_foreign_fields
from app.leads.values import read_lead_values, reading_for
from app.routing.targets import find_target
from app.scores.upkeep import settle_scores
from app.web.access import current_actor, needs

area = Area("Leads", "What arrives, and who works on it.")

_PLACING = {"owner", "notify", "route"}
LeadQuery = listed_query("LeadQuery", "lead")


@area.get("/leads", "List leads", {200: LeadList}, query=LeadQuery)
@needs(Permission.LEAD_VIEW)
def list_leads_seen() -> Response:
    """Everything the caller may see, previews included.  For partner people a filter, search or sort on a
    field outside the preview leaves preview rows out.  Fields that an administrator added are filters too: c_name,
    and of numbers and days c_name_from and c_name_to; people inside sort by those that are marked as indexed."""
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_lead_query(session, actor, given, sort)
    page = list_leads(session, actor, query, cursor=cursor, limit=limit)
    return jsonify(items=leads_json(session, actor, page.items), next_cursor=page.older)


@area.post("/leads", "Take in a lead", {201: LeadOrId, 200: LeadOrId})
@needs(Permission.LEAD_CREATE)
def create_lead(body: NewLead) -> Response:
    """A known external_id updates that lead (200).  Without an owner it goes where the rules send it."""
    raw = flat(body.model_dump(exclude=_PLACING, exclude_unset=True))
    with transaction() as session:
        actor = current_actor()
        name_campaign(session, actor, raw)
        owner = find_target(session, actor, body.owner.type, body.owner.id) if body.owner else None
        arrival = Arrival(owner, by_rules=body.route, notify=body.notify)
        lead, is_new = take_in(session, actor, raw, arrival, now=clock.now())
        settle_scores(session)  # the answer below is read from the database
        answer = lead_or_id(session, actor, lead.ref)
    return record_answer(answer, 201 if is_new else 200)


@area.get("/leads/<lead_id>", "Read a lead", {200: Lead})
@needs(Permission.LEAD_VIEW)
def read_lead(lead_id: str) -> Response:
    """In full, or as a preview before it is claimed or accepted."""
    return record_answer(lead_json(db.session(), current_actor(), lead_id))


@area.patch("/leads/<lead_id>", "Change a lead", {200: Lead})
@needs(Permission.LEAD_EDIT)
def change_lead(lead_id: str, body: LeadChanges) -> Response:
    """The owner is changed by claim, assign, release and the like, not here."""
    raw = flat(body.model_dump(exclude_unset=True))
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        # Before values are looked up: which sources there are is not told to whom may not choose one.
        name_campaign(session, actor, raw)
        refuse_foreign_fields(session, actor, raw)
        reading = reading_for(session, actor, find_held=lambda: get_lead(session, actor, lead_id, Level.EDIT))
        values = read_lead_values(raw, reading)
        edit_lead(session, actor, lead_id, values.fields, now=clock.now())
        settle_scores(session)
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)


@area.delete("/leads/<lead_id>", "Delete a lead")
@needs(Permission.LEAD_DELETE)
def remove_lead(lead_id: str) -> Response:
    """Gone everywhere at once; it can be restored for 30 days."""
    with transaction() as session:
        actor = current_actor()
        check_lead_version(session, actor, lead_id)
        delete_lead(session, actor, lead_id, now=clock.now())
    return no_content()


@area.post("/leads/<lead_id>/restore", "Bring a deleted lead back", {200: Lead})
@needs(Permission.LEAD_DELETE)
def restore_deleted_lead(lead_id: str) -> Response:
    """Within 30 days."""
    with transaction() as session:
        actor = current_actor()
        restore_lead(session, actor, lead_id, now=clock.now())
        answer = lead_json(session, actor, lead_id)
    return record_answer(answer)


def check_lead_version(session: Session, actor: Actor, lead_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_lead(session, actor, lead_id, Level.PREVIEW, for_update=True)
        check_version(lambda: lead_json(session, actor, lead_id))
