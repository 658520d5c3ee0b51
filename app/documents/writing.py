"""The rows of a document: a version, tags, the words by which it is found.  Called by its operations alone."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.documents.holding import mark_holder
from app.documents.models import Document, DocumentBlob, DocumentVersion, DocumentWord, ScanState
from app.documents.words import words_of
from app.kernel.actor import Actor
from app.lists.models import RecordTag, Tag
from app.lists.operations import find_or_make_tag, set_tag
from app.settings import current_settings


def write_version(
    session: Session,
    actor: Actor,
    document: Document,
    blob: DocumentBlob,
    file_name: str,
    *,
    restored: DocumentVersion | None = None,
    now: datetime,
) -> None:
    """Write the document's present number as a version with this content.  blob: held.

    A scanner, where there is one, is to look at it, whoever has stored the same content before; at one that is
    `restored` it has looked.
    """
    if restored is not None:
        scanned = {name: getattr(restored, name) for name in ("state", "scan_at", "scanned_at", "note")}
    elif current_settings().scan_command:
        scanned = {"state": ScanState.WAITING, "scan_at": now}
    else:
        scanned = {"state": ScanState.CLEAN}
    session.add(
        DocumentVersion(
            document_id=document.id,
            number=document.number,
            blob_id=blob.id,
            file_name=file_name,
            file_type=document.file_type,
            size_bytes=blob.size_bytes,
            restored_from=restored.number if restored is not None else None,
            is_internal=document.is_internal,
            created_at=now,
            created_by_id=actor.user_id,
            **scanned,
        )
    )
    session.flush()


def mark_versions(session: Session, document: Document) -> None:
    """The present version is as internal as its document; what partners did not see as a former one, they never see."""
    session.execute(
        update(DocumentVersion)
        .where(DocumentVersion.document_id == document.id, DocumentVersion.number == document.number)
        .values(is_internal=document.is_internal)
    )


def write_words(session: Session, document: Document) -> None:
    """The words by which the document is found, as they are from now on."""
    session.execute(delete(DocumentWord).where(DocumentWord.document_id == document.id))
    words = words_of(document.name, document.description)
    session.add_all(DocumentWord(document_id=document.id, word=word) for word in words)
    session.flush()
    if document.lead_id is not None or document.opportunity_id is not None:
        mark_holder(session, Document.id == document.id)


def write_tags(
    session: Session, actor: Actor, document: Document, names: Collection[str], *, now: datetime
) -> None:
    """The document's tags as they are from now on; an event for each that comes or goes."""
    wanted = {tag.id: tag for name in names for tag in [find_or_make_tag(session, actor, name, now=now)]}
    kind = Document.__tablename__
    held = session.scalars(
        select(Tag)
        .join(RecordTag, RecordTag.tag_id == Tag.id)
        .where(RecordTag.kind == kind, RecordTag.record_id == document.id)
    )
    for tag in held.all():
        if wanted.pop(tag.id, None) is None:
            set_tag(session, actor, document, tag, on=False, now=now)
    for tag in wanted.values():
        set_tag(session, actor, document, tag, on=True, now=now)


def told(document: Document) -> dict[str, Any]:
    """What a record's event says of a document."""
    return {"document": document.ref, "name": document.name}
