"""Adding a lead and changing one.  A stale edit is shown again with both values; nothing typed is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.identity.queries import get_organisation
from app.intake.take_in import Arrival, take_in
from app.kernel import clock, labels
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid, Stale
from app.kernel.fold import fold
from app.leads.choices import load_lists
from app.leads.errors import AlreadyConverted
from app.leads.forms import LeadForm, OwnerChoice, lead_form, offer_lists, values_of
from app.leads.operations import edit_lead
from app.leads.queries import LeadDetail, open_to_edit
from app.leads.registries import LONGEST_NAME, SOURCES, add_item
from app.leads.seen import seen_version
from app.leads.values import load_choices, read_lead_values, reading_for
from app.leads.views.blueprint import bp
from app.leads.views.conflicts import fill, in_words
from app.lists.recent import remember_opened
from app.routing.picker import Choice, LeftOut, OwnerChoices, owner_choices
from app.routing.targets import Target, find_target
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which a stale edit and the lead disagree.  is_theirs_kept: the person chose theirs before."""

    name: str
    label: Any
    yours: str
    now: str


@bp.get("/leads/new")
@needs(Permission.LEAD_CREATE)
def new() -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    form = lead_form(actor)(formdata=None, data={"status": _first_status(session)})
    return _new_page(session, actor, form, OwnerChoice(formdata=None))


