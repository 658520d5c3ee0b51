"""Setup > Mail: what became of every mail, trying failed ones again, holding and resuming sending."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.notifications.delivery_queries import TROUBLE, count_deliveries, list_deliveries
from app.notifications.models import DeliveryState
from app.notifications.outbox_acts import hold_sending, release_sending, retry_delivery
from app.notifications.outcomes import in_words
from app.notifications.words import KIND_NAMES, STATE_NAMES, WAY_NAMES
from app.web.access import current_actor, needs

bp = Blueprint("deliveries", __name__, url_prefix="/setup/deliveries")


@bp.get("")
@needs(Permission.DELIVERY_MANAGE)
def index() -> ResponseReturnValue:
    """The outbox, those first that need somebody."""
    session, actor = db.session(), current_actor()
    state = request.args.get("state", TROUBLE)
    known = {TROUBLE, "all", *STATE_NAMES}
    state = state if state in known else "all"
    states = [] if state == "all" else [state]
    record = request.args.get("record") or None
    page = list_deliveries(session, actor, states, record=record, cursor=request.args.get("cursor"))
    return render_template(
        "notifications/deliveries.html",
        page=page,
        state=state,
        record=record,
        way_names=WAY_NAMES,
        troubles=count_deliveries(session, actor, TROUBLE),
        due=count_deliveries(session, actor, DeliveryState.DUE),
        held_at=get_organisation(session).sending_held_at,
        kind_names=KIND_NAMES,
        state_names=STATE_NAMES,
        in_words=in_words,
        now=clock.now(),
    )


@bp.post("/<ref('dlv'):delivery_ref>/retry")
@needs(Permission.DELIVERY_MANAGE)
def retry(delivery_ref: str) -> ResponseReturnValue:
    """Try a failed mail again."""
    with transaction() as session:
        delivery = retry_delivery(session, current_actor(), delivery_ref, now=clock.now())
    flash(_("The mail to %(address)s is tried again.", address=delivery.recipient), "success")
    return redirect(url_for("deliveries.index"), 303)


@bp.post("/hold")
@needs(Permission.SETTING_MANAGE)
def hold() -> ResponseReturnValue:
    """Stop sending."""
    with transaction() as session:
        hold_sending(session, current_actor(), now=clock.now())
    flash(_("Sending is on hold. What is due waits."), "success")
    return redirect(url_for("deliveries.index"), 303)


@bp.post("/release")
@needs(Permission.SETTING_MANAGE)
def release() -> ResponseReturnValue:
    """Send again."""
    with transaction() as session:
        release_sending(session, current_actor(), now=clock.now())
    flash(_("Sending is resumed."), "success")
    return redirect(url_for("deliveries.index"), 303)
