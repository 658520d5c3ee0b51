"""The list of leads: everything that internal people see, a partner's own, their team's and previews."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.kernel.actor import Permission
from app.kernel.db import db
from app.leads.views.blueprint import bp
from app.leads.views.listing import read_listing
from app.web.access import current_actor, needs


@bp.get("/leads")
@needs(Permission.LEAD_VIEW)
def index() -> ResponseReturnValue:
    session, actor = db.session(), current_actor()
    listing = read_listing(session, actor, request.path, request.args)
    return render_template("leads/index.html", listing=listing), 422 if listing.complaints else 200
