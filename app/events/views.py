"""Setup > Audit log: who did what to which record, when and from where; the same as a file."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.events.export import export_lines, record_export
from app.events.listing import read_listing, read_wanted
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.streams import stream_csv

bp = Blueprint("audit", __name__, url_prefix="/setup/audit-log")


@bp.get("")
@needs(Permission.EVENT_VIEW)
def index() -> ResponseReturnValue:
    """What happened, newest first, narrowed by the address."""
    listing = read_listing(db.session(), current_actor(), url_for("audit.index"), request.args)
    return render_template("events/index.html", listing=listing, is_first=not request.args.get("cursor"))


@bp.post("/export")
@needs(Permission.EVENT_VIEW)
def export() -> ResponseReturnValue:
    """The log as a CSV file, with the filters of the address; recorded."""
    actor = current_actor()
    with transaction() as session:
        wanted = read_wanted(session, request.args)
        if wanted.complaints:
            raise Invalid({"": list(wanted.complaints)})
        record_export(session, actor, wanted, now=clock.now())
    return stream_csv("audit-log.csv", lambda session: export_lines(session, actor, wanted))
