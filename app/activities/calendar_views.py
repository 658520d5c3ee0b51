"""The calendar feed at its secret address, and the page on which somebody makes, renews and revokes theirs."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from app.activities.calendar import write_calendar
from app.identity.calendar_address import (
    USED_EVERY,
    find_actor_by_calendar,
    find_address,
    note_used,
    renew_address,
    revoke_address,
)
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import NotFound
from app.settings import current_settings
from app.web.access import current_actor, needs, public
from app.web.limits import CALENDAR, limiter

bp = Blueprint("calendar", __name__)


@bp.get("/profile/calendar")
@needs(Permission.PROFILE_EDIT)
def show() -> ResponseReturnValue:
    """Whether there is an address, since when, and when it was last asked for."""
    return _page()


@bp.post("/profile/calendar")
@needs(Permission.PROFILE_EDIT)
def renew() -> ResponseReturnValue:
    """Make an address and show it, this once; an older one ends."""
    with transaction() as session:
        actor = current_actor()
        secret = renew_address(session, actor, session.get_one(User, actor.user_id), now=clock.now())
    # Not after a redirect: the secret is kept nowhere, not even in a cookie.
    return _page(f"{current_settings().base_url}{url_for('calendar.feed', feed_token=secret)}")


@bp.post("/profile/calendar/revoke")
@needs(Permission.PROFILE_EDIT)
def revoke() -> ResponseReturnValue:
    with transaction() as session:
        actor = current_actor()
        revoke_address(session, actor, session.get_one(User, actor.user_id), now=clock.now())
    flash(_("The address is revoked. Calendars that have it get nothing any more."), "success")
    return redirect(url_for("calendar.show"), 303)


def _page(address: str = "") -> str:
    row = find_address(db.session(), current_actor().user_id or 0)
    return render_template("activities/calendar.html", row=row, address=address)


@bp.get("/calendar/<feed_token>.ics")
@limiter.limit(CALENDAR)
@public  # calendar programs send no cookie: whoever has the secret address reads what its person may see now
def feed(feed_token: str) -> ResponseReturnValue:
    """The calendar of whoever the address belongs to.  Like no address at all where they may not act any more."""
    session, now = db.session(), clock.now()
    found = find_actor_by_calendar(session, feed_token)
    if found is None:
        raise NotFound("calendar", "")
    actor, row = found
    settings = current_settings()
    with force_locale(actor.language):
        content = write_calendar(
            session,
            actor,
            name=f"Canal · {actor.name}",
            base_url=settings.base_url,
            host=urlsplit(settings.base_url).hostname or "canal",
            tasks_as_events=request.args.get("tasks") == "events",
            now=now,
        )
    if row.last_used_at is None or row.last_used_at < now - USED_EVERY:  # else without SQLite's write lock
        with transaction() as writing:
            note_used(writing, row.user_id, now=now)
    return Response(
        content,
        mimetype="text/calendar",
        headers={"Cache-Control": "private, no-store", "Content-Disposition": 'inline; filename="canal.ics"'},
    )
