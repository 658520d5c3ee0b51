"""Documents: those of a record, all of them, one of them and its content."""

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from app.accounts.models import Account, Contact
from app.accounts.queries import Person
from app.activities.queries import get_record
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    moment,
    no_content,
    record_answer,
    version_of,
)
from app.api.reading import refuse_unstorable
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.documents import Document as DocumentOut
from app.api.schemas.documents import DocumentChanges, DocumentList, DocumentVersions
from app.cases.models import Case
from app.documents.filters import DOCUMENT_FILTERS, DOCUMENT_SORTS, parse_document_query
from app.documents.operations import (
    Attached,
    Outcome,
    add_version,
    attach_document,
    delete_document,
    edit_document,
)
from app.documents.queries import (
    DocumentRow,
    VersionRow,
    get_document,
    get_version,
    list_documents,
    list_versions,
    open_document,
    page_of_record,
)
from app.documents.records import key_of
from app.documents.serving import send_version
from app.documents.uploads import Received, receive_file
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.web.access import current_actor, needs
from app.web.uploads import takes_documents

area = Area("Documents", "Files on records and in the library, with their versions.")
DocumentQuery = list_query("DocumentQuery", DOCUMENT_FILTERS, DOCUMENT_SORTS, default="-created_at")
_FIELDS: dict[str, Any] = {
    "file": {"type": "string", "format": "binary", "description": "Its kind is told by its bytes."},
    "description": {"type": "string"},
    "tags": {"type": "string", "description": "With commas between them."},
    "internal": {"type": "string", "enum": ["true", "false"], "default": "false",
                 "description": "Partners never see it."},
}  # fmt: skip


def _form(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "required": ["file"], "properties": {name: _FIELDS[name] for name in names}}
    return {"content": {"multipart/form-data": {"schema": schema}}, "required": True}


