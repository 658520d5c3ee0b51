"""The board of leads, and moving a card on it."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.kernel import clock
from app.kernel.actor import Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.board import read_board
from app.leads.choices import find_status_id, status_name
from app.leads.models import LeadStatus, StatusCategory
from app.leads.operations import edit_lead
from app.leads.queries import get_lead
from app.leads.views.blueprint import bp
from app.leads.views.qualifying import what_is_missing
from app.web.access import current_actor, needs

# Of the list's filters those that the board takes over, and gives back.
OF_BOARD = ("q", "owner", "source", "campaign", "partner", "country", "product_interest", "box", "filter")


def carried(args: MultiDict[str, str]) -> dict[str, list[str]]:
    """The filters of an address that list and board have in common."""
    return {name: values for name in OF_BOARD if any(values := args.getlist(name))}


@bp.get("/leads/board")
@needs(Permission.LEAD_VIEW)
def board() -> ResponseReturnValue:
    """A column for each open status; filters as the list has them."""
    given = carried(request.args)
    columns = read_board(db.session(), current_actor(), given)
    return render_template("leads/board.html", columns=columns, given=given)


@bp.post("/leads/<ref('lead'):lead_ref>/board")
@needs(Permission.LEAD_EDIT)
def move_on_board(lead_ref: str) -> ResponseReturnValue:
    """Another status; one that closes it is asked about first.  What stands against it is said above the board."""
    session, actor = db.session(), current_actor()
    lead = get_lead(session, actor, lead_ref, Level.READ)
    status = session.get_one(LeadStatus, find_status_id(session, request.form.get("stage", "")))
    if status.category is StatusCategory.UNQUALIFIED:
        return redirect(url_for("leads.unqualify", lead_ref=lead_ref, status=status.key), 303)
    title, before = lead.title_for(actor), session.get_one(LeadStatus, lead.status_id)
    was = request.form.get("was", "")
    if was not in ("", before.key, status.key):
        text = _("Somebody changed it a moment ago. Look at it as it is now, then do it again.")
        flash(f"{title}: {text}", "warning")
        return _back(lead_ref)
    try:
        with transaction() as writing:
            edit_lead(writing, actor, lead_ref, {"status": status.id}, now=clock.now())
    except Invalid as error:
        session.rollback()
        flash(f"{title}: {what_is_missing(error)}", "warning")
    else:
        flash(_("“%(name)s” is %(status)s now.", name=title, status=status_name(status.name)), "success")
    return _back(lead_ref)


def _back(lead_ref: str) -> ResponseReturnValue:
    given = carried(MultiDict(request.args))
    return redirect(url_for("leads.board", **given, _anchor=lead_ref), 303)  # type: ignore[arg-type]  # lists of values
