"""Documents: all of them, one of them, its content and versions.  Those of a record: `record_documents`."""

from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from app.activities.queries import get_record
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    no_content,
    record_answer,
)
from app.api.document_json import document_json, version_json
from app.api.reading import refuse_unstorable
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.documents import Document as DocumentOut
from app.api.schemas.documents import DocumentChanges, DocumentList, DocumentVersions
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
    get_document,
    get_version,
    list_documents,
    list_versions,
    open_document,
)
from app.documents.serving import send_version
from app.documents.uploads import Received, receive_file
from app.kernel import clock
from app.kernel.actor import Actor, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid, NotAllowed
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


@area.get("/documents", "List documents", {200: DocumentList}, query=DocumentQuery)
@needs(Permission.DOCUMENT_VIEW)
def list_of_documents() -> Response:
    """All that the caller sees, the newest first unless sorted otherwise."""
    return list_answer(list_documents)


@area.post("/documents", "Add a file to the library", TAKEN, body=FORM, problems=PROBLEMS)
@needs(Permission.DOCUMENT_EDIT)
@takes_documents
def new_document() -> Response:
    """Of no record; the vendor's people alone."""
    return attach(None, "")


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
        check_document_version(session, actor, document_id)
        edit_document(session, actor, document_id, given, now=clock.now())
        answer = document_json(actor, open_document(session, actor, document_id))
    return record_answer(answer)


@area.delete("/documents/<document_id>", "Delete a document")
@needs(Permission.DOCUMENT_EDIT)
def end_document(document_id: str) -> Response:
    """With all its versions."""
    with transaction() as session:
        actor = current_actor()
        check_document_version(session, actor, document_id)
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
    return jsonify(items=[version_json(version) for version in list_versions(session, actor, document)])


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


def list_answer(read: Callable[..., Any]) -> Response:
    """A page of what `read(session, actor, query, cursor=…, limit=…)` gives."""
    session, actor = db.session(), current_actor()
    limit, cursor, sort, given = list_arguments()
    page = read(session, actor, parse_document_query(session, actor, given, sort), cursor=cursor, limit=limit)
    return jsonify(items=[document_json(actor, row) for row in page.items], next_cursor=page.older)


def attach(model: Any, ref: str) -> Response:
    """Take the file of the form in, on a record of that model or, where it is None, into the library."""
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


def check_document_version(session: Session, actor: Actor, ref: str) -> None:
    """Raises Stale where If-Match names another version of the document than the reader's."""
    if expects_version():
        get_document(session, actor, ref, for_update=True)
        check_version(lambda: document_json(actor, open_document(session, actor, ref)))
