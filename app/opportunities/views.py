"""Opportunities: the list, one, the forms that make and change one, winning and losing, who takes part."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.pages import fill_pickers
from app.accounts.queries import Person, find_names, get_account
from app.accounts.related import colleagues
from app.activities.panel import feed_of
from app.documents.panel import panel_of as documents_of
from app.fields.shown import shown_of
from app.kernel import clock, labels
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.opportunities import search  # noqa: F401 - the box knows of opportunities from here on
from app.opportunities.currencies import money
from app.opportunities.deleted import list_deleted
from app.opportunities.fields import CATEGORIES, ROLES, entry_name
from app.opportunities.forms import OpportunityForm, PartForm, opportunity_form
from app.opportunities.models import Opportunity
from app.opportunities.operations import (
    create_opportunity,
    delete_opportunity,
    edit_opportunity,
    restore_opportunity,
)
from app.opportunities.pages import form_data, show_differences, way_of
from app.opportunities.people import parts_of
from app.opportunities.queries import OpportunityDetail, list_stages, open_opportunity
from app.sharing.access_page import panel_of
from app.web.access import current_actor, needs
from app.web.deleting import deleted_page, say_deleted, say_restored
from app.web.form_errors import show_errors
from app.web.notices import flash_with_link
from app.web.once import once

bp = Blueprint("opportunities", __name__, url_prefix="/opportunities")
bp.add_app_template_filter(entry_name, "opportunity_entry")
bp.add_app_template_filter(money, "amount_in")


@bp.get("")
@needs(Permission.OPPORTUNITY_VIEW)
def index() -> ResponseReturnValue:
    """The opportunities that the person may read, newest first unless sorted otherwise."""
    page = open_list(db.session(), current_actor(), "opportunity")
    return render_template("opportunities/index.html", list=page), 422 if page.error else 200


@bp.get("/<ref('opp'):opportunity_ref>")
@needs(Permission.OPPORTUNITY_VIEW)
def show(opportunity_ref: str) -> ResponseReturnValue:
    """One opportunity with its timeline."""
    return show_page(opportunity_ref)


def show_page(opportunity_ref: str, part: PartForm | None = None) -> str:
    """The page; with a form of a contact's part that was refused, if there is one."""
    session, actor = db.session(), current_actor()
    detail = open_opportunity(session, actor, opportunity_ref)
    remember_opened(actor, detail.opportunity)
    may_edit = detail.may_edit(actor)
    return render_template(
        "opportunities/show.html",
        page_ref=detail.opportunity.ref,
        detail=detail,
        opportunity=detail.opportunity,
        may_edit=may_edit,
        may_delete=detail.may_delete(actor),
        categories=CATEGORIES,
        roles=ROLES,
        way=way_of(detail.stage, [s for s in list_stages(session) if s.is_active], may_edit=may_edit),
        parts=parts_of(session, actor, detail.opportunity),
        part_form=(part or PartForm(formdata=None)) if may_edit else None,
        feed=feed_of(session, actor, detail.opportunity),
        documents=documents_of(session, actor, detail.opportunity),
        access=panel_of(actor, detail.opportunity),
        own_fields=shown_of(session, actor, "opportunity", detail.opportunity.custom),
    )


# Making one


@bp.get("/new")
@needs(Permission.OPPORTUNITY_CREATE)
def new() -> ResponseReturnValue:
    """The form for a new opportunity; `?account=acct_…` fills in whose it is."""
    session, actor = db.session(), current_actor()
    data: dict[str, Any] = {"owner": actor.ref}
    if request.args.get("account"):
        account = get_account(session, actor, request.args["account"])
        data |= {"account_id": account.name, "account_id_ref": account.ref}
    return _new_page(session, opportunity_form()(formdata=None, data=data))


