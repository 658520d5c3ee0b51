"""The rows of stored contents: a content is announced before it is stored, and held while it is made use of.

So that a crash in between leaves a row without a version, which the worker finds; and so that it never
removes what somebody is just about to use: both take the row's lock.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import case, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.documents.models import DocumentBlob, DocumentVersion
from app.kernel.db import is_sqlite


def announce_blob(session: Session, digest: str, size: int, *, now: datetime) -> None:
    """Write down that a content is about to be stored.  One that nobody uses is kept for a while longer.

    Does not commit.
    """
    insert: Any = sqlite.insert if is_sqlite(session) else postgresql.insert
    statement = insert(DocumentBlob).values(
        digest=digest,
        size_bytes=size,
        stored_at=now,
        unused_since=now,
    )
    unused = case((DocumentBlob.unused_since.is_not(None), statement.excluded.unused_since), else_=None)
    session.execute(statement.on_conflict_do_update(index_elements=["digest"], set_={"unused_since": unused}))


def hold_blob(session: Session, digest: str) -> DocumentBlob | None:
    """The row of a content, held until the transaction ends; None when it has been removed meanwhile."""
    statement = select(DocumentBlob).where(DocumentBlob.digest == digest)
    statement = statement.execution_options(populate_existing=True)
    return session.scalar(statement if is_sqlite(session) else statement.with_for_update())


def use_blob(blob: DocumentBlob) -> None:
    """Note that a version holds the content.  blob: held."""
    blob.unused_since = None


def leave_blobs(session: Session, blob_ids: list[int], *, now: datetime) -> None:
    """Note which of these contents no version holds any more.  Does not commit."""
    held = exists().where(DocumentVersion.blob_id == DocumentBlob.id)
    session.execute(
        update(DocumentBlob)
        .where(DocumentBlob.id.in_(blob_ids), DocumentBlob.unused_since.is_(None), ~held)
        .values(unused_since=now)
        .execution_options(synchronize_session=False)
    )
