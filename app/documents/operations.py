"""Verbs on documents: attach one, give it a new version, bring an earlier one back, change its details, delete it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.operations import ReadOnly
from app.activities.places import place_of
from app.documents.blobs import hold_blob, use_blob
from app.documents.file_types import TYPES, FileType
from app.documents.models import Document, DocumentBlob, DocumentVersion
from app.documents.names import LONGEST_NAME, renamed
from app.documents.queries import get_document
from app.documents.records import is_of, key_of, record_of
from app.documents.storage import StorageUnavailable
from app.documents.uploads import Received
from app.documents.values import read_details, read_name
from app.documents.words import read_tags
from app.documents.writing import mark_versions, told, write_tags, write_version, write_words
from app.events.operations import record as record_event
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from app.kernel.fold import fold
from app.lists.queries import tags_of
from app.sharing.levels import find_level
from app.sharing.scope import scope

KEPT_DELETED = timedelta(days=30)
MOST_VERSIONS = 200
_REMOVING = Actor.system("restoring documents")


class Outcome(StrEnum):
    """What became of a file: a document of its own, a version of one, or nothing, since it was there."""

    ADDED = "added"
    VERSION = "version"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Attached:
    """A document and what an upload did to it."""

    document: Document
    outcome: Outcome


class TooManyVersions(Conflict):
    """A document keeps a bounded number of versions."""

    message = _l("A document keeps at most 200 versions. Attach this one as a document of its own.")


def attach_document(
    session: Session,
    actor: Actor,
    record: Any,
    received: Received,
    *,
    description: str | None = None,
    is_internal: bool = False,
    tags: str | Iterable[str] | None = None,
    as_version: bool = False,
    now: datetime,
) -> Attached:
    """Make a stored file a document of a record, or of the library when `record` is None.

    record: one that the actor reads.  as_version: a document of the record with the same name gets a new
    version instead.  A file that the record has already, as the present version of a document that the actor
    reads, changes nothing.
    Writes events of the document and of the record; does not commit.
    Raises NotAllowed, NotFound, ReadOnly, Invalid, StorageUnavailable.
    """
    actor.require(Permission.DOCUMENT_EDIT)
    require_attaching(session, actor, record)
    details = read_details(actor, description=description, is_internal=is_internal, tags=tags)
    blob = _held(session, received)
    there = _the_same(session, actor, record, blob)
    if there is not None:
        return Attached(there, Outcome.SAME)
    if as_version:
        former = _of_name(session, actor, record, received.name, details["internal"])
        if former is not None:
            _add_version(session, actor, former, blob, received, now=now)
            return Attached(former, Outcome.VERSION)
    document = Document(
        ref=refs.new_ref(refs.DOCUMENT),
        name=received.name,
        name_fold=fold(received.name, LONGEST_NAME),
        description=details["description"],
        is_internal=details["internal"],
        company_id=actor.company_id,
        number=1,
        file_type=received.file_type.key,
        size_bytes=received.size_bytes,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **({} if record is None else {place_of(record).column.key: record.id}),
    )
    session.add(document)
    session.flush()  # its id goes into its parts and the event
    write_version(session, actor, document, blob, received.name, now=now)
    write_words(session, document)
    detail = {"name": document.name, "size": document.size_bytes, "on": getattr(record, "ref", None)}
    record_event(session, actor, verb="created", subject=document, at=now, detail=detail)
    write_tags(session, actor, document, details["tags"].values(), now=now)
    if record is not None:
        record_event(session, actor, verb="attached", subject=record, at=now, detail=told(document))
    return Attached(document, Outcome.ADDED)


def require_attaching(session: Session, actor: Actor, record: Any, given: Level | None = None) -> None:
    """That the actor may attach to the record, which they may edit; the library is the vendor's people's.

    given: their level of it, for a page that has just asked; not for an act.

    Raises NotFound, NotAllowed, ReadOnly.
    """
    if record is None:
        if actor.is_partner:
            raise NotAllowed
        return
    given = given or find_level(session, actor, record)
    if given is None:
        raise NotFound(record.__tablename__, record.ref)
    if given < Level.EDIT:
        raise NotAllowed
    if place_of(record).is_closed(record):
        raise ReadOnly


def _held(session: Session, received: Received) -> DocumentBlob:
    blob = hold_blob(session, received.digest)
    if blob is None:  # removed meanwhile: it was announced a day ago or more
        raise StorageUnavailable
    use_blob(blob)
    return blob


def _of_record(actor: Actor, record: Any) -> list[Any]:
    level = Level.READ
    return [scope(Document, actor, level), is_of(record)]


def _the_same(session: Session, actor: Actor, record: Any, blob: DocumentBlob) -> Document | None:
    """A document of the record whose present version has this content.  The content is held, so that of two
    that come together the second finds the first."""
    session.flush()
    return session.scalar(
        select(Document)
        .join(
            DocumentVersion,
            (DocumentVersion.document_id == Document.id) & (DocumentVersion.number == Document.number),
        )
        .where(*_of_record(actor, record), DocumentVersion.blob_id == blob.id)
        .order_by(Document.id)
        .limit(1)
    )


def _of_name(session: Session, actor: Actor, record: Any, name: str, is_internal: bool) -> Document | None:
    """The newest document of that name on the record which the actor may change, held.

    One that as many may see, and of their own company: a version is seen by whoever sees the document.
    """
    found = session.scalar(
        select(Document.ref)
        .where(
            scope(Document, actor, Level.EDIT),
            is_of(record),
            Document.name_fold == fold(name, LONGEST_NAME),
            Document.is_internal.is_(is_internal),
            Document.company_id.is_not_distinct_from(actor.company_id),
        )
        .order_by(Document.id.desc())
        .limit(1)
    )
    return _editable(session, actor, found)[0] if found is not None else None


# One document


def _editable(session: Session, actor: Actor, ref: str) -> tuple[Document, Any]:
    """The document, held, and its record.  Raises NotAllowed, NotFound, ReadOnly."""
    actor.require(Permission.DOCUMENT_EDIT)
    document, given = get_document(session, actor, ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    record = record_of(session, actor, document)
    if record is not None and place_of(record).is_closed(record):
        raise ReadOnly
    return document, record


def add_version(session: Session, actor: Actor, ref: str, received: Received, *, now: datetime) -> Attached:
    """Make a stored file the present version of a document; the earlier ones stay.

    The content that it has already changes nothing.  Writes an event; does not commit.
    Raises NotAllowed, NotFound, ReadOnly, TooManyVersions, StorageUnavailable.
    """
    document, _record = _editable(session, actor, ref)
    blob = _held(session, received)
    present = session.scalar(
        select(DocumentVersion.blob_id).where(
            DocumentVersion.document_id == document.id, DocumentVersion.number == document.number
        )
    )
    if present == blob.id:
        return Attached(document, Outcome.SAME)
    _add_version(session, actor, document, blob, received, now=now)
    return Attached(document, Outcome.VERSION)


def _add_version(
    session: Session,
    actor: Actor,
    document: Document,
    blob: DocumentBlob,
    received: Received,
    *,
    now: datetime,
) -> None:
    _next_version(session, actor, document, blob, received.name, received.file_type, now=now)
    detail = {"name": document.name, "number": document.number, "size": document.size_bytes}
    record_event(session, actor, verb="version_added", subject=document, at=now, detail=detail)


def restore_version(session: Session, actor: Actor, ref: str, number: int, *, now: datetime) -> Document:
    """Make an earlier version the present one again, as a new version.

    Writes an event; does not commit.  Raises NotAllowed, NotFound, ReadOnly, TooManyVersions.
    """
    document, _record = _editable(session, actor, ref)
    found = session.execute(
        select(DocumentVersion, DocumentBlob)
        .join(DocumentBlob, DocumentBlob.id == DocumentVersion.blob_id)
        .where(DocumentVersion.document_id == document.id, DocumentVersion.number == number)
    ).first()
    if found is None:
        raise NotFound("document", ref)
    if number == document.number:
        return document
    version, blob = found
    if actor.is_partner and version.is_internal:
        raise NotFound("document", ref)
    file_type = TYPES[version.file_type]
    _next_version(session, actor, document, blob, version.file_name, file_type, restored=version, now=now)
    detail = {"name": document.name, "number": document.number, "from": number}
    record_event(session, actor, verb="version_restored", subject=document, at=now, detail=detail)
    return document


def _next_version(
    session: Session,
    actor: Actor,
    document: Document,
    blob: DocumentBlob,
    file_name: str,
    file_type: FileType,
    *,
    restored: DocumentVersion | None = None,
    now: datetime,
) -> None:
    if document.number >= MOST_VERSIONS:
        raise TooManyVersions
    document.number += 1
    document.file_type, document.size_bytes = file_type.key, blob.size_bytes
    document.name = renamed(document.name, file_type)
    document.name_fold = fold(document.name, LONGEST_NAME)
    document.stamp(actor, now)
    write_version(session, actor, document, blob, file_name, restored=restored, now=now)


def edit_document(
    session: Session,
    actor: Actor,
    ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Document:
    """Change a document's details.  values: any of name, description, internal, tags; those not given stay.

    Shown to partners from now on, it shows them its present version and later ones: what it was before stays
    internal.  Writes an event with old and new values; does not commit.
    Raises NotAllowed, NotFound, ReadOnly, Invalid, Stale.
    """
    document, _record = _editable(session, actor, ref)
    unknown = set(values) - {"name", "description", "internal", "tags"}
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in sorted(unknown)})
    wanted = read_details(actor, **{name: value for name, value in values.items() if name != "name"})
    if "name" in values:
        wanted["name"] = read_name(values["name"], TYPES[document.file_type])
    old_tags = tags_of(session, Document.__tablename__, [document.id]).get(document.id, [])
    before = {"name": document.name, "description": document.description, "internal": document.is_internal}
    changes = {n: (before[n], wanted[n]) for n in before if n in wanted and wanted[n] != before[n]}
    retagged = "tags" in wanted and not actor.is_partner and set(wanted["tags"]) != set(read_tags(old_tags))
    if not changes and not retagged:
        return document
    if version is not None and version != document.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it, then change it again."),
            current={name: old for name, (old, _new) in changes.items()},
        )
    document.name = wanted.get("name", document.name)
    document.name_fold = fold(document.name, LONGEST_NAME)
    document.description = wanted.get("description", document.description)
    if "internal" in changes:
        document.is_internal = wanted["internal"]
        mark_versions(session, document)
    document.stamp(actor, now)
    write_words(session, document)
    detail = {"name": document.name}
    if changes:
        record_event(session, actor, verb="edited", subject=document, at=now, changes=changes, detail=detail)
    if retagged:
        write_tags(session, actor, document, wanted["tags"].values(), now=now)
    return document


def delete_document(session: Session, actor: Actor, ref: str, *, now: datetime) -> Document:
    """Delete a document with all its versions; it can be restored for 30 days.

    Writes events of the document and of its record; does not commit.  Raises NotAllowed, NotFound, ReadOnly.
    """
    document, record = _editable(session, actor, ref)
    document.deleted_at = now
    document.stamp(actor, now)
    record_event(session, actor, verb="deleted", subject=document, at=now, detail={"name": document.name})
    if record is not None:
        record_event(session, actor, verb="detached", subject=record, at=now, detail=told(document))
    return document


def restore_document(session: Session, actor: Actor, ref: str, *, now: datetime) -> Document:
    """Bring a deleted document back: whoever deleted it, and administrators, while its record can be edited.

    Writes events; does not commit.  Raises NotAllowed, NotFound, ReadOnly.
    """
    actor.require(Permission.DOCUMENT_EDIT)
    document = session.scalar(
        select(Document).where(
            scope(Document, _REMOVING), Document.ref == ref, Document.deleted_at > now - KEPT_DELETED
        )
    )
    if document is None or (
        document.updated_by_id != actor.user_id and not actor.can(Permission.SETTING_MANAGE)
    ):
        raise NotFound("document", ref)
    record = record_of(session, actor, document)
    if record is None and key_of(document) is not None:
        raise NotFound("document", ref)
    require_attaching(session, actor, record)
    document.deleted_at = None
    document.stamp(actor, now)
    record_event(session, actor, verb="restored", subject=document, at=now, detail={"name": document.name})
    if record is not None:
        record_event(session, actor, verb="attached", subject=record, at=now, detail=told(document))
    return document
