"""The way of leads: what *qualified* means, where each status leads, what it asks for; removing one with leads in it."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.identity.organisation import LANGUAGES
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Conflict, Invalid
from app.leads.choices import status_name
from app.leads.fields import FIELDS
from app.leads.models import ANYWHERE, LeadStatus, StatusCategory
from app.leads.process import ALWAYS_REQUIRED, in_own_language, lead_process
from app.leads.queries import list_statuses
from app.leads.steps import (
    count_in,
    fields_that_matter,
    fields_to_ask,
    get_status,
    is_leaving,
    leave_status,
    set_moves,
    set_process,
    set_step,
    targets_for,
)
from app.setup.list_pages import list_page
from app.setup.registries import category_names
from app.web.access import current_actor, needs
from app.web.once import once

bp = Blueprint("lead_path", __name__, url_prefix="/setup/lead-path")
bp.add_app_template_filter(in_own_language, "in_own_language")

COUNTED = 10_000


@bp.get("")
@needs(Permission.SETTING_MANAGE)
def show() -> ResponseReturnValue:
    """The matrix of moves, what each step asks for, what *qualified* means."""
    return _page()


@bp.post("")
@needs(Permission.SETTING_MANAGE)
def save() -> ResponseReturnValue:
    """Save what qualifying asks for and means."""
    definition = {language: request.form.get(f"definition_{language}", "") for language in LANGUAGES}
    try:
        with transaction() as session:
            is_new = set_process(
                session,
                current_actor(),
                required=request.form.getlist("required"),
                definition=definition,
                now=clock.now(),
            )
    except Invalid as error:
        return _page(error.errors, typed=definition), 422
    flash(_("Saved.") if is_new else _("Nothing was changed."), "success" if is_new else "info")
    return redirect(url_for("lead_path.show"), 303)


@bp.post("/moves")
@needs(Permission.SETTING_MANAGE)
def save_moves() -> ResponseReturnValue:
    """Save where each status leads."""
    try:
        with transaction() as session:
            changed = set_moves(session, current_actor(), _ticked_moves(), now=clock.now())
    except Invalid as error:
        return _page(error.errors), 422
    flash(_("Saved.") if changed else _("Nothing was changed."), "success" if changed else "info")
    return redirect(url_for("lead_path.show", _anchor="moves"), 303)


def _ticked_moves() -> dict[str, Sequence[str] | None]:
    """Each status of the page → where it leads, None for anywhere.

    Whoever takes a tick away beside *Anywhere*, which was ticked before, means it: only what is still ticked stays.
    """
    keys = request.form.getlist("from")
    was_free = set(request.form.getlist("was-any"))
    moves: dict[str, Sequence[str] | None] = {}
    for key in keys:
        ticked = request.form.getlist(f"to-{key}")
        has_all = not {*keys} - {*ticked, key}
        is_free = f"any-{key}" in request.form and (has_all or key not in was_free)
        moves[key] = None if is_free else ticked
    return moves


def _page(errors: Mapping[str, Sequence[Any]] | None = None, typed: Mapping[str, str] | None = None) -> str:
    session = db.session()
    process = lead_process(session)
    asked = set(request.form.getlist("required")) if typed is not None else set(process.required)
    statuses = [s for s in list_statuses(session) if s.category is not StatusCategory.CONVERTED]
    return render_template(
        "setup/lead_path.html",
        statuses=statuses,
        leaving=is_leaving(session),
        categories=dict(category_names(list_page("statuses"))),
        status_name=status_name,
        anywhere=ANYWHERE,
        always=ALWAYS_REQUIRED,
        required=asked,
        fields=_labels(session, fields_to_ask(session)),
        definition=typed if typed is not None else process.definition,
        languages=language_names(),
        errors=errors or {},
    )


def language_names() -> list[tuple[str, str]]:
    """(code, name) of the languages that texts are kept in."""
    return [("en", _("English")), ("es", _("Spanish")), ("ca", _("Catalan"))]


def _labels(session: Session, names: Sequence[str]) -> list[tuple[str, str]]:
    known: dict[str, Any] = {**FIELDS, **catalogue(session).active("lead")}
    return [(name, str(known[name].label)) for name in names]


@bp.get("/<string:item_ref>")
@needs(Permission.SETTING_MANAGE)
def step(item_ref: str) -> ResponseReturnValue:
    """What one status asks for."""
    return _step_page(get_status(db.session(), item_ref))


@bp.post("/<string:item_ref>")
@needs(Permission.SETTING_MANAGE)
def save_step(item_ref: str) -> ResponseReturnValue:
    """Change what one status asks for."""
    guidance = {language: request.form.get(f"guidance_{language}", "") for language in LANGUAGES}
    matters = request.form.getlist("matters")
    try:
        with transaction() as session:
            status = set_step(
                session, current_actor(), item_ref, guidance=guidance, matters=matters, now=clock.now()
            )
    except Invalid as error:
        status = get_status(db.session(), item_ref)
        return _step_page(status, error.errors, guidance, matters), 422
    flash(_("“%(name)s” is saved.", name=status_name(status.name)), "success")
    return redirect(url_for("lead_path.show", _anchor=item_ref), 303)


def _step_page(
    status: LeadStatus,
    errors: Mapping[str, Sequence[Any]] | None = None,
    guidance: Mapping[str, str] | None = None,
    matters: Sequence[str] | None = None,
) -> str:
    session = db.session()
    return render_template(
        "setup/lead_step.html",
        status=status,
        name=status_name(status.name),
        guidance=status.guidance if guidance is None else guidance,
        matters=status.matters if matters is None else matters,
        fields=_labels(session, fields_that_matter(session)),
        languages=language_names(),
        errors=errors or {},
    )


@bp.get("/<string:item_ref>/remove")
@needs(Permission.SETTING_MANAGE)
def ask_remove(item_ref: str) -> ResponseReturnValue:
    """Ask where the leads of a status go."""
    return _remove_page(item_ref)


@bp.post("/<string:item_ref>/remove")
@needs(Permission.SETTING_MANAGE)
@once
def remove(item_ref: str) -> ResponseReturnValue:
    """Move its leads, then remove it."""
    try:
        with transaction() as session:
            left = leave_status(
                session, current_actor(), item_ref, move_to=request.form.get("move_to", ""), now=clock.now()
            )
    except Invalid as error:
        return _remove_page(item_ref, next(iter(error.errors.values()))[0]), 422
    except Conflict as error:
        return _remove_page(item_ref, error.message), 409
    if left is None:
        flash(_("It is removed. What was in it is where you sent it."), "success")
    else:
        flash(_("It can no longer be chosen. The rest is moved in the background, then it is gone."), "info")
    return redirect(url_for("setup.registry", name="statuses"), 303)


def _remove_page(item_ref: str, problem: Any = "") -> str:
    session = db.session()
    status = get_status(session, item_ref)
    return render_template(
        "setup/lead_status_remove.html",
        status=status,
        name=status_name(status.name),
        count=count_in(session, status, cap=COUNTED),
        counted=COUNTED,
        targets=[(row.ref, status_name(row.name)) for row in targets_for(session, status)],
        problem=problem,
        chosen=request.form.get("move_to", ""),
    )
