"""What is done to one lead by a button: claim, give back, delete, restore."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock, labels
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed
from app.leads.choices import decline_name
from app.leads.deleted import list_deleted
from app.leads.errors import AlreadyConverted
from app.leads.forms import ReasonForm
from app.leads.operations import claim_lead, delete_lead, restore_lead
from app.leads.queries import LeadDetail, find_level, get_lead, list_decline_reasons, open_lead
from app.leads.rows import LeadRow
from app.leads.views.blueprint import bp
from app.routing.operations import release_lead
from app.web.access import current_actor, needs
from app.web.choices import options
from app.web.deleting import deleted_page, say_deleted, say_restored
from app.web.form_errors import show_errors
from app.web.once import once


@bp.post("/leads/<ref('lead'):lead_ref>/claim")
@needs(Permission.LEAD_CLAIM)
def claim(lead_ref: str) -> ResponseReturnValue:
    """Claim from the page or the list of leads; the inbox has its own button."""
    with transaction() as session:
        claim_lead(session, current_actor(), lead_ref, now=clock.now())
    flash(_("It is yours now."), "success")
    return redirect(url_for("leads.show", lead_ref=lead_ref), 303)


@bp.get("/leads/<ref('lead'):lead_ref>/release")
@needs(Permission.LEAD_RELEASE)
def ask_release(lead_ref: str) -> ResponseReturnValue:
    return _release_page(lead_ref, ReasonForm(formdata=None))


@bp.post("/leads/<ref('lead'):lead_ref>/release")
@needs(Permission.LEAD_RELEASE)
@once
def release(lead_ref: str) -> ResponseReturnValue:
    """Give it back to the queue it came from; an offer is declined."""
    actor, form = current_actor(), ReasonForm()
    is_offer = find_level(db.session(), actor, lead_ref) is Level.PREVIEW
    try:
        with transaction() as session:
            lead = release_lead(
                session, actor, lead_ref, reason=form.reason.data, note=form.note.data, now=clock.now()
            )
    except Invalid as error:
        show_errors(form, error)
        return _release_page(lead_ref, form), 422
    flash(_("You declined it.") if is_offer else _("You gave it back."), "success")
    if find_level(db.session(), actor, lead.ref) is not None:
        return redirect(url_for("leads.show", lead_ref=lead.ref), 303)
    return redirect(url_for("inbox.index") if actor.is_partner else url_for("leads.index"), 303)


def _release_page(lead_ref: str, form: ReasonForm) -> str:
    session, actor = db.session(), current_actor()
    found = open_lead(session, actor, lead_ref)
    if not found.owner.is_me:
        raise NotAllowed(_("It is somebody else's to answer for."))
    form.reason.choices = options((r.key, decline_name(r.name)) for r in list_decline_reasons(session))
    is_offer = isinstance(found, LeadRow)
    if isinstance(found, LeadDetail) and found.lead.converted_at is not None:
        raise AlreadyConverted
    return render_template(
        "leads/release.html", ref=found.ref, title=found.title, is_offer=is_offer, form=form
    )


@bp.get("/leads/<ref('lead'):lead_ref>/delete")
@needs(Permission.LEAD_DELETE)
def ask_delete(lead_ref: str) -> ResponseReturnValue:
    actor = current_actor()
    lead = get_lead(db.session(), actor, lead_ref, Level.EDIT)
    return render_template("leads/delete.html", lead=lead, title=lead.title_for(actor))


@bp.post("/leads/<ref('lead'):lead_ref>/delete")
@needs(Permission.LEAD_DELETE)
@once
def delete(lead_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        delete_lead(session, current_actor(), lead_ref, now=clock.now())
    return say_deleted("lead", lead_ref, _("Deleted. It can be restored for 30 days."))


@bp.post("/leads/<ref('lead'):lead_ref>/restore")
@needs(Permission.LEAD_DELETE)
def restore(lead_ref: str) -> ResponseReturnValue:
    with transaction() as session:
        restore_lead(session, current_actor(), lead_ref, now=clock.now())
    return say_restored("lead", lead_ref, _("It is back."))


@bp.get("/leads/deleted")
@needs(Permission.LEAD_DELETE)
def deleted() -> ResponseReturnValue:
    """What was deleted in the last 30 days, with the button that brings it back."""
    rows = list_deleted(db.session(), current_actor(), now=clock.now())
    title = _("Deleted %(leads)s", leads=labels.many("lead"))
    return deleted_page("lead", rows, title=title, heading=_("Company or person"))
