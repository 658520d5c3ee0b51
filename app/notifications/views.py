"""The bell's page: what a person was told, and marking it as read."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.notifications.bell import mark_all_read, mark_read
from app.notifications.queries import get_notice, list_notices
from app.web.access import current_actor, needs
from app.web.frame import frame_counts
from app.web.htmx import wants_fragment

bp = Blueprint("notifications", __name__)


@bp.get("/notifications")
@needs(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    """What the person was told, newest first."""
    unread_only = request.args.get("show") == "unread"
    page = list_notices(
        db.session(), current_actor(), unread_only=unread_only, cursor=request.args.get("cursor")
    )
    # The page has the number in its frame, a fragment has no frame.
    counted = {"unread_count": frame_counts(current_actor()).get("unread", 0)} if wants_fragment() else {}
    return render_template("notifications/index.html", page=page, unread_only=unread_only, **counted)


@bp.post("/notifications/<ref('note'):notice_ref>/read")
@needs(Permission.HOME_VIEW)
def read(notice_ref: str) -> ResponseReturnValue:
    """Mark one as read."""
    with transaction() as session:
        mark_read(session, current_actor(), notice_ref, now=clock.now())
    if wants_fragment():
        notice = get_notice(db.session(), current_actor(), notice_ref)
        return render_template("notifications/_notice.html", notice=notice)
    return redirect(url_for("notifications.index"), 303)


@bp.post("/notifications/<ref('note'):notice_ref>/open")
@needs(Permission.HOME_VIEW)
def open_record(notice_ref: str) -> ResponseReturnValue:
    """Mark one as read and go to what it is about."""
    with transaction() as session:
        notice = mark_read(session, current_actor(), notice_ref, now=clock.now())
    target = request.script_root + notice.path
    if wants_fragment():
        return "", 204, {"HX-Redirect": target}
    return redirect(target, 303)


@bp.post("/notifications/read")
@needs(Permission.HOME_VIEW)
def read_all() -> ResponseReturnValue:
    """Mark everything as read."""
    with transaction() as session:
        number = mark_all_read(session, current_actor(), now=clock.now())
    if number:
        flash(ngettext("Marked as read: %(num)s.", "Marked as read: %(num)s.", number), "success")
    return redirect(url_for("notifications.index"), 303)
