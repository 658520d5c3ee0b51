"""Who was told of a lead, as a page and as a part of the lead's own page."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db
from app.leads.queries import get_lead
from app.notifications.outcomes import in_words
from app.notifications.told import list_told
from app.notifications.words import KIND_NAMES, STATE_NAMES, WAY_NAMES
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment

bp = Blueprint("told", __name__)
SHOWN_IN_PANEL = 5


@bp.get("/leads/<ref('lead'):lead_ref>/told")
@needs(Permission.DELIVERY_VIEW)
def lead(lead_ref: str) -> ResponseReturnValue:
    """Who was told of the lead, when, what and how."""
    session, actor = db.session(), current_actor()
    found = get_lead(session, actor, lead_ref)
    in_panel = wants_fragment()
    page = list_told(
        session,
        actor,
        found,
        cursor=None if in_panel else request.args.get("cursor"),
        **({"limit": SHOWN_IN_PANEL} if in_panel else {}),
    )
    return render_template(
        "notifications/_told.html" if in_panel else "notifications/told.html",
        lead=found,
        page=page,
        kind_names=KIND_NAMES,
        state_names=STATE_NAMES,
        way_names=WAY_NAMES,
        in_words=in_words,
        now=clock.now(),
    )
