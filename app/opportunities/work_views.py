"""Working on opportunities: the board, another stage, winning and losing, who takes part, needs that become one."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.accounts.changes import StaleEdit
from app.cases.pages import contacts_meant
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.lists.boards import Card
from app.opportunities.board import read_board
from app.opportunities.entries import stage_named
from app.opportunities.fields import entry_name
from app.opportunities.forms import PartForm, TurnForm
from app.opportunities.models import OpportunityStage, StageCategory
from app.opportunities.needs import turn_need
from app.opportunities.operations import edit_opportunity
from app.opportunities.people import add_part, remove_part
from app.opportunities.queries import (
    OpportunityDetail,
    OpportunityRow,
    get_opportunity,
    list_outcomes,
    list_stages,
)
from app.opportunities.views import editable, show_page
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("opportunity_work", __name__)
# Of the list's filters those that the board takes over.
_OF_BOARD = ("q", "owner", "account_id", "partner_account_id", "currency", "campaign")


@bp.get("/opportunities/board")
@needs(Permission.OPPORTUNITY_VIEW)
def board() -> ResponseReturnValue:
    """A column for each stage; filters as the list has them."""
    session, actor = db.session(), current_actor()
    given = _carried()
    columns = read_board(session, actor, given, now=clock.now())
    for column in columns:
        column.cards = [_card(actor, row, given) for row in column.rows]
        more: dict[str, Any] = {**given, "stage": column.key, "sort": "close_date"}
        column.more_url = url_for("opportunities.index", **more)
    return render_template("opportunities/board.html", columns=columns, given=given)


def _carried() -> dict[str, list[str]]:
    """The filters that list and board have in common, kept on the way from one to the other."""
    return {name: values for name in _OF_BOARD if any(values := request.args.getlist(name))}


def _card(actor: Actor, row: OpportunityRow, given: dict[str, list[str]]) -> Card:
    each = row.opportunity
    back: dict[str, Any] = {**given, "opportunity_ref": each.ref}
    may_move = row.given >= Level.EDIT and actor.can(Permission.OPPORTUNITY_EDIT)
    url = url_for("opportunity_work.move", **back) if may_move else ""
    page = url_for("opportunities.show", opportunity_ref=each.ref)
    return Card(each.ref, each.name, page, row, url, ("version", each.version))


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/stage")
@needs(Permission.OPPORTUNITY_EDIT)
def move(opportunity_ref: str) -> ResponseReturnValue:
    """Another stage; one that wins, loses or reopens it is asked about first."""
    session, actor = db.session(), current_actor()
    opportunity = get_opportunity(session, actor, opportunity_ref)
    stage = stage_named(session, request.form.get("stage", ""))
    back = "board" if request.form.get("from") == "board" else ""
    if stage.category is not opportunity.category:
        where: Any = {**_carried(), "stage": stage.key, "from": back or None}
        return redirect(url_for("opportunity_work.ask_turn", opportunity_ref=opportunity_ref, **where), 303)
    try:
        with transaction() as writing:
            moved = edit_opportunity(
                writing,
                actor,
                opportunity_ref,
                {"stage": stage.key},
                version=_version(request.form.get("version")),
                now=clock.now(),
            )
    except StaleEdit as error:
        flash(str(error.message), "warning")
    else:
        flash(_("“%(name)s” is in %(stage)s now.", name=moved.name, stage=entry_name(stage)), "success")
    return _back(opportunity_ref, back)


def _version(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None


def _back(opportunity_ref: str, where: str) -> ResponseReturnValue:
    if where == "board":
        given: dict[str, Any] = {**_carried(), "_anchor": opportunity_ref}
        return redirect(url_for("opportunity_work.board", **given), 303)
    return redirect(url_for("opportunities.show", opportunity_ref=opportunity_ref, _anchor="path"), 303)


# Winning, losing, opening again


@bp.get("/opportunities/<ref('opp'):opportunity_ref>/turn")
@needs(Permission.OPPORTUNITY_EDIT)
def ask_turn(opportunity_ref: str) -> ResponseReturnValue:
    """The question why; `?stage=` names the stage that it comes to."""
    detail = editable(opportunity_ref)
    stage = stage_named(db.session(), request.args.get("stage", ""))
    form = TurnForm(formdata=None, data={"version": detail.opportunity.version, "stage": stage.key})
    return _turn_page(detail, stage, form)


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/turn")
@needs(Permission.OPPORTUNITY_EDIT)
@once
def turn(opportunity_ref: str) -> ResponseReturnValue:
    """Win it, lose it, or open it again."""
    actor, form = current_actor(), TurnForm()
    editable(opportunity_ref)
    stage = stage_named(db.session(), form.stage.data or "")
    closes = stage.category is not StageCategory.OPEN
    values: dict[str, Any] = {"stage": stage.key}
    if closes:
        values |= {"outcome": form.outcome.data or None, "outcome_note": form.note.data}
    try:
        if closes and not form.outcome.data:
            raise Invalid({"outcome": [_("Say why, so that the next one like it goes better.")]})
        with transaction() as session:
            edit_opportunity(
                session, actor, opportunity_ref, values, version=form.began_from, now=clock.now()
            )
    except Invalid as error:
        error.errors = {{"outcome_note": "note"}.get(k, k): v for k, v in error.errors.items()}
        show_errors(form, error)
        return _turn_page(editable(opportunity_ref), stage, form), 422
    except StaleEdit as error:
        form.form_errors = [*form.form_errors, str(error.message)]
        form.version.data = str(error.version)
        return _turn_page(editable(opportunity_ref), stage, form), 409
    said = {
        StageCategory.WON: _("It is won."),
        StageCategory.LOST: _("It is lost."),
        StageCategory.OPEN: _("It is open again."),
    }
    flash(said[stage.category], "success")
    return _back(opportunity_ref, request.form.get("from", ""))


def _turn_page(detail: OpportunityDetail, stage: OpportunityStage, form: TurnForm) -> str:
    session = db.session()
    form.offer(list_stages(session), list_outcomes(session), stage.category)
    return render_template(
        "opportunities/turn.html",
        page_ref=detail.opportunity.ref,
        opportunity=detail.opportunity,
        form=form,
        stage=stage,
        origin=request.values.get("from", ""),
        given=_carried(),
    )


# Who takes part


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/contacts")
@needs(Permission.OPPORTUNITY_EDIT)
@once
def add_contact(opportunity_ref: str) -> ResponseReturnValue:
    """Give a contact a part in it."""
    actor, form = current_actor(), PartForm()
    text = str(form.contact.data or "").strip()
    try:
        with transaction() as session:
            opportunity = get_opportunity(session, actor, opportunity_ref)
            account = opportunity.account_id
            found = contacts_meant(session, actor, text, str(form.contact_ref.data or ""), account)
            if not text or not found:
                raise Invalid({"contact": [_("There is no contact called “%(text)s”.", text=text[:60])]})
            if len(found) > 1:
                raise Invalid({"contact": [_("Several contacts can be meant. Type the whole name.")]})
            add_part(session, actor, opportunity_ref, found[0][0], form.role.data, now=clock.now())
    except Invalid as error:
        error.errors = {{"contact_id": "contact"}.get(k, k): v for k, v in error.errors.items()}
        show_errors(form, error)
        return show_page(opportunity_ref, form), 422
    flash(_("Saved."), "success")
    return redirect(url_for("opportunities.show", opportunity_ref=opportunity_ref, _anchor="people"), 303)


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/contacts/<ref('ocr'):part_ref>/remove")
@needs(Permission.OPPORTUNITY_EDIT)
@once
def end_contact(opportunity_ref: str, part_ref: str) -> ResponseReturnValue:
    """Take a contact out of it."""
    with transaction() as session:
        remove_part(session, current_actor(), opportunity_ref, part_ref, now=clock.now())
    flash(_("They have no part in it any more."), "success")
    return redirect(url_for("opportunities.show", opportunity_ref=opportunity_ref, _anchor="people"), 303)


# Needs


@bp.post("/accounts/<ref('acct'):account_ref>/interests/<ref('int'):interest_ref>/opportunity")
@needs(Permission.OPPORTUNITY_CREATE)
@once
def from_need(account_ref: str, interest_ref: str) -> ResponseReturnValue:
    """Make an opportunity of an account's unmet need."""
    with transaction() as session:
        opportunity = turn_need(session, current_actor(), account_ref, interest_ref, now=clock.now())
    flash(_("It is an opportunity now: say what it is worth and when it is decided."), "success")
    return redirect(url_for("opportunities.show", opportunity_ref=opportunity.ref), 303)
