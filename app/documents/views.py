"""Documents: the list of all, those of a record, one of them, and its content."""

from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from app.accounts.models import Account, Contact
from app.accounts.pages import filters_given
from app.activities.places import place_of
from app.activities.queries import get_record
from app.cases.models import Case
from app.documents import listing, search  # noqa: F401 - the box knows of documents from here on
from app.documents.filters import DEFAULT_SORT, parse_document_query
from app.documents.forms import AttachForm, DetailsForm
from app.documents.names import safe_name
from app.documents.operations import (
    Attached,
    Outcome,
    add_version,
    attach_document,
    delete_document,
    edit_document,
    restore_document,
    restore_version,
)
from app.documents.panel import attaching_to, list_url, panel_of, record_url, size_words
from app.documents.queries import (
    get_version,
    list_versions,
    open_document,
    page_of_record,
)
from app.documents.serving import is_pdf, may_preview, send_version
from app.documents.uploads import receive_file
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, let_go, transaction
from app.kernel.errors import DomainError, Invalid, NotAllowed, NotFound, Stale
from app.leads.models import Lead
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.opportunities.models import Opportunity
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.htmx import wants_fragment
from app.web.notices import flash_with_button
from app.web.once import once
from app.web.security import FRAMING
from app.web.uploads import takes_documents

bp = Blueprint("documents", __name__)
bp.add_app_template_filter(size_words, "size_words")
bp.add_app_template_global(record_url, "record_url")

MOST_AT_ONCE = 50


@bp.get("/documents")
@needs(Permission.DOCUMENT_VIEW)
def index() -> ResponseReturnValue:
    """All documents that the person may read, the newest first unless sorted otherwise."""
    session, actor = db.session(), current_actor()
    page = open_list(session, actor, "document")
    attaching, form = attaching_to(session, actor, None), AttachForm(formdata=None)
    text = render_template("documents/index.html", list=page, attaching=attaching, form=form)
    return text, 422 if page.error else 200


