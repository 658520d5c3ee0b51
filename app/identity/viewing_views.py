"""Looking at Canal as somebody else: begin, and stop."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.identity.viewing import start_viewing, stop_viewing
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import transaction
from app.kernel.errors import Conflict
from app.web.access import current_actor, needs

bp = Blueprint("viewing", __name__)


@bp.post("/setup/users/<ref('user'):user_ref>/view-as")
@needs(Permission.USER_MANAGE)
def start(user_ref: str) -> ResponseReturnValue:
    """From here on every page is as the user sees it."""
    try:
        with transaction() as session:
            start_viewing(session, current_actor(), user_ref, now=clock.now())
    except Conflict as error:
        flash(str(error.message), "error")
        return redirect(url_for("users.show", user_ref=user_ref), 303)
    return redirect(url_for("home.index"), 303)


@bp.post("/stop-viewing")
@needs(Permission.PROFILE_EDIT)
def stop() -> ResponseReturnValue:
    """Be oneself again."""
    with transaction() as session:
        user = stop_viewing(session, current_actor(), now=clock.now())
    if user is None:
        return redirect(url_for("home.index"), 303)
    flash(_("You are yourself again."), "success")
    return redirect(url_for("users.show", user_ref=user.ref), 303)
