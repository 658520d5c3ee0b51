"""The board of leads, and moving a card on it."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.board import read_board
from app.leads.choices import find_status_id, status_name
from app.leads.models import LeadStatus, StatusCategory
from app.leads.operations import edit_lead
from app.leads.queries import get_lead
from app.leads.rows import LeadRow
from app.leads.views.blueprint import bp
from app.leads.views.carried import carried, to_board
from app.leads.views.qualifying import what_is_missing
from app.lists.boards import Card, Column
from app.web.access import current_actor, needs


@bp.get("/leads/board")
@needs(Permission.LEAD_VIEW)
def board() -> ResponseReturnValue:
    """A column for each open status; filters as the list has them."""
    given = carried(request.args)
    actor = current_actor()
    columns = read_board(db.session(), actor, given)
    for column in columns:
        column.cards = [_card(actor, column, row, given) for row in column.rows]
        more: dict[str, Any] = {**given, "status": column.key}
        column.more_url = url_for("leads.index", **more)
    return render_template("leads/board.html", columns=columns, given=given)


def _card(actor: Actor, column: Column, row: LeadRow, given: dict[str, list[str]]) -> Card:
    may_move = (
        row.given >= Level.EDIT
        and not row.is_offered
        and any(key != column.key for key, _name in column.goes_to)
    )
    back: dict[str, Any] = {**given, "lead_ref": row.ref}
    url = url_for("leads.move_on_board", **back) if may_move and actor.can(Permission.LEAD_EDIT) else ""
    return Card(row.ref, row.title, url_for("leads.show", lead_ref=row.ref), row, url, ("was", column.key))


@bp.post("/leads/<ref('lead'):lead_ref>/board")
@needs(Permission.LEAD_EDIT)
def move_on_board(lead_ref: str) -> ResponseReturnValue:
    """Another status; one that closes it is asked about first.  What stands against it is said above the board."""
    session, actor = db.session(), current_actor()
    lead = get_lead(session, actor, lead_ref, Level.READ)
    status = session.get_one(LeadStatus, find_status_id(session, request.form.get("stage", "")))
    if status.category is StatusCategory.UNQUALIFIED:
        back: dict[str, Any] = {**carried(request.args), "status": status.key, "from": "board"}
        return redirect(url_for("leads.unqualify", lead_ref=lead_ref, **back), 303)
    title, before = lead.title_for(actor), session.get_one(LeadStatus, lead.status_id)
    was = request.form.get("was", "")
    if was not in ("", before.key, status.key):
        text = _("Somebody changed it a moment ago. Look at it as it is now, then do it again.")
        flash(f"{title}: {text}", "warning")
        return to_board(lead_ref)
    try:
        with transaction() as writing:
            edit_lead(writing, actor, lead_ref, {"status": status.id}, now=clock.now())
    except Invalid as error:
        session.rollback()
        flash(f"{title}: {what_is_missing(error)}", "warning")
    else:
        flash(_("“%(name)s” is %(status)s now.", name=title, status=status_name(status.name)), "success")
    return to_board(lead_ref)
