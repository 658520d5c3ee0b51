"""The list of leads: everything that internal people see, a partner's own, their team's and previews."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.kernel.actor import Permission
from app.kernel.db import db
from app.leads.views.blueprint import bp
from app.leads.views.carried import carried
from app.lists.page import open_list
from app.web.access import current_actor, needs


@bp.get("/leads")
@needs(Permission.LEAD_VIEW)
def index() -> ResponseReturnValue:
    """The leads that the person may see, the newest first unless sorted otherwise."""
    page = open_list(db.session(), current_actor(), "lead")
    return render_template(
        "leads/index.html", list=page, board_filters=carried(request.args)
    ), 422 if page.error else 200
