"""Along the path of a lead: to another status, out of it with a reason, handed over as marketing-qualified."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.fields.catalogue import catalogue
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.leads.choices import find_reason_id, find_status_id, load_lists, status_name
from app.leads.errors import AlreadyConverted
from app.leads.fields import FIELDS
from app.leads.models import LeadStatus
from app.leads.operations import edit_lead
from app.leads.queries import open_to_edit
from app.leads.seen import seen_version
from app.leads.views.blueprint import bp
from app.leads.views.carried import carried, to_board
from app.leads.views.show import lead_page
from app.scores.operations import hand_over as hand_over_lead
from app.web.access import current_actor, needs
from app.web.once import once


@bp.post("/leads/<ref('lead'):lead_ref>/status")
@needs(Permission.LEAD_EDIT)
def change_status(lead_ref: str) -> ResponseReturnValue:
    """Set the status; the lead's page says what came of it, or what is missing.  One that closes asks for the reason."""
    actor, key = current_actor(), request.form.get("status", "")
    reason = request.form.get("reason", "")
    try:
        with transaction() as session:
            values: dict[str, Any] = {"status": find_status_id(session, key)}
            if reason:
                values["unqualified_reason"] = find_reason_id(session, reason)
            lead = edit_lead(session, actor, lead_ref, values, version=_version(), now=clock.now())
            now_is = status_name(session.get_one(LeadStatus, lead.status_id).name)
            told = _("“%(name)s” is %(status)s now.", name=lead.title_for(actor), status=now_is)
    except Invalid as error:
        if "unqualified_reason" in error.errors:
            asked = "asked" in request.form
            return _ask_reason(lead_ref, key, error.errors["unqualified_reason"][0] if asked else ""), 422
        flash(what_is_missing(error), "warning")
    except Stale:
        flash(_("Somebody changed it a moment ago. Look at it as it is now, then do it again."), "warning")
    else:
        flash(told, "success")
    if request.form.get("from") == "board":
        return to_board(lead_ref)
    return redirect(url_for("leads.show", lead_ref=lead_ref, _anchor="path"), 303)


@bp.get("/leads/<ref('lead'):lead_ref>/unqualify")
@needs(Permission.LEAD_EDIT)
def unqualify(lead_ref: str) -> ResponseReturnValue:
    """Ask why it is not worth more work."""
    return _ask_reason(lead_ref, request.args.get("status", ""))


def _ask_reason(lead_ref: str, key: str, problem: Any = "") -> str:
    session, actor = db.session(), current_actor()
    found = open_to_edit(session, actor, lead_ref)
    lists = load_lists(session)
    closing = [status for status in lists.statuses if status.category == "unqualified"]
    status = next((each for each in closing if each.key == key), closing[0] if closing else None)
    return render_template(
        "leads/unqualify.html",
        detail=found,
        status=status,
        reasons=lists.reasons,
        given=carried(request.args),
        origin=request.values.get("from", ""),
        chosen=request.form.get("reason", ""),
        version=request.form.get("version") or seen_version(actor, found.lead, found.custom),
        problem=problem,
    )


@bp.post("/leads/<ref('lead'):lead_ref>/hand-over")
@needs(Permission.LEAD_HAND_OVER)
@once
def hand_over(lead_ref: str) -> ResponseReturnValue:
    """Mark it as marketing-qualified by hand."""
    actor = current_actor()
    try:
        with transaction() as session:
            hand_over_lead(session, actor, lead_ref, now=clock.now())
    except Conflict as error:
        if isinstance(error, AlreadyConverted):
            raise
        return lead_page(db.session(), actor, lead_ref, refusal=str(error.message)), 409
    flash(_("It is handed over as marketing-qualified."), "success")
    return redirect(url_for("leads.show", lead_ref=lead_ref), 303)


def _version() -> str | None:
    return request.form.get("version") or None


def what_is_missing(error: Invalid) -> str:
    """What stands against it: the fields by name, else the complaint itself."""
    known: dict[str, Any] = {**FIELDS, **catalogue(db.session()).active("lead")}
    fields = [str(known[name].label) for name in error.errors if name in known and name != "status"]
    if fields:
        return _("To qualify it, fill in first: %(fields)s.", fields=", ".join(fields))
    return " ".join(str(message) for messages in error.errors.values() for message in messages)
