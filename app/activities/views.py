"""Logging on a record and reading its whole timeline; the panel itself stands on the record's page."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.models import Account, Contact
from app.activities.comments import CommentStays, OtherSideChanged
from app.activities.fields import KINDS
from app.activities.forms import ActivityForm, CommentForm, EditForm, edit_form, named_in_panel
from app.activities.operations import (
    delete_activity,
    edit_activity,
    finish_activity,
    log_activity,
    log_and_plan,
    may_delete,
    require_logging,
)
from app.activities.panel import LONG, feed_of, log_url, record_url
from app.activities.people import colleagues_of, contacts_to_pick
from app.activities.places import Record, place_of
from app.activities.queries import get_activity, get_record, get_record_of, open_activity
from app.cases.models import Case
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed, Stale
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment
from app.web.once import once

bp = Blueprint("activities", __name__)


@bp.get("/leads/<ref('lead'):lead_ref>/activities")
@needs(Permission.LEAD_VIEW)
def of_lead(lead_ref: str) -> ResponseReturnValue:
    return _show(Lead, lead_ref)


@bp.get("/accounts/<ref('acct'):account_ref>/activities")
@needs(Permission.ACCOUNT_VIEW)
def of_account(account_ref: str) -> ResponseReturnValue:
    return _show(Account, account_ref)


@bp.get("/contacts/<ref('cont'):contact_ref>/activities")
@needs(Permission.CONTACT_VIEW)
def of_contact(contact_ref: str) -> ResponseReturnValue:
    return _show(Contact, contact_ref)


@bp.get("/cases/<ref('case'):case_ref>/activities")
@needs(Permission.CASE_VIEW)
def of_case(case_ref: str) -> ResponseReturnValue:
    return _show(Case, case_ref)


@bp.get("/opportunities/<ref('opp'):opportunity_ref>/activities")
@needs(Permission.OPPORTUNITY_VIEW)
def of_opportunity(opportunity_ref: str) -> ResponseReturnValue:
    return _show(Opportunity, opportunity_ref)


def _show(model: type[Record], ref: str) -> ResponseReturnValue:
    """The whole timeline as a page; the next rows of it for htmx."""
    session, actor = db.session(), current_actor()
    record = get_record(session, actor, model, ref)
    feed = feed_of(session, actor, record, cursor=request.args.get("cursor"), limit=LONG)
    if wants_fragment():
        return render_template("activities/_rows.html", feed=feed)
    return render_template("activities/timeline.html", feed=feed, **_frame(actor, record))


def _frame(actor: Actor, record: Record) -> dict[str, str]:
    place = place_of(record)
    name = place.name(record, actor)
    return {"record_name": name, "record_url": record_url(record), "record_kind": place.kind}


@bp.post("/leads/<ref('lead'):lead_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
@once
def log_on_lead(lead_ref: str) -> ResponseReturnValue:
    return _log(Lead, lead_ref)


@bp.post("/accounts/<ref('acct'):account_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
@once
def log_on_account(account_ref: str) -> ResponseReturnValue:
    return _log(Account, account_ref)


@bp.post("/contacts/<ref('cont'):contact_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
@once
def log_on_contact(contact_ref: str) -> ResponseReturnValue:
    return _log(Contact, contact_ref)


@bp.post("/cases/<ref('case'):case_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
@once
def log_on_case(case_ref: str) -> ResponseReturnValue:
    return _log(Case, case_ref)


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
@once
def log_on_opportunity(opportunity_ref: str) -> ResponseReturnValue:
    return _log(Opportunity, opportunity_ref)


def _log(model: type[Record], ref: str) -> ResponseReturnValue:
    actor, form = current_actor(), ActivityForm()
    try:
        with transaction() as session:
            record = get_record(session, actor, model, ref)
            logged, planned = form.read(actor, now=clock.now())
            activity, _next = log_and_plan(session, actor, record, logged, planned, now=clock.now())
    except Invalid as error:
        show_errors(form, Invalid(named_in_panel(error.errors)))
        return _refused(model, ref, form)
    if wants_fragment():
        return _feed(record, fresh=activity.ref)
    return redirect(_back(record, activity.ref), 303)


@bp.post("/leads/<ref('lead'):lead_ref>/comments")
@needs(Permission.ACTIVITY_LOG)
@once
def comment_on_lead(lead_ref: str) -> ResponseReturnValue:
    """Write to the other side.  What is refused comes back as it was typed; nothing goes to another partner than was meant."""
    actor, form = current_actor(), CommentForm()
    try:
        with transaction() as session:
            lead = get_record(session, actor, Lead, lead_ref)
            comment = log_activity(
                session, actor, lead, kind="note", text=form.text.data, shared=True, company=form.company.data or "",
                now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        form.text.errors = [_("Write something first."), *error.errors.get("text", ())][:1]
        return _comment_refused(lead_ref, form, 422)
    except OtherSideChanged as error:
        form.form_errors = [str(error.message)]
        return _comment_refused(lead_ref, form, 409)
    if wants_fragment():
        return _feed(lead, fresh=comment.ref)
    return redirect(_back(lead, comment.ref), 303)


def _comment_refused(lead_ref: str, form: CommentForm, code: int) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    lead = get_record(session, actor, Lead, lead_ref)
    feed = feed_of(session, actor, lead, comment=form)
    if wants_fragment():
        return render_template("activities/_feed.html", feed=feed), code
    return render_template("activities/timeline.html", feed=feed, **_frame(actor, lead)), code


def _refused(model: type[Record], ref: str, form: ActivityForm) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    record = get_record(session, actor, model, ref)
    feed = feed_of(session, actor, record, form=form)
    if wants_fragment():
        return render_template("activities/_feed.html", feed=feed), 422
    return render_template("activities/timeline.html", feed=feed, **_frame(actor, record)), 422


@bp.post("/activities/<ref('act'):activity_ref>/finish")
@needs(Permission.ACTIVITY_LOG)
def finish(activity_ref: str) -> ResponseReturnValue:
    actor = current_actor()
    with transaction() as session:
        activity = finish_activity(
            session, actor, activity_ref, outcome=request.form.get("outcome"), now=clock.now()
        )
        record = get_record_of(session, actor, activity)
    if wants_fragment():
        return _feed(record, fresh=activity.ref)
    return redirect(_back(record, activity.ref), 303)


@bp.get("/activities/<ref('act'):activity_ref>")
@needs(Permission.HOME_VIEW)
def show(activity_ref: str) -> ResponseReturnValue:
    """One activity: what it says, who takes part, and what may be done with it."""
    return render_template("activities/show.html", **_one(activity_ref))


def _one(activity_ref: str) -> dict[str, Any]:
    """What the page of an activity shows."""
    session, actor = db.session(), current_actor()
    found = open_activity(session, actor, activity_ref)
    may_log = bool(log_url(session, actor, found.record))
    return {
        "found": found,
        "activity": found.activity,
        "words": KINDS[found.activity.kind],
        "may_edit": may_log and found.activity.shared_with_id is None,
        "may_delete": may_log and may_delete(session, actor, found.activity, found.record),
        **_frame(actor, found.record),
    }


@bp.get("/activities/<ref('act'):activity_ref>/edit")
@needs(Permission.ACTIVITY_LOG)
def edit(activity_ref: str) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    found = open_activity(session, actor, activity_ref)
    require_logging(session, actor, found.record)
    if found.activity.shared_with_id is not None:
        raise CommentStays
    people = [person.ref for person in found.people]
    return _edit_page(activity_ref, edit_form(found.activity, actor, people, found.assignee_ref))


@bp.post("/activities/<ref('act'):activity_ref>/edit")
@needs(Permission.ACTIVITY_LOG)
def save(activity_ref: str) -> ResponseReturnValue:
    """Keep what was changed; a refused form comes back as it was typed."""
    actor, form = current_actor(), EditForm()
    try:
        with transaction() as session:
            activity = get_activity(session, actor, activity_ref)
            values = form.read(actor, activity)
            given = form.version.data or ""
            version = int(given) if given.isdecimal() else None
            edit_activity(session, actor, activity_ref, values, version=version, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(activity_ref, form), 422
    except Stale as error:
        form.version.data = str(get_activity(db.session(), actor, activity_ref).version)
        form.form_errors = [*form.form_errors, error.message, _("Saving again keeps what the form shows.")]
        return _edit_page(activity_ref, form), 409
    return redirect(url_for("activities.show", activity_ref=activity_ref), 303)


def _edit_page(activity_ref: str, form: EditForm) -> str:
    session, actor = db.session(), current_actor()
    one = _one(activity_ref)
    colleagues = colleagues_of(session, one["found"].activity.company_id)
    offered = [*contacts_to_pick(session, actor, one["found"].record), *colleagues]
    known = {person.ref for person in offered}
    there = [person for person in one["found"].people if person.ref not in known]
    return render_template(
        "activities/edit.html", form=form, people=[*there, *offered], colleagues=colleagues, **one
    )


@bp.get("/activities/<ref('act'):activity_ref>/delete")
@needs(Permission.ACTIVITY_LOG)
def ask_delete(activity_ref: str) -> ResponseReturnValue:
    """Ask, on a page of its own, before it is taken away."""
    one = _one(activity_ref)
    if not one["may_delete"]:
        raise NotAllowed
    return render_template("activities/delete.html", **one)


@bp.post("/activities/<ref('act'):activity_ref>/delete")
@needs(Permission.ACTIVITY_LOG)
@once
def delete(activity_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        record = delete_activity(session, current_actor(), activity_ref, now=clock.now())
        where = record_url(record)
    flash(_("It is deleted."), "success")
    return redirect(where, 303)


def _feed(record: Record, *, fresh: str) -> str:
    feed = feed_of(db.session(), current_actor(), record, fresh=fresh)
    return render_template("activities/_feed.html", feed=feed)


def _back(record: Record, anchor: str) -> str:
    """The page the form stood on, if it is one of ours that shows the record; else the record's own."""
    came_from = request.form.get("next", "")
    partner_page = f"{request.script_root}/partners/{record.ref}"
    return f"{partner_page if came_from == partner_page else record_url(record)}#{anchor}"
