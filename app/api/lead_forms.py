"""/lead-forms: forms on other sites that capture leads.  What they are posted to is no part of the API."""

from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, url_for
from sqlalchemy.orm import Session

from app.api.answers import (
    check_version,
    expects_version,
    moment,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
)
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.lead_forms import LeadForm, LeadFormChanges, LeadFormList, NewLeadForm
from app.capture.models import LeadForm as Row
from app.capture.operations import (
    create_lead_form,
    delete_lead_form,
    edit_lead_form,
    get_lead_form,
    names_kept,
    shown_hidden,
)
from app.capture.public_views import TRAP
from app.capture.queries import list_lead_forms
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.settings import current_settings
from app.web.access import current_actor, needs

area = Area("Web forms", "Forms on other sites; what people send there is a lead.")
LeadFormQuery = list_query("LeadFormQuery")


@area.get("/lead-forms", "List web forms", {200: LeadFormList}, query=LeadFormQuery)
@needs(Permission.LEAD_FORM_MANAGE)
def list_of_lead_forms() -> Response:
    """Newest first."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    page = list_lead_forms(session, actor, cursor=cursor, limit=limit)
    names = names_kept(session)
    return jsonify(page_json(page, lambda form: form_json(form, names)))


@area.post("/lead-forms", "Make a web form", {201: LeadForm})
@needs(Permission.LEAD_FORM_MANAGE)
def new_lead_form(body: NewLeadForm) -> Response:
    """It gets a key; what it is posted to is capture_url."""
    with transaction() as session:
        form = create_lead_form(
            session, current_actor(), body.model_dump(exclude_unset=True), now=clock.now()
        )
        answer = form_json(form, names_kept(session))
    return record_answer(answer, 201)


@area.get("/lead-forms/<lead_form_id>", "Read a web form", {200: LeadForm})
@needs(Permission.LEAD_FORM_MANAGE)
def read_lead_form(lead_form_id: str) -> Response:
    return record_answer(_one(db.session(), current_actor(), lead_form_id))


@area.patch("/lead-forms/<lead_form_id>", "Change a web form", {200: LeadForm})
@needs(Permission.LEAD_FORM_MANAGE)
def change_lead_form(lead_form_id: str, body: LeadFormChanges) -> Response:
    """Fields and hidden values are replaced as a whole."""
    with transaction() as session:
        actor = current_actor()
        _check(session, actor, lead_form_id)
        given = body.model_dump(exclude_unset=True)
        edit_lead_form(session, actor, lead_form_id, given, now=clock.now())
        answer = _one(session, actor, lead_form_id)
    return record_answer(answer)


@area.delete("/lead-forms/<lead_form_id>", "Delete a web form")
@needs(Permission.LEAD_FORM_MANAGE)
def remove_lead_form(lead_form_id: str) -> Response:
    """For good, with what waits in its quarantine; its leads stay."""
    with transaction() as session:
        actor = current_actor()
        _check(session, actor, lead_form_id)
        delete_lead_form(session, actor, lead_form_id, now=clock.now())
    return no_content()


def _check(session: Session, actor: Actor, ref: str) -> None:
    if expects_version():
        get_lead_form(session, actor, ref, for_update=True)
        check_version(lambda: _one(session, actor, ref))


def _one(session: Session, actor: Actor, ref: str) -> dict[str, Any]:
    return form_json(get_lead_form(session, actor, ref), names_kept(session))


def form_json(form: Row, names: Mapping[str, str]) -> dict[str, Any]:
    """A form as the API shows it.  names: `names_kept`."""
    base = current_settings().base_url
    return {
        "id": form.ref,
        "version": str(form.version),
        "created_at": moment(form.created_at),
        "updated_at": moment(form.updated_at),
        "key": form.key,
        "name": form.name,
        "language": form.language,
        "heading": form.heading,
        "fields": [
            {
                "name": f["name"],
                "label": f["label"] or None,
                "help": f["help"] or None,
                "required": f["required"],
            }
            for f in form.fields
        ],
        "hidden": shown_hidden(form, names),
        "thank_you_url": form.thank_you_url,
        "thank_you_text": form.thank_you_text,
        "frame_sites": form.frame_sites,
        "is_active": form.is_active,
        "trap_field": TRAP,
        "capture_url": base + url_for("capture.take", key=form.key),
        "form_url": base + url_for("capture.form", key=form.key),
    }
