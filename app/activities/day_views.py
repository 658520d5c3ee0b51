"""My day: what one has to do, done with one press, and as a file."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.activities.day import LABELS, WHENS, DayQuery, ToDo, in_parts, list_day, read_day_query
from app.activities.fields import KINDS
from app.activities.forms import DAY_BEGINS
from app.activities.operations import edit_activity, finish_activity, reopen_activity
from app.activities.queries import get_activity
from app.events.operations import record
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel import clock, labels, refs
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.htmx import wants_fragment
from app.web.notices import flash_with_button
from app.web.streams import stream_csv

bp = Blueprint("my_day", __name__, url_prefix="/my-day")

ROWS_A_ROUND = 200
# To when something can be put off with one press, in days from today.
PUT_OFF = {"tomorrow": 1, "next_week": 7}
_NO_DATE = "none"
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


@bp.get("")
@needs(Permission.HOME_VIEW)
def index() -> ResponseReturnValue:
    """What the person has to do, the most pressing first."""
    session, actor = db.session(), current_actor()
    return render_template("activities/day.html", **_shown(session, actor, _query(actor)))


def _query(actor: Actor) -> DayQuery:
    return read_day_query(
        actor, kinds=request.args.getlist("kind"), when=request.args.get("when", ""), now=clock.now()
    )


def _shown(session: Session, actor: Actor, query: DayQuery) -> dict[str, Any]:
    page = list_day(session, actor, query, cursor=request.args.get("cursor"))
    given: dict[str, Any] = {"kind": [kind.value for kind in query.kinds], "when": query.when or None}
    older = url_for("my_day.index", cursor=page.older, **given) if page.older else ""
    return {
        "parts": in_parts(page.items),
        "kinds": KINDS,
        "whens": [(when, str(LABELS[when])) for when in WHENS],
        "query": query,
        "given": given,
        "here": {**given, "cursor": request.args.get("cursor")},
        "older_url": older,
        "is_filtered": bool(query.kinds or query.when),
        "may_log": actor.can(Permission.ACTIVITY_LOG),
    }


@bp.post("/<ref('act'):activity_ref>/finish")
@needs(Permission.ACTIVITY_LOG)
def finish(activity_ref: str) -> ResponseReturnValue:
    """Done; the list without it."""
    actor = current_actor()
    with transaction() as session:
        done = finish_activity(session, actor, activity_ref, now=clock.now())
    return _list(Said(_("Done: %(subject)s", subject=done.subject), done.ref))


@bp.post("/<ref('act'):activity_ref>/put-off")
@needs(Permission.ACTIVITY_LOG)
def put_off(activity_ref: str) -> ResponseReturnValue:
    """Put something off until tomorrow or next week, at the hour that it had."""
    actor, days = current_actor(), PUT_OFF.get(request.form.get("until", ""))
    if days is None:
        raise Invalid({"until": [_("Choose one of those that are offered.")]})
    with transaction() as session:
        query = read_day_query(actor, kinds=(), when="", now=clock.now())
        activity = get_activity(session, actor, activity_ref)
        zone, before = query.today.tzinfo, activity.due_at
        hour = activity.due_at.astimezone(zone).time() if activity.due_at else DAY_BEGINS
        due_at = (query.today + timedelta(days=days)).replace(hour=hour.hour, minute=hour.minute)
        edit_activity(session, actor, activity_ref, {"due_at": due_at}, now=clock.now())
    due = before.isoformat() if before is not None else _NO_DATE
    return _list(Said(_("Put off: %(subject)s", subject=activity.subject), activity.ref, due))


@bp.post("/<ref('act'):activity_ref>/undo")
@needs(Permission.ACTIVITY_LOG)
def undo(activity_ref: str) -> ResponseReturnValue:
    """Take back that something was done, or put off: then `due_at` of the address says when it was due."""
    actor, due = current_actor(), request.args.get("due_at")
    with transaction() as session:
        if due is None:
            activity = reopen_activity(session, actor, activity_ref, now=clock.now())
        else:
            values = {"due_at": _moment_of(due)}
            activity = edit_activity(session, actor, activity_ref, values, now=clock.now())
    return _list(Said(_("Undone: %(subject)s", subject=activity.subject)), at=activity.ref)


def _moment_of(due: str) -> datetime | None:
    try:
        return None if due == _NO_DATE else datetime.fromisoformat(due)
    except ValueError as error:
        raise Invalid({"due_at": [_("This is not a date that is understood.")]}) from error


@dataclass(frozen=True, slots=True)
class Said:
    """What has just been done.  undo_ref: public name of what it was done to, "" where nothing takes it back.

    due_at: when that was due before it was put off.
    """

    text: str
    undo_ref: str = ""
    due_at: str | None = None


def _list(said: Said, at: str = "") -> ResponseReturnValue:
    """The list again, as its address filters it.

    at: public name of the row that the person goes on with; by default the one that the form named as its next.
    """
    actor, at = current_actor(), at or request.form.get("next", "")
    query = _query(actor)
    if wants_fragment():
        shown = _shown(db.session(), actor, query)
        return render_template("activities/_day.html", said=said, at=at, **shown)
    given: dict[str, Any] = {"kind": [kind.value for kind in query.kinds], "when": query.when or None}
    if said.undo_ref:
        url = url_for("my_day.undo", activity_ref=said.undo_ref, due_at=said.due_at, **given)
        flash_with_button(said.text, url, _("Undo"))
    else:
        flash(said.text, "success")
    anchor = at if refs.is_ref(refs.ACTIVITY, at) else None
    return redirect(url_for("my_day.index", cursor=request.args.get("cursor"), _anchor=anchor, **given), 303)


@bp.post("/export")
@needs(Permission.HOME_VIEW)
def export() -> ResponseReturnValue:
    """The list as a CSV file, with the filters of the address; recorded."""
    actor = current_actor()
    query = _query(actor)
    with transaction() as session:
        user = session.get_one(User, actor.user_id)
        chosen = {"kind": [kind.value for kind in query.kinds], "when": query.when}
        detail = {"object": "activity", "filter": {name: given for name, given in chosen.items() if given}}
        record(session, actor, verb="exported", subject=user, at=clock.now(), detail=detail)
    heads = (
        _("Kind"),
        _("Subject"),
        _("Due"),
        _("Until"),
        _("Place"),
        _("About"),
        _("What it is about"),
        _("Text"),
    )

    def lines(session: Session) -> Iterator[str]:
        yield _BYTE_ORDER_MARK + _line([str(head) for head in heads])
        cursor: str | None = None
        while True:
            page = list_day(session, actor, query, cursor=cursor, limit=ROWS_A_ROUND)
            yield "".join(_line(_cells(item)) for item in page.items)
            session.expunge_all()
            cursor = page.older
            if cursor is None:
                return

    return stream_csv("my-day.csv", lines)


def _cells(item: ToDo) -> list[str | None]:
    activity = item.activity
    moments = [m.isoformat() if m is not None else "" for m in (activity.due_at, activity.ends_at)]
    about = [labels.one(item.on.kind), item.on.name] if item.on else ["", ""]
    return [
        str(KINDS[activity.kind].label),
        activity.subject,
        *moments,
        activity.place,
        *about,
        activity.text,
    ]


def _line(cells: Sequence[str | None]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([neutralise(cell or "") for cell in cells])
    return text.getvalue()
