"""/imports: files of leads, accounts and contacts, taken in in the background."""

import json
from typing import Any

from flask import Response, jsonify, request, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import UnsupportedMediaType

from app.api.answers import moment, plain_list_arguments, record_answer
from app.api.reading import refuse_unstorable
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.setup import Import, ImportList
from app.intake.listing import imports_by_ref
from app.intake.models import Import as ImportRow
from app.intake.models import ImportState
from app.intake.queries import get_import, list_imports
from app.intake.reports import rejected_csv
from app.intake.uploads import Wishes, submit_file
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db
from app.kernel.errors import Invalid
from app.web.access import current_actor, needs
from app.web.streams import stream_csv

area = Area("Imports", "Files of leads, accounts and contacts, taken in in the background.")
ImportQuery = list_query("ImportQuery")
FORM: dict[str, Any] = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "CSV, XLSX or vCard."},
                    "object": {
                        "type": "string",
                        "enum": ["lead", "account", "contact", "account_contact"],
                        "default": "lead",
                        "description": "`account_contact`: each row names an account and perhaps a contact;"
                        " fields of the account are called `account.name`, `account.phone` and so on.",
                    },
                    "mapping": {
                        "type": "string",
                        "contentMediaType": "application/json",
                        "description": "A JSON object of column → field, null to keep the column only."
                        " Without one, headers are matched to names and labels of fields.",
                    },
                    "match": {
                        "type": "string",
                        "enum": ["external_id", "email", "name"],
                        "description": "What a record that is there already is known by: of accounts"
                        " `external_id` or `name` (with `site` where there is a column), of contacts `email` or"
                        " `name` (at their account) too. Only records that the caller may change are found; a row"
                        " that several fit is refused. Without it the external id, for `account_contact` the"
                        " surest that the columns allow. A column `id` with ids of Canal decides alone.",
                    },
                    "mode": {
                        "type": "string",
                        "enum": ["both", "create", "update"],
                        "default": "both",
                        "description": "`create` leaves records that are there as they are, `update` refuses rows"
                        " of others. Leads know `both` alone. Only cells with something in them change a record.",
                    },
                    "unknown": {
                        "type": "string",
                        "enum": ["refuse", "create", "private"],
                        "default": "refuse",
                        "description": "Of contacts alone, when a row names an account that is not found: refuse the"
                        " row, create the account, or take the contact without one, so that only its owner and"
                        " administrators see it.",
                    },
                    "sheet": {
                        "type": "string",
                        "description": "Name of a workbook's sheet; without it the first with anything in it.",
                    },
                },
            }
        }
    },
    "required": True,
}
_WISHES = ("object", "mapping", "match", "mode", "unknown", "sheet")
_CSV: dict[str, Any] = {"description": "CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}}


@area.post("/imports", "Take in a file", {202: Import}, body=FORM)
@needs(Permission.ACCOUNT_IMPORT)
def new_import() -> Response:
    """The same file again creates nothing; one that was interrupted goes on.  Leads need a permission of their own."""
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType
    form = {name: request.form.getlist(name) for name in request.form}
    refuse_unstorable(form)
    unknown = sorted((set(form) | set(request.files)) - {"file", *_WISHES})
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in unknown})
    file = request.files.get("file")
    if file is None:
        raise Invalid({"file": [_l("This is required.")]})
    wishes = Wishes(
        mapping=_mapping(request.form.get("mapping")),
        kind=request.form.get("object", "lead"),
        match=request.form.get("match"),
        mode=request.form.get("mode"),
        unknown=request.form.get("unknown"),
        sheet=request.form.get("sheet"),
    )
    import_ = submit_file(current_actor(), file.stream, file.filename or "file.csv", wishes, now=clock.now())
    return record_answer(_import(import_), 202)


@area.get("/imports", "List imports", {200: ImportList}, query=ImportQuery)
@needs(Permission.ACCOUNT_IMPORT)
def list_of_imports() -> Response:
    """Newest first: the caller's own, all for administrators."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    page = list_imports(session, actor, cursor, limit)
    rows = imports_by_ref(session, [row.ref for row in page.items])
    items = [_import(rows[row.ref]) for row in page.items]
    return jsonify(items=items, next_cursor=page.older)


@area.get("/imports/<import_id>", "Read how an import stands", {200: Import})
@needs(Permission.ACCOUNT_IMPORT)
def read_import(import_id: str) -> Response:
    return record_answer(_import(get_import(db.session(), current_actor(), import_id)))


@area.get("/imports/<import_id>/rejected", "Download the refused rows", {200: _CSV})
@needs(Permission.ACCOUNT_IMPORT)
def download_rejected(import_id: str) -> Response:
    """With line number and reason, safe to open in a spreadsheet."""
    session = db.session()
    import_ = get_import(session, current_actor(), import_id)
    session.expunge(import_)  # it is read while the answer streams, after other transactions
    name = f"{import_.filename}.rejected.csv"
    return stream_csv(name, lambda own: rejected_csv(own, import_))


def _mapping(text: str | None) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid({"mapping": [_l("This must be a JSON object of column and field.")]})
    refuse_unstorable(value)
    return value


def _import(import_: ImportRow) -> dict[str, Any]:
    rejected = url_for("api.download_rejected", import_id=import_.ref) if import_.refused else None
    return {
        "id": import_.ref,
        "object": import_.object,
        "filename": import_.filename,
        # One that is still being mapped on its page waits too.
        "state": ImportState.WAITING if import_.state is ImportState.DRAFT else import_.state,
        "rows": import_.rows,
        "done": import_.done,
        "accepted": import_.accepted,
        "refused": import_.refused,
        "warnings": import_.warnings,
        "rejected_url": rejected,
        "detail": import_.detail,
        "created_at": moment(import_.created_at),
        "finished_at": moment(import_.finished_at),
    }