@bp.post("")
@needs(Permission.OPPORTUNITY_CREATE)
@once
def create() -> ResponseReturnValue:
    """Store a new opportunity."""
    actor, form = current_actor(), opportunity_form()()
    try:
        with transaction() as session:
            values = fill_pickers(session, actor, form, form.given())
            opportunity = create_opportunity(session, actor, _without_blanks(values), now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _new_page(db.session(), form), 422
    return _saved(opportunity)


def _without_blanks(values: Mapping[str, Any]) -> dict[str, Any]:
    """An empty probability is the stage's."""
    return {name: value for name, value in values.items() if name != "probability" or str(value).strip()}


def _new_page(session: Session, form: OpportunityForm) -> str:
    form.offer_lists(current_actor(), list_stages(session), colleagues(session))
    origin = request.args.get("account") or request.form.get("from_account") or ""
    names = find_names(session, current_actor(), [origin]) if origin else {}
    back = next(((url_for("accounts.show", account_ref=ref), name) for ref, name in names.items()), None)
    return render_template("opportunities/new.html", form=form, origin=origin, back=back)


def _saved(opportunity: Opportunity) -> ResponseReturnValue:
    remember_opened(current_actor(), opportunity)
    url = url_for("opportunities.show", opportunity_ref=opportunity.ref)
    text = _("“%(name)s” is saved.", name=opportunity.name)
    if request.form.get("save_and_new"):
        flash_with_link(text, url, _("Show it"))
        again = request.form.get("from_account") or None
        return redirect(url_for("opportunities.new", account=again), 303)
    flash(text, "success")
    return redirect(url, 303)


# Changing one


@bp.get("/<ref('opp'):opportunity_ref>/edit")
@needs(Permission.OPPORTUNITY_EDIT)
def edit(opportunity_ref: str) -> ResponseReturnValue:
    """The form that changes an opportunity."""
    detail = editable(opportunity_ref)
    kind = opportunity_form()
    return _edit_page(detail, kind(formdata=None, data=form_data(detail, kind.fields)))


@bp.post("/<ref('opp'):opportunity_ref>/edit")
@needs(Permission.OPPORTUNITY_EDIT)
def save(opportunity_ref: str) -> ResponseReturnValue:
    """Change an opportunity; a stale edit is shown again with what stands against it."""
    actor = current_actor()
    detail, form = editable(opportunity_ref), opportunity_form()()
    try:
        with transaction() as session:
            values = fill_pickers(session, actor, form, form.given())
            opportunity = edit_opportunity(
                session,
                actor,
                opportunity_ref,
                _without_blanks(values),
                version=form.began_from,
                now=clock.now(),
            )
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(detail, form), 422
    except StaleEdit as error:
        return _edit_page(editable(opportunity_ref), form, error), 409
    return _saved(opportunity)


def editable(opportunity_ref: str) -> OpportunityDetail:
    """The opportunity, if the person may change it.  Raises NotFound, NotAllowed."""
    actor = current_actor()
    detail = open_opportunity(db.session(), actor, opportunity_ref)
    if not detail.may_edit(actor):
        raise NotAllowed
    return detail


def _edit_page(detail: OpportunityDetail, form: OpportunityForm, stale: StaleEdit | None = None) -> str:
    session, actor = db.session(), current_actor()
    people: list[Person] | None = None
    if detail.may_govern(actor):
        people = list(colleagues(session))
        if detail.owner is not None and all(p.ref != detail.owner.ref for p in people):
            people.insert(0, detail.owner)  # somebody of a partner, who stays unless another is chosen
    form.offer_lists(actor, list_stages(session), people, present=detail.stage)
    return render_template(
        "opportunities/edit.html",
        page_ref=detail.opportunity.ref,
        detail=detail,
        opportunity=detail.opportunity,
        form=form,
        is_stale=stale is not None,
        differences=show_differences(session, actor, form, detail, stale) if stale else [],
    )


# Deleting one


@bp.get("/deleted")
@needs(Permission.OPPORTUNITY_DELETE)
def deleted() -> ResponseReturnValue:
    """What was deleted in the last 30 days, with the button that brings it back."""
    rows = list_deleted(db.session(), current_actor(), now=clock.now())
    title = _("Deleted %(opportunities)s", opportunities=labels.many("opportunity"))
    return deleted_page("opportunity", rows, title=title, heading=labels.field("opportunity", "name"))


@bp.get("/<ref('opp'):opportunity_ref>/delete")
@needs(Permission.OPPORTUNITY_DELETE)
def ask_delete(opportunity_ref: str) -> ResponseReturnValue:
    """The question before an opportunity is deleted."""
    detail = open_opportunity(db.session(), current_actor(), opportunity_ref)
    if not detail.may_delete(current_actor()):
        raise NotAllowed
    return render_template(
        "opportunities/delete.html", page_ref=detail.opportunity.ref, opportunity=detail.opportunity
    )


@bp.post("/<ref('opp'):opportunity_ref>/delete")
@needs(Permission.OPPORTUNITY_DELETE)
@once
def delete(opportunity_ref: str) -> ResponseReturnValue:
    """Delete the opportunity."""
    with transaction() as session:
        opportunity = delete_opportunity(session, current_actor(), opportunity_ref, now=clock.now())
    told = _("“%(name)s” is deleted. It can be restored for 30 days.", name=opportunity.name)
    return say_deleted("opportunity", opportunity.ref, told)


@bp.post("/<ref('opp'):opportunity_ref>/restore")
@needs(Permission.OPPORTUNITY_DELETE)
def restore(opportunity_ref: str) -> ResponseReturnValue:
    """Bring a deleted opportunity back."""
    with transaction() as session:
        opportunity = restore_opportunity(session, current_actor(), opportunity_ref, now=clock.now())
    return say_restored("opportunity", opportunity.ref, _("“%(name)s” is restored.", name=opportunity.name))
