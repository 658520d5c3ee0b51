"""Logging on a record and reading its whole timeline; the panel itself stands on the record's page."""

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.models import Account, Contact
from app.activities.forms import ActivityForm
from app.activities.operations import finish_activity, log_activity
from app.activities.panel import LONG, feed_of, record_url
from app.activities.places import Record, place_of
from app.activities.queries import get_record, get_record_of
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.models import Lead
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment

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
def log_on_lead(lead_ref: str) -> ResponseReturnValue:
    return _log(Lead, lead_ref)


@bp.post("/accounts/<ref('acct'):account_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
def log_on_account(account_ref: str) -> ResponseReturnValue:
    return _log(Account, account_ref)


@bp.post("/contacts/<ref('cont'):contact_ref>/activities")
@needs(Permission.ACTIVITY_LOG)
def log_on_contact(contact_ref: str) -> ResponseReturnValue:
    return _log(Contact, contact_ref)


def _log(model: type[Record], ref: str) -> ResponseReturnValue:
    actor, form = current_actor(), ActivityForm()
    try:
        with transaction() as session:
            record = get_record(session, actor, model, ref)
            activity = log_activity(session, actor, record, now=clock.now(), **form.values(actor))
    except Invalid as error:
        show_errors(form, error)
        return _refused(model, ref, form)
    if wants_fragment():
        return _feed(record, fresh=activity.ref)
    return redirect(_back(record, activity.ref), 303)


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
        activity = finish_activity(session, actor, activity_ref, now=clock.now())
        record = get_record_of(session, actor, activity)
    if wants_fragment():
        return _feed(record, fresh=activity.ref)
    return redirect(_back(record, activity.ref), 303)


def _feed(record: Record, *, fresh: str) -> str:
    feed = feed_of(db.session(), current_actor(), record, fresh=fresh)
    return render_template("activities/_feed.html", feed=feed)


def _back(record: Record, anchor: str) -> str:
    """The page the form stood on, if it is one of ours that shows the record; else the record's own."""
    came_from = request.form.get("next", "")
    partner_page = f"{request.script_root}/partners/{record.ref}"
    return f"{partner_page if came_from == partner_page else record_url(record)}#{anchor}"
