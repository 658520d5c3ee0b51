"""Imports on screen: upload, columns, check, progress, result."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.queries import get_organisation
from app.intake import operations
from app.intake.checks import Check, check_table, split_names
from app.intake.files import LARGEST_UPLOAD, remove_file
from app.intake.forms import COLUMN, OptionsForm, UploadForm, chosen_mapping, field_groups, kind_name
from app.intake.manner import LEAD, best_match, kinds_for
from app.intake.models import Import, ImportState
from app.intake.plans import find_day_first
from app.intake.queries import REFUSED, WARNING, IssueGroup, get_import, issue_groups, list_imports
from app.intake.record_values import ID
from app.intake.remembered import find_remembered, forget, remember
from app.intake.reports import rejected_csv, warnings_csv
from app.intake.tables import NotATable, open_table
from app.intake.targets import Targets
from app.intake.uploads import path_of, read_sheet, receive_file, suggest_fields
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import Conflict, Invalid
from app.leads.models import LeadSource
from app.settings import current_settings
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment
from app.web.streams import stream_csv
from app.web.uploads import takes_imports

bp = Blueprint("intake", __name__, url_prefix="/imports")

# Rows tried before the start: enough to see what is wrong with a file, in about a second.
CHECKED_ROWS = 2000
SHOWN_TARGETS = 30


@bp.get("")
@needs(Permission.ACCOUNT_IMPORT)
def index() -> ResponseReturnValue:
    """Imports, newest first."""
    page = list_imports(db.session(), current_actor(), request.args.get("cursor"))
    return render_template(
        "intake/index.html", page=page, newer=_page(page.newer), older=_page(page.older), kind_name=kind_name
    )


def _page(cursor: str | None) -> str:
    return url_for("intake.index", cursor=cursor) if cursor else ""


def _kind() -> str:
    """What the rows are that somebody comes to import."""
    kind, known = request.args.get("kind", ""), kinds_for(current_actor())
    return kind if kind in known else known[0]


@bp.get("/new")
@needs(Permission.ACCOUNT_IMPORT)
def new() -> ResponseReturnValue:
    """The form that takes a file."""
    return render_template(
        "intake/new.html", form=UploadForm(formdata=None, kind=_kind()), largest=LARGEST_UPLOAD
    )


@bp.post("/new")
@needs(Permission.ACCOUNT_IMPORT)
@takes_imports
def upload() -> ResponseReturnValue:
    """Keep the file and go on to its columns."""
    form, actor = UploadForm(), current_actor()
    file = form.file.data
    try:
        if file is None or not file.filename:
            raise Invalid({"file": [_("Choose a file first.")]})
        if not form.validate():
            raise Invalid
        kind = form.kind.data
        import_ = receive_file(actor, file.stream, file.filename, kind=kind, now=clock.now())
    except Invalid as error:
        show_errors(form, error)
        return render_template("intake/new.html", form=form, largest=LARGEST_UPLOAD), 422
    return redirect(url_for("intake.columns", import_ref=import_.ref), 303)


@bp.get("/<ref('imp'):import_ref>/map")
@needs(Permission.ACCOUNT_IMPORT)
def columns(import_ref: str) -> ResponseReturnValue:
    """Each column with samples and the field it holds."""
    session, actor = db.session(), current_actor()
    import_ = get_import(session, actor, import_ref)
    if import_.state is not ImportState.DRAFT:
        return redirect(url_for("intake.show", import_ref=import_.ref), 303)
    kind, options, chosen_at = import_.object, import_.options, None
    mapping, choices = import_.mapping, options
    if not mapping:
        known = find_remembered(session, actor, kind, options["headers"])
        if known is not None:
            mapping, choices, chosen_at = known
        else:
            form, headers = options.get("form", ""), options["headers"]
            mapping, choices = suggest_fields(kind, form, headers, options["samples"]), {}
    match = choices.get("match") or best_match(kind, set(mapping.values())).value
    data = {"source": choices.get("source") or "", "match": match}
    data |= {name: choices[name] for name in ("mode", "clears", "unknown") if choices.get(name)}
    return _columns_page(
        import_, mapping, OptionsForm(formdata=None, kind=kind, data=data), chosen_at=chosen_at
    )


@bp.post("/<ref('imp'):import_ref>/sheet")
@needs(Permission.ACCOUNT_IMPORT)
def choose_sheet(import_ref: str) -> ResponseReturnValue:
    """Turn to another sheet of the workbook; its columns are chosen anew."""
    try:
        read_sheet(current_actor(), import_ref, request.form.get("sheet", ""))
    except NotATable as error:
        flash(str(error.message), "error")
    return redirect(url_for("intake.columns", import_ref=import_ref), 303)


@bp.post("/<ref('imp'):import_ref>/forget")
@needs(Permission.ACCOUNT_IMPORT)
def forget_columns(import_ref: str) -> ResponseReturnValue:
    """Forget what was chosen for the same columns before, and begin with what their names suggest."""
    actor = current_actor()
    with transaction() as session:
        import_ = get_import(session, actor, import_ref, for_update=True)
        if import_.state is not ImportState.DRAFT:
            raise Conflict(_("This import has been started. Its columns cannot be changed any more."))
        forget(session, actor, import_.object, import_.options["headers"])
    return redirect(url_for("intake.columns", import_ref=import_ref), 303)


def _columns_page(
    import_: Import,
    mapping: dict[str, str | None],
    form: OptionsForm,
    errors: dict[str, Any] | None = None,
    *,
    chosen_at: datetime | None = None,
) -> str:
    session = db.session()
    return render_template(
        "intake/map.html",
        page_ref=import_.ref,
        import_=import_,
        mapping=mapping,
        groups=field_groups(import_.object),
        column=COLUMN,
        form=form,
        errors=errors or {},
        chosen_at=chosen_at,
        kind_name=kind_name(import_.object),
        sources=session.scalars(
            select(LeadSource.name).where(LeadSource.is_active).order_by(LeadSource.position, LeadSource.id)
        ).all(),
        zone=get_organisation(session).time_zone,
        has_lead_ids=import_.object == LEAD and ID.name in mapping.values(),
    )


@bp.post("/<ref('imp'):import_ref>/map")
@needs(Permission.ACCOUNT_IMPORT)
def choose_columns(import_ref: str) -> ResponseReturnValue:
    """Keep the mapping and try the first rows with it."""
    actor = current_actor()
    draft = get_import(db.session(), actor, import_ref)
    form, kind = OptionsForm(kind=draft.object), draft.object
    mapping = chosen_mapping(draft.options["headers"], request.form)
    try:
        if not form.validate():
            raise Invalid
        form.require_match(kind, set(mapping.values()))
        with transaction() as session:
            options, now = form.choices(kind), clock.now()
            import_ = operations.map_columns(session, actor, import_ref, mapping, options, now=now)
            remember(session, actor, kind, import_.mapping, options, now=now)
        _try(import_)
    except Invalid as error:
        db.session().rollback()
        draft = get_import(db.session(), actor, import_ref)
        return _columns_page(draft, mapping, form, error.errors), 422
    return redirect(url_for("intake.check", import_ref=import_ref), 303)


def _try(import_: Import) -> None:
    """Find out what would become of the first rows, and keep that with the import."""
    actor, ref = current_actor(), import_.ref
    let_go()
    table = open_table(path_of(import_), sheet=import_.options.get("sheet") or None)
    day_first = find_day_first(table, import_.mapping, import_.object)
    options = {**import_.options, "day_first": day_first}
    trial = Import(object=import_.object, mapping=import_.mapping, options=options, done=0)
    check = Check()
    for check, _taken in check_table(actor, trial, table, limit=CHECKED_ROWS):  # noqa: B007 - the last one is kept
        pass
    names = split_names(table, import_.mapping)
    with transaction() as session:
        import_ = get_import(session, actor, ref, for_update=True)
        found = {**check.to_json(), "names": names, "at": clock.now().isoformat()}
        import_.options = {**import_.options, "day_first": day_first, "check": found}


@bp.get("/<ref('imp'):import_ref>/check")
@needs(Permission.ACCOUNT_IMPORT)
def check(import_ref: str) -> ResponseReturnValue:
    """What the import would do, before it does it."""
    session = db.session()
    import_ = get_import(session, current_actor(), import_ref)
    if import_.state is not ImportState.DRAFT:
        return redirect(url_for("intake.show", import_ref=import_.ref), 303)
    if "check" not in import_.options:
        return redirect(url_for("intake.columns", import_ref=import_.ref), 303)
    return _check_page(import_)


def _check_page(import_: Import) -> str:
    found = import_.options["check"]
    return render_template(
        "intake/check.html",
        page_ref=import_.ref,
        import_=import_,
        found=found,
        targets=Targets(found["targets"]).most(),
        refusals=[IssueGroup(*group) for group in found["refusals"]],
        warned=[IssueGroup(*group) for group in found["warned"]],
        before=operations.find_imported_before(db.session(), current_actor(), import_),
    )


@bp.post("/<ref('imp'):import_ref>/start")
@needs(Permission.ACCOUNT_IMPORT)
def start(import_ref: str) -> ResponseReturnValue:
    """Let the worker take the rows in."""
    again = request.form.get("again") == "1"
    try:
        with transaction() as session:
            operations.start_import(session, current_actor(), import_ref, again=again, now=clock.now())
    except operations.AlreadyImported as error:
        flash(str(error.message), "warning")
        return redirect(url_for("intake.check", import_ref=import_ref), 303)
    return redirect(url_for("intake.show", import_ref=import_ref), 303)


@bp.get("/<ref('imp'):import_ref>")
@needs(Permission.ACCOUNT_IMPORT)
def show(import_ref: str) -> ResponseReturnValue:
    """How far an import is, or what became of it.  While it runs the page asks for its fragment."""
    session = db.session()
    import_ = get_import(session, current_actor(), import_ref)
    if import_.state is ImportState.DRAFT:
        return redirect(url_for("intake.columns", import_ref=import_.ref), 303)
    template = "intake/_state.html" if wants_fragment() else "intake/show.html"
    return render_template(
        template,
        page_ref=import_.ref,
        import_=import_,
        targets=Targets(import_.options.get("targets", ())).most()[:SHOWN_TARGETS],
        refusals=issue_groups(session, import_, REFUSED),
        warned=issue_groups(session, import_, WARNING),
        progress=_progress(import_),
    )


def _progress(import_: Import) -> str:
    if import_.state is ImportState.WAITING:
        return _("Waiting to begin")
    return ngettext("%(num)s row taken", "%(num)s rows taken", import_.done)


@bp.post("/<ref('imp'):import_ref>/cancel")
@needs(Permission.ACCOUNT_IMPORT)
def cancel(import_ref: str) -> ResponseReturnValue:
    """Stop an import, or throw a file away that was not begun."""
    actor = current_actor()
    with transaction() as session:
        import_ = operations.cancel_import(session, actor, import_ref, now=clock.now())
    remove_file(current_settings().data, import_.path)
    if import_.done == 0:
        flash(_("The import was cancelled. Nothing was taken in."), "info")
        return redirect(url_for("intake.index"), 303)
    return redirect(url_for("intake.show", import_ref=import_ref), 303)


@bp.post("/<ref('imp'):import_ref>/resume")
@needs(Permission.ACCOUNT_IMPORT)
def resume(import_ref: str) -> ResponseReturnValue:
    """Go on with an import that has failed."""
    with transaction() as session:
        import_ = get_import(session, current_actor(), import_ref, for_update=True)
        if import_.state is not ImportState.FAILED or not path_of(import_).exists():
            raise Conflict(_("This import cannot go on. Upload the file again."))
        operations.resume_import(session, current_actor(), import_, now=clock.now())
    return redirect(url_for("intake.show", import_ref=import_ref), 303)


@bp.get("/<ref('imp'):import_ref>/rejected.csv")
@needs(Permission.ACCOUNT_IMPORT)
def rejected(import_ref: str) -> ResponseReturnValue:
    """The refused rows, with line numbers and reasons."""
    import_ = get_import(db.session(), current_actor(), import_ref)
    return _csv(rejected_csv, import_, f"{import_.filename}.rejected.csv")


@bp.get("/<ref('imp'):import_ref>/warnings.csv")
@needs(Permission.ACCOUNT_IMPORT)
def warnings(import_ref: str) -> ResponseReturnValue:
    """The warnings, with line numbers."""
    import_ = get_import(db.session(), current_actor(), import_ref)
    return _csv(warnings_csv, import_, f"{import_.filename}.warnings.csv")


def _csv(rows: Callable[[Session, Import], Iterator[str]], import_: Import, filename: str) -> Response:
    # Without the mark spreadsheets take UTF-8 for something else.
    return stream_csv(filename, lambda session: chain(["\ufeff"], rows(session, import_)))
