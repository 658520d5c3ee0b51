"""What routing could not do as it was told."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.routing.alerts import list_alerts, resolve_alert
from app.routing.trace import alert_words
from app.web.access import current_actor, needs

bp = Blueprint("alerts", __name__, url_prefix="/setup/routing-alerts")
bp.add_app_template_global(alert_words, "alert_words")


@bp.get("")
@needs(Permission.ROUTING_MANAGE)
def index() -> ResponseReturnValue:
    return render_template("routing/alerts.html", alerts=list_alerts(db.session(), current_actor()))


@bp.post("/<int:alert_id>/resolve")
@needs(Permission.ROUTING_MANAGE)
def resolve(alert_id: int) -> ResponseReturnValue:
    with transaction() as session:
        resolve_alert(session, current_actor(), alert_id, now=clock.now())
    flash(_("Put aside. It comes back if it happens again."), "success")
    return redirect(url_for("alerts.index"), 303)