@bp.post("/leads")
@needs(Permission.LEAD_CREATE)
@once
def create() -> ResponseReturnValue:
    actor, form, owner = current_actor(), lead_form(current_actor())(), OwnerChoice()
    try:
        with transaction() as session:
            raw = {**form.given(), **_new_source(session, actor, form)}
            arrival = Arrival(owner=_chosen(session, actor, owner), notify=bool(owner.notify.data))
            lead, is_new = take_in(session, actor, raw, arrival, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _new_page(db.session(), actor, form, owner), 422
    except Conflict as error:
        form.form_errors = [*form.form_errors, error.message]
        return _new_page(db.session(), actor, form, owner), 409
    remember_opened(actor, lead)
    if not is_new:
        flash(_("It was there already, by its external id. What you wrote was added to it."), "info")
        return redirect(url_for("leads.show", lead_ref=lead.ref), 303)
    said = _("“%(name)s” was added.", name=lead.title_for(actor))
    if request.form.get("save_and_new"):
        link = {"link_url": url_for("leads.show", lead_ref=lead.ref), "link_label": _("Open it")}
        flash({"text": said, **link}, "success")  # type: ignore[arg-type]  # our flashes may carry a link
        return redirect(url_for("leads.new"), 303)
    flash(said, "success")
    return redirect(url_for("leads.show", lead_ref=lead.ref), 303)


def _new_page(session: Session, actor: Actor, form: LeadForm, owner: OwnerChoice) -> str:
    offer_lists(form, load_lists(session))
    groups, left_out, unnamed = _owners(session, actor)
    return render_template(
        "leads/new.html", form=form, owner=owner, groups=groups, left_out=left_out, unnamed=unnamed
    )


def _owners(
    session: Session, actor: Actor
) -> tuple[list[tuple[str, Sequence[Choice]]], Sequence[LeftOut], int]:
    """Whom a new lead can be given to, by kind; who cannot be given any now; and how many more of those."""
    if not actor.can(Permission.LEAD_ASSIGN):
        return [], [], 0
    choices: OwnerChoices = owner_choices(session, actor, now=clock.now())
    groups = [
        (_("Colleagues"), [c for c in choices.colleagues if c.ref != actor.ref]),
        (labels.many("partner_user", title=True), choices.partner_users),
        (labels.many("partner_account", title=True), choices.partner_accounts),
        (labels.many("queue", title=True), choices.queues),
        (labels.many("round_robin", title=True), choices.round_robins),
    ]
    kinds = ("partner_user", "colleague")
    left_out = [person for kind in kinds for person in choices.left_out.get(kind, ())]
    unnamed = sum(choices.unnamed.get(kind, 0) for kind in kinds)
    return [(title, found) for title, found in groups if found], left_out, unnamed


def _chosen(session: Session, actor: Actor, owner: OwnerChoice) -> Target | None:
    """Whom a person chose; None leaves it to the rules.  Raises Invalid."""
    match owner.owner.data:
        case "me":
            return find_target(session, actor, "user", actor.ref)
        case "someone":
            actor.require(Permission.LEAD_ASSIGN)
            kind, _colon, ref = (owner.owner_ref.data or "").partition(":")
            return find_target(session, actor, kind, ref)
    return None


def _new_source(session: Session, actor: Actor, form: LeadForm) -> dict[str, str]:
    """The source that was typed beside the list, added to it unless it is there; nothing where none was."""
    name = (form["new_source"].data or "").strip() if "new_source" in form else ""
    if not name:
        return {}
    if fold(name, LONGEST_NAME) in load_choices(session).sources:
        return {"source": name}
    try:
        return {"source": add_item(session, actor, SOURCES, {"name": name}, now=clock.now()).name}
    except Invalid as error:
        raise Invalid({"new_source": [m for messages in error.errors.values() for m in messages]}) from error


def _first_status(session: Session) -> str:
    return next((s.key for s in load_lists(session).statuses if s.category == "new"), "")


@bp.get("/leads/<ref('lead'):lead_ref>/edit")
@needs(Permission.LEAD_EDIT)
def edit(lead_ref: str) -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    try:
        detail = open_to_edit(session, actor, lead_ref)
    except AlreadyConverted as error:
        flash(str(error.message), "info")
        return redirect(url_for("leads.show", lead_ref=lead_ref), 303)
    form = lead_form(actor)(formdata=None, data=values_of(detail))
    form.begin(seen_version(actor, detail.lead, detail.custom), values_of(detail))
    return _edit_page(session, detail, form)


@bp.post("/leads/<ref('lead'):lead_ref>/edit")
@needs(Permission.LEAD_EDIT)
def save(lead_ref: str) -> ResponseReturnValue:
    actor = current_actor()
    open_to_edit(db.session(), actor, lead_ref)
    form = lead_form(actor)()
    try:
        with transaction() as session:
            raw = {**form.changed(), **_new_source(session, actor, form)}
            reading = reading_for(session, actor, zone=ZoneInfo(get_organisation(session).time_zone))
            values = read_lead_values(raw, reading).fields
            lead = edit_lead(session, actor, lead_ref, values, version=form.began_from, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _edit_page(db.session(), open_to_edit(db.session(), actor, lead_ref), form), 422
    except Stale:
        return _stale_page(actor, lead_ref, form), 409
    flash(_("Saved."), "success")
    return redirect(url_for("leads.show", lead_ref=lead.ref), 303)


def _edit_page(
    session: Session,
    detail: LeadDetail,
    form: LeadForm,
    differences: Sequence[Difference] = (),
    *,
    is_stale: bool = False,
) -> str:
    offer_lists(form, load_lists(session), detail)
    return render_template(
        "leads/edit.html",
        detail=detail,
        lead=detail.lead,
        form=form,
        differences=differences,
        is_stale=is_stale,
    )


def _stale_page(actor: Actor, lead_ref: str, form: LeadForm) -> str:
    """The form again: what was changed here stays typed, all else is as it is now; both beside each other."""
    session = db.session()
    session.rollback()
    detail = open_to_edit(session, actor, lead_ref)
    mine, began, now = form.changed(), form.first_values(), values_of(detail)
    for name, text in now.items():
        if name in form and name not in mine:
            fill(form[name], text)
    form.begin(seen_version(actor, detail.lead, detail.custom), now)
    offer_lists(form, load_lists(session), detail)
    differences = [
        Difference(name, form[name].label.text, in_words(form[name], text), in_words(form[name], now[name]))
        for name, text in mine.items()
        if text != now[name] and began.get(name, "") != now[name]
    ]
    return _edit_page(session, detail, form, differences, is_stale=True)
