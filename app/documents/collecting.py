"""What the worker removes: documents deleted a month ago, contents that nothing holds; and the check of them all.

A content is removed under its row's lock, which whoever is about to use it takes too; one that somebody
has announced is left alone for a day, so that an upload can come to its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.orm import Session

from app.documents.blobs import announce_blob, leave_blobs
from app.documents.models import Document, DocumentBlob, DocumentVersion, DocumentWord
from app.documents.operations import KEPT_DELETED
from app.documents.storage import Damaged, Storage, Stored, storage
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite, reading, transaction
from app.lists.models import RecentRecord, RecordTag
from app.sharing.scope import scope

GRACE = timedelta(days=1)
AT_ONCE = 50
_REMOVING = Actor.system("removing documents")


def collect(*, now: datetime) -> int:
    """Remove some of what has served its time; how much.  Opens its transactions; for the worker."""
    return purge_deleted(now=now) + remove_unused(now=now)


def purge_deleted(*, now: datetime) -> int:
    """Remove documents that were deleted a month ago, with all that belongs to them; how many.

    Their contents are removed later, if nothing else holds them.
    """
    old = (scope(Document, _REMOVING), Document.deleted_at < now - KEPT_DELETED)
    with reading() as session:
        if session.scalar(select(Document.id).where(*old).limit(1)) is None:
            return 0
    with transaction() as session:
        keys = list(
            session.scalars(select(Document.id).where(*old).order_by(Document.deleted_at).limit(AT_ONCE))
        )
        blobs = set(
            session.scalars(select(DocumentVersion.blob_id).where(DocumentVersion.document_id.in_(keys)))
        )
        for part in (DocumentWord, DocumentVersion):
            session.execute(delete(part).where(part.document_id.in_(keys)))
        for kept in (RecordTag, RecentRecord):
            is_of = (kept.kind == Document.__tablename__, kept.record_id.in_(keys))
            session.execute(delete(kept).where(*is_of))
        session.execute(delete(Document).where(scope(Document, _REMOVING), Document.id.in_(keys)))
        leave_blobs(session, sorted(blobs), now=now)
    return len(keys)


def remove_unused(*, now: datetime) -> int:
    """Remove contents that no version has held for a day, each in a transaction of its own; how many."""
    removed = 0
    with reading() as session:
        keys = list(session.scalars(select(DocumentBlob.id).where(_is_unused(now)).limit(AT_ONCE)))
    for key in keys:
        with transaction() as session:
            removed += _remove(session, key, now)
    return removed


def _is_unused(now: datetime) -> ColumnElement[bool]:
    return DocumentBlob.unused_since < now - GRACE


def _remove(session: Session, key: int, now: datetime) -> int:
    statement = select(DocumentBlob).where(DocumentBlob.id == key, DocumentBlob.unused_since < now - GRACE)
    statement = statement.execution_options(populate_existing=True)
    if not is_sqlite(session):
        statement = statement.with_for_update(skip_locked=True)
    blob = session.scalar(statement)
    if blob is None:
        return 0
    # Asked again now that it is held: whoever makes a version of it holds it first.
    if session.scalar(select(exists().where(DocumentVersion.blob_id == blob.id))):
        blob.unused_since = None
        return 0
    # First the content, then the row: broken off in between, the row is found again.
    storage().delete(blob.digest)
    session.delete(blob)
    return 1


def adopt_strays(*, now: datetime) -> int:
    """Write down contents that lie in the storage and that no row knows of, so that they are removed in time.

    A crash before the row was committed can leave one.  Reads the whole list of the storage; for once a day.
    """
    adopted = 0
    old = now - GRACE
    for batch in _batches(storage()):
        with reading() as session:
            wanted = [found.digest for found in batch if found.digest and found.changed_at < old]
            known = set(session.scalars(select(DocumentBlob.digest).where(DocumentBlob.digest.in_(wanted))))
        for found in batch:
            if found.digest in wanted and found.digest not in known:
                with transaction() as session:
                    announce_blob(session, found.digest, found.size_bytes, now=now)
                adopted += 1
    return adopted


def _batches(store: Storage, size: int = 500) -> Iterator[list[Stored]]:
    batch: list[Stored] = []
    for found in store.everything():
        batch.append(found)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


@dataclass
class Report:
    """What `documents verify` finds.  Digests of each kind of difference."""

    checked: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    @property
    def differences(self) -> int:
        """What is wrong; contents that nothing uses are not: they are removed by themselves."""
        return len(self.missing) + len(self.damaged)


def verify_contents() -> Report:
    """Read every stored content and compare it with its digest; list what is missing and what nothing uses."""
    report, store, after = Report(), storage(), 0
    while True:
        with reading() as session:
            rows = session.execute(
                select(DocumentBlob.id, DocumentBlob.digest, DocumentBlob.unused_since)
                .where(DocumentBlob.id > after)
                .order_by(DocumentBlob.id)
                .limit(500)
            ).all()
        for key, digest, unused_since in rows:
            after = key
            if unused_since is not None:
                report.orphans.append(digest)
            _check(report, store, digest, is_used=unused_since is None)
        if len(rows) < 500:
            break
    for batch in _batches(store):
        with reading() as session:
            named = [found.digest for found in batch if found.digest]
            known = set(session.scalars(select(DocumentBlob.digest).where(DocumentBlob.digest.in_(named))))
        report.strays += [found.path for found in batch if found.digest not in known]
    return report


def _check(report: Report, store: Storage, digest: str, *, is_used: bool) -> None:
    report.checked += 1
    if store.size_of(digest) is None:
        if is_used:
            report.missing.append(digest)
        return
    try:
        for _piece in store.read(digest):
            pass
    except Damaged:
        report.damaged.append(digest)
