"""The rows of a document: a version, tags, the words by which it is found.  Called by its operations alone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.documents.models import Document, DocumentBlob, DocumentTag, DocumentVersion, DocumentWord
from app.documents.words import words_of
from app.kernel.actor import Actor


def touch(document: Document, actor: Actor, now: datetime) -> None:
    """Note who changed it, and when."""
    document.version += 1
    document.updated_at, document.updated_by_id = now, actor.user_id


def write_version(
    session: Session,
    actor: Actor,
    document: Document,
    blob: DocumentBlob,
    file_name: str,
    *,
    restored_from: int | None = None,
    now: datetime,
) -> None:
    """Write the document\'s present number as a version with this content.  blob: held."""
    session.add(
        DocumentVersion(
            document_id=document.id,
            number=document.number,
            blob_id=blob.id,
            file_name=file_name,
            file_type=document.file_type,
            size_bytes=blob.size_bytes,
            restored_from=restored_from,
            created_at=now,
            created_by_id=actor.user_id,
        )
    )
    session.flush()


def write_tags(session: Session, document: Document, tags: Mapping[str, str]) -> None:
    """Tags, and the words by which the document is found, as they are from now on."""
    for model in (DocumentTag, DocumentWord):
        session.execute(delete(model).where(model.document_id == document.id))
    session.add_all(
        DocumentTag(document_id=document.id, tag_fold=folded, tag=tag) for folded, tag in tags.items()
    )
    words = words_of(document.name, *tags.values(), document.description)
    session.add_all(DocumentWord(document_id=document.id, word=word) for word in words)
    session.flush()


def told(document: Document) -> dict[str, Any]:
    """What a record's event says of a document."""
    return {"document": document.ref, "name": document.name}