@bp.post("/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def add_to_library() -> ResponseReturnValue:
    return _attach(None, "")


# Of a record


@bp.get("/leads/<ref('lead'):lead_ref>/documents")
@needs(Permission.LEAD_VIEW)
def of_lead(lead_ref: str) -> ResponseReturnValue:
    return _of(Lead, lead_ref)


@bp.get("/accounts/<ref('acct'):account_ref>/documents")
@needs(Permission.ACCOUNT_VIEW)
def of_account(account_ref: str) -> ResponseReturnValue:
    return _of(Account, account_ref)


@bp.get("/contacts/<ref('cont'):contact_ref>/documents")
@needs(Permission.CONTACT_VIEW)
def of_contact(contact_ref: str) -> ResponseReturnValue:
    return _of(Contact, contact_ref)


@bp.get("/cases/<ref('case'):case_ref>/documents")
@needs(Permission.CASE_VIEW)
def of_case(case_ref: str) -> ResponseReturnValue:
    return _of(Case, case_ref)


@bp.get("/opportunities/<ref('opp'):opportunity_ref>/documents")
@needs(Permission.OPPORTUNITY_VIEW)
def of_opportunity(opportunity_ref: str) -> ResponseReturnValue:
    return _of(Opportunity, opportunity_ref)


@bp.post("/leads/<ref('lead'):lead_ref>/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def attach_to_lead(lead_ref: str) -> ResponseReturnValue:
    return _attach(Lead, lead_ref)


@bp.post("/accounts/<ref('acct'):account_ref>/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def attach_to_account(account_ref: str) -> ResponseReturnValue:
    return _attach(Account, account_ref)


@bp.post("/contacts/<ref('cont'):contact_ref>/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def attach_to_contact(contact_ref: str) -> ResponseReturnValue:
    return _attach(Contact, contact_ref)


@bp.post("/cases/<ref('case'):case_ref>/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def attach_to_case(case_ref: str) -> ResponseReturnValue:
    return _attach(Case, case_ref)


@bp.post("/opportunities/<ref('opp'):opportunity_ref>/documents")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def attach_to_opportunity(opportunity_ref: str) -> ResponseReturnValue:
    return _attach(Opportunity, opportunity_ref)


def _of(model: Any, ref: str) -> ResponseReturnValue:
    """All documents of a record as a page; its panel for scripts that have just attached some."""
    session, actor = db.session(), current_actor()
    record = get_record(session, actor, model, ref)
    if wants_fragment() and "panel" in request.args:
        return render_template("documents/_panel.html", documents=panel_of(session, actor, record))
    given, sort = filters_given(listing.FILTERS), request.args.get("sort") or DEFAULT_SORT
    query = parse_document_query(session, actor, given, sort)
    place = place_of(record)
    return render_template(
        "documents/of_record.html",
        page=page_of_record(session, actor, record, query, cursor=request.args.get("cursor")),
        view=listing.document_list(request.path, given, sort, with_record=False),
        kind=place.kind,
        record_name=place.name(record, actor),
        back=record_url(place.kind, record.ref),
        attaching=attaching_to(session, actor, record),
        form=AttachForm(formdata=None),
    )


def _attach(model: Any, ref: str) -> ResponseReturnValue:
    """Take the files of a form, each by itself: what is wrong with one keeps no other from being attached."""
    actor, form = current_actor(), AttachForm()
    if model is not None:
        get_record(db.session(), actor, model, ref)  # before anything is stored
    elif actor.is_partner:
        raise NotAllowed
    files = [file for file in request.files.getlist("file") if file.filename][:MOST_AT_ONCE]
    if not files:
        raise Invalid({"file": [_("Choose a file.")]})
    told = [_attach_one(actor, model, ref, file, form) for file in files]
    if wants_fragment():
        [(text, tone, status)] = told[:1] if len(told) == 1 else [_together(told)]
        return render_template("documents/_outcome.html", text=text, tone=tone), status
    for text, tone, _status in told:
        flash(text, "error" if tone == "red" else "success" if tone == "green" else "info")
    record = get_record(db.session(), actor, model, ref) if model is not None else None
    return redirect(list_url(record), 303)


Told = tuple[str, str, int]


def _together(told: list[Told]) -> Told:
    return " ".join(text for text, _tone, _status in told), told[0][1], max(status for _t, _c, status in told)


def _attach_one(actor: Actor, model: Any, ref: str, file: FileStorage, form: AttachForm) -> Told:
    """(what became of the file, its tone, the status of an answer that tells only this)."""
    name = safe_name(file.filename)[-80:]
    try:
        received = receive_file(actor, file.stream, file.filename, now=clock.now())
        with transaction() as session:
            record = get_record(session, actor, model, ref) if model is not None else None
            attached = attach_document(
                session,
                actor,
                record,
                received,
                description=form.description.data,
                is_internal=bool(form.internal.data),
                tags=form.tags.data if actor.is_internal else None,
                as_version=bool(form.as_version.data),
                now=clock.now(),
            )
    except (NotFound, NotAllowed):
        raise
    except DomainError as error:
        let_go()
        return f"{name}: {_text(error)}", "red", error.status
    return _outcome(attached, received.name), "grey" if attached.outcome is Outcome.SAME else "green", 200


def _text(error: DomainError) -> str:
    if isinstance(error, Invalid) and not error.message:
        return " ".join(str(text) for texts in error.errors.values() for text in texts)
    return str(error.message)


def _outcome(attached: Attached, name: str) -> str:
    document = attached.document
    if attached.outcome is Outcome.SAME:
        return _("%(name)s is there already; nothing was added.", name=document.name)
    if attached.outcome is Outcome.VERSION:
        return _("%(name)s has a new version, number %(number)s.", name=document.name, number=document.number)
    return _("%(name)s is attached.", name=name)


# One document


@bp.get("/documents/<ref('doc'):document_ref>")
@needs(Permission.DOCUMENT_VIEW)
def show(document_ref: str) -> ResponseReturnValue:
    """A document with its details and versions, shown if it is a picture or a PDF."""
    return _page(document_ref)


def _page(document_ref: str, form: DetailsForm | None = None, status: int = 200) -> Response:
    session, actor = db.session(), current_actor()
    row = open_document(session, actor, document_ref)
    document, versions = row.document, list_versions(session, actor, row.document)
    if actor.is_internal:
        remember_opened(actor, document)
    shown = versions[0] if versions and may_preview(versions[0]) else None
    if form is None:
        form = DetailsForm(
            formdata=None,
            data={
                "version": str(document.version),
                "name": document.name,
                "description": document.description,
                "tags": ", ".join(row.tags),
                "internal": document.is_internal,
            },
        )
    text = render_template(
        "documents/show.html",
        page_ref=document.ref,
        row=row,
        document=document,
        versions=versions,
        may_edit=row.may_edit(actor),
        shows_picture=shown is not None and not is_pdf(shown),
        shows_pdf=shown is not None and is_pdf(shown),
        form=form,
    )
    response = make_response(text, status)
    if shown is not None and is_pdf(shown):
        response.headers["Content-Security-Policy"] = FRAMING
    return response


@bp.post("/documents/<ref('doc'):document_ref>")
@needs(Permission.DOCUMENT_EDIT)
def save(document_ref: str) -> ResponseReturnValue:
    """Change a document's details."""
    actor, form = current_actor(), DetailsForm()
    values: dict[str, Any] = {"name": form.name.data, "description": form.description.data}
    if actor.is_internal:
        values |= {"tags": form.tags.data, "internal": bool(form.internal.data)}
    try:
        with transaction() as session:
            document = edit_document(
                session, actor, document_ref, values, version=form.began_from, now=clock.now()
            )
    except Invalid as error:
        show_errors(form, error)
        return _page(document_ref, form, 422)
    except Stale as error:
        form.form_errors = [*form.form_errors, str(error.message)]
        return _page(document_ref, form, 409)
    flash(_("%(name)s is saved.", name=document.name), "success")
    return redirect(url_for("documents.show", document_ref=document_ref), 303)


@bp.post("/documents/<ref('doc'):document_ref>/versions")
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_version(document_ref: str) -> ResponseReturnValue:
    """Take a file as the document's new version."""
    actor, up = current_actor(), url_for("documents.show", document_ref=document_ref)
    if not open_document(db.session(), actor, document_ref).may_edit(actor):
        raise NotAllowed
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid({"file": [_("Choose a file.")]})
    try:
        received = receive_file(actor, file.stream, file.filename, now=clock.now())
        with transaction() as session:
            attached = add_version(session, actor, document_ref, received, now=clock.now())
    except Invalid as error:
        flash(_text(error), "error")
        return redirect(up, 303)
    flash(_outcome(attached, received.name), "info" if attached.outcome is Outcome.SAME else "success")
    return redirect(up, 303)


@bp.post("/documents/<ref('doc'):document_ref>/versions/<int:number>/restore")
@needs(Permission.DOCUMENT_EDIT)
def bring_back(document_ref: str, number: int) -> ResponseReturnValue:
    """Make an earlier version the present one."""
    with transaction() as session:
        document = restore_version(session, current_actor(), document_ref, number, now=clock.now())
    flash(_("Version %(number)s is the present one again.", number=number), "success")
    return redirect(url_for("documents.show", document_ref=document.ref), 303)


@bp.get("/documents/<ref('doc'):document_ref>/delete")
@needs(Permission.DOCUMENT_EDIT)
def ask_delete(document_ref: str) -> ResponseReturnValue:
    """What deleting takes along, before it is done."""
    session, actor = db.session(), current_actor()
    row = open_document(session, actor, document_ref)
    if not row.may_edit(actor):
        raise NotAllowed
    return render_template("documents/delete.html", page_ref=row.document.ref, document=row.document)


@bp.post("/documents/<ref('doc'):document_ref>/delete")
@needs(Permission.DOCUMENT_EDIT)
@once
def delete(document_ref: str) -> ResponseReturnValue:
    """Delete a document; back to its record."""
    session, actor = db.session(), current_actor()
    on = open_document(session, actor, document_ref).record
    with transaction() as writing:
        document = delete_document(writing, actor, document_ref, now=clock.now())
    flash_with_button(
        _("%(name)s is deleted. It can be restored for 30 days.", name=document.name),
        url_for("documents.restore", document_ref=document.ref),
        _("Restore"),
    )
    return redirect(record_url(on.kind, on.ref) if on else url_for("documents.index"), 303)


@bp.post("/documents/<ref('doc'):document_ref>/restore")
@needs(Permission.DOCUMENT_EDIT)
def restore(document_ref: str) -> ResponseReturnValue:
    """Bring a deleted document back."""
    with transaction() as session:
        document = restore_document(session, current_actor(), document_ref, now=clock.now())
    flash(_("%(name)s is restored.", name=document.name), "success")
    return redirect(url_for("documents.show", document_ref=document.ref), 303)


# Contents


@bp.get("/documents/<ref('doc'):document_ref>/content")
@needs(Permission.DOCUMENT_VIEW)
def content(document_ref: str) -> ResponseReturnValue:
    """The present version, to save."""
    document, version = get_version(db.session(), current_actor(), document_ref)
    return send_version(document.name, version)


@bp.get("/documents/<ref('doc'):document_ref>/versions/<int:number>/content")
@needs(Permission.DOCUMENT_VIEW)
def content_of_version(document_ref: str, number: int) -> ResponseReturnValue:
    """A version, to save under the name that it came with."""
    _document, version = get_version(db.session(), current_actor(), document_ref, number)
    return send_version(version.file_name, version)


@bp.get("/documents/<ref('doc'):document_ref>/preview")
@needs(Permission.DOCUMENT_VIEW)
def preview(document_ref: str) -> ResponseReturnValue:
    """The present version where a page shows it."""
    document, version = get_version(db.session(), current_actor(), document_ref)
    return send_version(document.name, version, inline=True)
