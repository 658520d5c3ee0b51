"""Changing one field of a lead where it stands; on a small page of its own where there is no JavaScript.

Whoever changed another field meanwhile is in nobody's way.  Where both changed the same, both values are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotFound, Stale
from app.leads.choices import load_lists
from app.leads.fields import FIELDS
from app.leads.forms import LeadForm, lead_form, offer_lists, values_of
from app.leads.operations import edit_lead
from app.leads.queries import LeadDetail, open_to_edit
from app.leads.seen import seen_version
from app.leads.values import read_lead_values, reading_for
from app.leads.views.blueprint import bp
from app.leads.views.conflicts import fill, in_words
from app.leads.views.page import Entry, LeadPage, read_lead_page
from app.scores.upkeep import settle_scores
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment

# These have an act of their own.
_NOT_HERE = frozenset({"status", "unqualified_reason", "score"})
TRIES = 3


@dataclass(frozen=True, slots=True)
class Clash:
    """What the person wrote, and what somebody else wrote meanwhile, in words."""

    yours: str
    now: str


@bp.get("/leads/<ref('lead'):lead_ref>/fields/<string:name>")
@needs(Permission.LEAD_EDIT)
def edit_field(lead_ref: str, name: str) -> ResponseReturnValue:
    """The form of one field; `?as=is` the field as it is."""
    session, actor = db.session(), current_actor()
    detail = open_to_edit(session, actor, lead_ref)
    form = _form(actor, name, values_of(detail))
    if request.args.get("as") == "is":
        return _shown(session, actor, detail, name)
    return _page(session, actor, detail, form, name, values_of(detail)[name])


@bp.post("/leads/<ref('lead'):lead_ref>/fields/<string:name>")
@needs(Permission.LEAD_EDIT)
def save_field(lead_ref: str, name: str) -> ResponseReturnValue:
    """Save it; where somebody else changed it meanwhile, ask which to keep."""
    actor = current_actor()
    detail = open_to_edit(db.session(), actor, lead_ref)
    form = _form(actor, name, None)
    began, typed = request.form.get("began", ""), form.typed()[name]
    if request.form.get("keep") == "theirs":
        typed = began  # both are on the page: what began is what they wrote
    try:
        if typed != began:
            _save(actor, lead_ref, name, typed, began, detail)
    except Invalid as error:
        session = db.session()
        session.rollback()
        detail = open_to_edit(session, actor, lead_ref)
        problems = [message for messages in error.errors.values() for message in messages]
        return _page(session, actor, detail, form, name, began, problems=problems), 422
    except Stale:
        return _clash_page(actor, lead_ref, form, name, typed), 409
    session = db.session()
    if not wants_fragment():
        flash(_("Saved."), "success")
        return redirect(url_for("leads.show", lead_ref=lead_ref, _anchor="details"), 303)
    return _shown(session, actor, open_to_edit(session, actor, lead_ref), name, is_saved=True)


def _save(actor: Actor, lead_ref: str, name: str, typed: str, began: str, detail: LeadDetail) -> None:
    """Raises Invalid, Stale (the field itself was changed meanwhile)."""
    for _try in range(TRIES):
        if values_of(detail)[name] != began:
            raise Stale
        version = seen_version(actor, detail.lead, detail.custom)
        try:
            with transaction() as session:
                reading = reading_for(session, actor, zone=ZoneInfo(get_organisation(session).time_zone))
                values = read_lead_values({name: typed}, reading).fields
                edit_lead(session, actor, lead_ref, values, version=version, now=clock.now())
                settle_scores(session)
            return
        except Stale:
            db.session().rollback()
            detail = open_to_edit(db.session(), actor, lead_ref)
    raise Stale


def _form(actor: Actor, name: str, data: dict[str, str] | None) -> LeadForm:
    """Raises NotFound where it is no field that the actor writes."""
    kind = lead_form(actor)
    form = kind(formdata=None, data=data) if data is not None else kind()
    known = name in FIELDS or name in catalogue(db.session()).seen(actor, "lead")
    if name in _NOT_HERE or not known or name not in form:
        raise NotFound("field", name)
    return form


def _clash_page(actor: Actor, lead_ref: str, form: LeadForm, name: str, typed: str) -> str:
    session = db.session()
    session.rollback()
    detail = open_to_edit(session, actor, lead_ref)
    present = values_of(detail)[name]
    offer_lists(form, load_lists(session), detail)
    fill(form[name], typed)
    clash = Clash(in_words(form[name], typed), in_words(form[name], present))
    return _page(session, actor, detail, form, name, present, clash=clash)


def _page(
    session: Session,
    actor: Actor,
    detail: LeadDetail,
    form: LeadForm,
    name: str,
    began: str,
    *,
    problems: Sequence[Any] = (),
    clash: Clash | None = None,
) -> str:
    offer_lists(form, load_lists(session), detail)
    form[name].errors = [*form[name].errors, *problems]
    form[name].render_kw = {**(form[name].render_kw or {}), "data-focus": ""}
    return render_template(
        "leads/_field_form.html" if wants_fragment() else "leads/field.html",
        detail=detail,
        lead=detail.lead,
        field=FIELDS.get(name) or catalogue(session).seen(actor, "lead")[name],
        input=form[name],
        began=began,
        clash=clash,
        where="path" if request.values.get("where") == "path" else "",
    )


def _shown(
    session: Session, actor: Actor, detail: LeadDetail, name: str, *, is_saved: bool = False
) -> ResponseReturnValue:
    """The field as it is, with the path beside it where that may have changed."""
    if not wants_fragment():
        return redirect(url_for("leads.show", lead_ref=detail.ref, _anchor="details"), 303)
    page = read_lead_page(session, actor, detail, now=clock.now())
    is_in_path = request.values.get("where") == "path"
    body = render_template(
        "leads/_field_shown.html",
        page=page,
        entry=_entry(page, name),
        is_saved=is_saved,
        where="path" if is_in_path else "",
    )
    # What was filled in may have been what was missing: the path is shown anew around its field.
    headers = {"HX-Retarget": "#path", "HX-Reswap": "outerHTML"} if is_saved and is_in_path else {}
    return body, 200, headers


def _entry(page: LeadPage, name: str) -> Entry:
    return next(entry for _name, _title, some in page.sections for entry in some if entry.field.name == name)
