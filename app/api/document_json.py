"""Documents and their versions as the API shows them."""

from typing import Any

from app.accounts.queries import Person
from app.api.answers import moment, version_of
from app.documents.queries import DocumentRow, VersionRow
from app.kernel.actor import Actor


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


def version_json(version: VersionRow) -> dict[str, Any]:
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
