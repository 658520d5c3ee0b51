"""The list of sources, and lists of leads taken out as a file."""

from flask import Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.export import export_lines, record_export, whole_only
from app.leads.forms import SourceForm
from app.leads.queries import list_sources
from app.leads.sources import add_source, rename_source, set_source_use
from app.leads.views.blueprint import bp
from app.leads.views.listing import read_query
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors


@bp.post("/leads/export")
@needs(Permission.LEAD_EXPORT)
def export() -> ResponseReturnValue:
    """The list as a CSV file, with the filters of the address; recorded."""
    actor = current_actor()
    query, complaints = read_query(actor, request.args)
    if complaints:
        raise Invalid({"": complaints})
    query = whole_only(query)
    with transaction() as session:
        record_export(session, actor, query, now=clock.now())
    response = Response(stream_with_context(export_lines(db.session(), actor, query)), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="leads.csv"'
    return response


@bp.get("/leads/sources")
@needs(Permission.SOURCE_MANAGE)
def sources() -> ResponseReturnValue:
    return _sources_page(SourceForm(formdata=None))


@bp.post("/leads/sources")
@needs(Permission.SOURCE_MANAGE)
def create_source() -> ResponseReturnValue:
    form = SourceForm()
    try:
        with transaction() as session:
            source = add_source(session, current_actor(), form.name.data, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _sources_page(form), 422
    flash(_("“%(name)s” is in the list.", name=source.name), "success")
    return redirect(url_for("leads.sources"), 303)


@bp.post("/leads/sources/<ref('item'):source_ref>")
@needs(Permission.SOURCE_MANAGE)
def save_source(source_ref: str) -> ResponseReturnValue:
    """Rename a source."""
    form = SourceForm()
    try:
        with transaction() as session:
            rename_source(session, current_actor(), source_ref, form.name.data, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return _sources_page(SourceForm(formdata=None), refused=source_ref, refused_form=form), 422
    flash(_("Saved."), "success")
    return redirect(url_for("leads.sources"), 303)


@bp.post("/leads/sources/<ref('item'):source_ref>/use")
@needs(Permission.SOURCE_MANAGE)
def use_source(source_ref: str) -> ResponseReturnValue:
    """Offer it to new leads, or no longer."""
    in_use = request.form.get("in_use") == "yes"
    with transaction() as session:
        set_source_use(session, current_actor(), source_ref, in_use=in_use, now=clock.now())
    return redirect(url_for("leads.sources"), 303)


def _sources_page(form: SourceForm, refused: str = "", refused_form: SourceForm | None = None) -> str:
    return render_template(
        "leads/sources.html",
        form=form,
        sources=list_sources(db.session(), active_only=False),
        refused=refused,
        refused_form=refused_form,
    )
