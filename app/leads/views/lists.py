"""A list of leads taken out as a file."""

from flask import request
from flask.typing import ResponseReturnValue

from app.fields.catalogue import catalogue
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.export import export_lines, record_export, whole_only
from app.leads.views.blueprint import bp
from app.leads.views.listing import read_query
from app.web.access import current_actor, needs
from app.web.streams import stream_csv


@bp.post("/leads/export")
@needs(Permission.LEAD_EXPORT)
def export() -> ResponseReturnValue:
    """The list as a CSV file, with the filters of the address; recorded."""
    actor = current_actor()
    query, complaints = read_query(actor, request.args, catalogue(db.session()).seen(actor, "lead"))
    if complaints:
        raise Invalid({"": complaints})
    query = whole_only(query)
    with transaction() as session:
        record_export(session, actor, query, now=clock.now())
    return stream_csv("leads.csv", lambda session: export_lines(session, actor, query))