FORM, FILE = _form(*_FIELDS), _form("file")
TAKEN: dict[int, Any] = {200: DocumentOut, 201: DocumentOut}
PROBLEMS = (413, 415, 503)
_CONTENT: dict[str, Any] = {
    "description": "The content.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


# Of a record


@area.get("/leads/<lead_id>/documents", "List a lead's documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.LEAD_VIEW)
def list_lead_documents(lead_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Lead, lead_id)


@area.get(
    "/accounts/<account_id>/documents",
    "List an account's documents",
    {200: DocumentList},
    query=DocumentQuery,
)
@needs(Permission.ACCOUNT_VIEW)
def list_account_documents(account_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Account, account_id)


@area.get(
    "/contacts/<contact_id>/documents", "List a contact's documents", {200: DocumentList}, query=DocumentQuery
)
@needs(Permission.CONTACT_VIEW)
def list_contact_documents(contact_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Contact, contact_id)


@area.get(
    "/opportunities/<opportunity_id>/documents",
    "List an opportunity's documents",
    {200: DocumentList},
    query=DocumentQuery,
)
@needs(Permission.OPPORTUNITY_VIEW)
def list_opportunity_documents(opportunity_id: str) -> Response:
    """Those of the lead that it came from are here."""
    return _list_of(Opportunity, opportunity_id)


@area.get("/cases/<case_id>/documents", "List a case's documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.CASE_VIEW)
def list_case_documents(case_id: str) -> Response:
    """Those that the caller sees."""
    return _list_of(Case, case_id)


@area.post("/leads/<lead_id>/documents", "Attach a file to a lead", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_lead_document(lead_id: str) -> Response:
    """By whoever may change the lead.  A file that is there already adds nothing: 200 with its document."""
    return _attach(Lead, lead_id)


@area.post(
    "/accounts/<account_id>/documents", "Attach a file to an account", TAKEN, body=FORM, problems=PROBLEMS
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_account_document(account_id: str) -> Response:
    """By whoever may change the account.  A file that is there already adds nothing: 200 with its document."""
    return _attach(Account, account_id)


@area.post(
    "/contacts/<contact_id>/documents", "Attach a file to a contact", TAKEN, body=FORM, problems=PROBLEMS
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_contact_document(contact_id: str) -> Response:
    """By whoever may change the contact.  A file that is there already adds nothing: 200 with its document."""
    return _attach(Contact, contact_id)


@area.post(
    "/opportunities/<opportunity_id>/documents",
    "Attach a file to an opportunity",
    TAKEN,
    body=FORM,
    problems=PROBLEMS,
)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_opportunity_document(opportunity_id: str) -> Response:
    """By whoever may change the opportunity.  A file that is there already adds nothing: 200 with its document."""
    return _attach(Opportunity, opportunity_id)


@area.post("/cases/<case_id>/documents", "Attach a file to a case", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_case_document(case_id: str) -> Response:
    """By whoever may change the case.  A file that is there already adds nothing: 200 with its document."""
    return _attach(Case, case_id)


@area.delete("/leads/<lead_id>/documents/<document_id>", "Delete a lead's document")
@needs(Permission.DOCUMENT_EDIT)
def end_lead_document(lead_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Lead, lead_id, document_id)


@area.delete("/accounts/<account_id>/documents/<document_id>", "Delete an account's document")
@needs(Permission.DOCUMENT_EDIT)
def end_account_document(account_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Account, account_id, document_id)


@area.delete("/contacts/<contact_id>/documents/<document_id>", "Delete a contact's document")
@needs(Permission.DOCUMENT_EDIT)
def end_contact_document(contact_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Contact, contact_id, document_id)


@area.delete("/opportunities/<opportunity_id>/documents/<document_id>", "Delete an opportunity's document")
@needs(Permission.DOCUMENT_EDIT)
def end_opportunity_document(opportunity_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Opportunity, opportunity_id, document_id)


@area.delete("/cases/<case_id>/documents/<document_id>", "Delete a case's document")
@needs(Permission.DOCUMENT_EDIT)
def end_case_document(case_id: str, document_id: str) -> Response:
    """With all its versions."""
    return _delete(Case, case_id, document_id)


# All, and one


@area.get("/documents", "List documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.DOCUMENT_VIEW)
def list_of_documents() -> Response:
    """All that the caller sees, the newest first unless sorted otherwise."""
    return _list(list_documents)


@area.post("/documents", "Add a file to the library", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_document() -> Response:
    """Of no record; the vendor's people alone."""
    return _attach(None, "")


@area.get("/documents/<document_id>", "Read a document's details", {200: DocumentOut})
@needs(Permission.DOCUMENT_VIEW)
def read_document(document_id: str) -> Response:
    actor = current_actor()
    return record_answer(document_json(actor, open_document(db.session(), actor, document_id)))


@area.patch("/documents/<document_id>", "Change a document's details", {200: DocumentOut})
@needs(Permission.DOCUMENT_EDIT)
def change_document(document_id: str, body: DocumentChanges) -> Response:
    """By whoever may change its record."""
    given = body.model_dump(exclude_unset=True)
    for name in ("internal", "name"):
        if given.get(name, "") is None:
            del given[name]  # a document always has them: null leaves them as they are
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, document_id)
        edit_document(session, actor, document_id, given, now=clock.now())
        answer = document_json(actor, open_document(session, actor, document_id))
    return record_answer(answer)


@area.delete("/documents/<document_id>", "Delete a document")
@needs(Permission.DOCUMENT_EDIT)
def end_document(document_id: str) -> Response:
    """With all its versions."""
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, document_id)
        delete_document(session, actor, document_id, now=clock.now())
    return no_content()


@area.get("/documents/<document_id>/content", "Download a document", {200: _CONTENT}, problems=(409, 503))
@needs(Permission.DOCUMENT_VIEW)
def download_document(document_id: str) -> Response:
    """The present version.  409 while a scanner has not let it pass."""
    document, version = get_version(db.session(), current_actor(), document_id)
    return send_version(document.name, version)


@area.get("/documents/<document_id>/versions", "List a document's versions", {200: DocumentVersions})
@needs(Permission.DOCUMENT_VIEW)
def list_document_versions(document_id: str) -> Response:
    """The newest first."""
    session, actor = db.session(), current_actor()
    document, _given = get_document(session, actor, document_id)
    return jsonify(items=[_version_json(version) for version in list_versions(session, actor, document)])


@area.post("/documents/<document_id>/versions", "Add a version", TAKEN, body=FILE, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_document_version(document_id: str) -> Response:
    """The earlier ones stay.  The content that it has already adds nothing: 200."""
    _read_form("file")
    actor = current_actor()
    if not open_document(db.session(), actor, document_id).may_edit(actor):
        raise NotAllowed
    received = _receive(actor)
    with transaction() as session:
        return _taken(session, actor, add_version(session, actor, document_id, received, now=clock.now()))


def _list_of(model: Any, ref: str) -> Response:
    record = get_record(db.session(), current_actor(), model, ref)
    return _list(lambda session, actor, query, **page: page_of_record(session, actor, record, query, **page))


def _list(read: Callable[..., Any]) -> Response:
    session, actor = db.session(), current_actor()
    limit, cursor, sort, given = list_arguments()
    page = read(session, actor, parse_document_query(session, actor, given, sort), cursor=cursor, limit=limit)
    return jsonify(items=[document_json(actor, row) for row in page.items], next_cursor=page.older)


def _attach(model: Any, ref: str) -> Response:
    form = _read_form(*_FIELDS)
    actor = current_actor()
    if model is not None:
        get_record(db.session(), actor, model, ref)  # before anything is stored
    elif actor.is_partner:
        raise NotAllowed
    internal = form.get("internal", "false")
    if internal not in ("true", "false"):
        raise Invalid({"internal": [_l("This is true or false.")]})
    received = _receive(actor)
    with transaction() as session:
        record = get_record(session, actor, model, ref) if model is not None else None
        attached = attach_document(
            session,
            actor,
            record,
            received,
            description=form.get("description"),
            is_internal=internal == "true",
            tags=form.get("tags"),
            now=clock.now(),
        )
        return _taken(session, actor, attached)


def _read_form(*known: str) -> dict[str, str]:
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType
    form = {name: request.form.getlist(name) for name in request.form}
    refuse_unstorable(form)
    unknown = sorted((set(form) | set(request.files)) - set(known))
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in unknown})
    return {name: values[0] for name, values in form.items()}


def _receive(actor: Actor) -> Received:
    file = request.files.get("file")
    if file is None:
        raise Invalid({"file": [_l("This is required.")]})
    return receive_file(actor, file.stream, file.filename, now=clock.now())


def _taken(session: Session, actor: Actor, attached: Attached) -> Response:
    row = open_document(session, actor, attached.document.ref)
    return record_answer(document_json(actor, row), 200 if attached.outcome is Outcome.SAME else 201)


def _delete(model: Any, ref: str, document_ref: str) -> Response:
    with transaction() as session:
        actor = current_actor()
        record = get_record(session, actor, model, ref)
        document, _given = get_document(session, actor, document_ref)
        found = key_of(document)
        if found is None or (found[0].model, found[1]) != (model, record.id):
            raise NotFound("document", document_ref)
        _check_version(session, actor, document_ref)
        delete_document(session, actor, document_ref, now=clock.now())
    return no_content()


def _check_version(session: Session, actor: Actor, ref: str) -> None:
    if expects_version():
        get_document(session, actor, ref, for_update=True)
        check_version(lambda: document_json(actor, open_document(session, actor, ref)))


def document_json(actor: Actor, row: DocumentRow) -> dict[str, Any]:
    """A document as its reader sees it."""
    document, on = row.document, row.record
    body: dict[str, Any] = {
        "id": document.ref,
        "name": document.name,
        "description": document.description,
        "tags": list(row.tags),
        "internal": document.is_internal,
        "type": document.file_type,
        "content_type": row.file_type.mime,
        "size_bytes": document.size_bytes,
        "sha256": row.digest,
        "number": document.number,
        "state": row.state,
        "record": {"type": on.kind, "id": on.ref} if on else None,
        "created_by": _person(row.author),
        "created_at": moment(document.created_at),
        "updated_at": moment(document.updated_at),
    }
    body["version"] = version_of(actor, body, document.version)
    return body


def _version_json(version: VersionRow) -> dict[str, Any]:
    return {
        "number": version.number,
        "file_name": version.file_name,
        "type": version.file_type.key,
        "size_bytes": version.size_bytes,
        "sha256": version.digest,
        "state": version.state,
        "restored_from": version.restored_from,
        "created_by": _person(version.author),
        "created_at": moment(version.created_at),
    }


def _person(person: Person | None) -> dict[str, Any] | None:
    return {"type": "user", "id": person.ref, "name": person.name} if person else None
