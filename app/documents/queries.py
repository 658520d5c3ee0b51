"""Reading documents, with the names that stand beside them.  What somebody sees is `sharing.following`'s matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.queries import Person, page_of
from app.documents.file_types import FileType, known_type
from app.documents.filters import DOCUMENT_SORTS, DocumentQuery
from app.documents.models import Document, DocumentBlob, DocumentVersion, ScanState
from app.documents.records import RecordName, is_of, names_of_records
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, read_cursor
from app.lists.queries import tags_of
from app.sharing.differences import Count
from app.sharing.levels import get_with_level, given_level
from app.sharing.merge import Window, capped_count, merged_ids, order_of
from app.sharing.scope import scope
from app.sharing.walking import walked_by

SHOWN_RELATED = 5


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document with what stands beside it.

    author: who attached it, None for the vendor's people where a partner's reads, and for nobody.  digest: of
    the present version.  tags: in the order of the alphabet, none where partner people read: they are the
    vendor's words.  record: None for one of the library.
    """

    document: Document
    given: Level
    state: ScanState
    digest: str
    author: Person | None
    tags: Sequence[str] = ()
    record: RecordName | None = None

    @property
    def by(self) -> str:
        """The author's name, "" where there is nobody to be named."""
        return self.author.name if self.author else ""

    @property
    def file_type(self) -> FileType:
        return known_type(self.document.file_type)

    @property
    def is_ready(self) -> bool:
        return self.state is ScanState.CLEAN

    def may_edit(self, actor: Actor) -> bool:
        return self.given >= Level.EDIT and actor.can(Permission.DOCUMENT_EDIT)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a document.  author: as above.  note: what the scanner said."""

    number: int
    file_name: str
    file_type: FileType
    size_bytes: int
    state: ScanState
    note: str
    digest: str
    created_at: datetime
    author: Person | None
    restored_from: int | None

    @property
    def by(self) -> str:
        return self.author.name if self.author else ""

    @property
    def is_ready(self) -> bool:
        return self.state is ScanState.CLEAN


# One document


def get_document(
    session: Session, actor: Actor, ref: str, *, for_update: bool = False
) -> tuple[Document, Level]:
    """The document, with how much of it the actor has.  Raises NotFound, alike for hidden and absent."""
    return get_with_level(session, actor, Document, refs.DOCUMENT, ref, for_update=for_update)


def open_document(session: Session, actor: Actor, ref: str) -> DocumentRow:
    """The document with what stands beside it.  Raises NotFound."""
    document, given = get_document(session, actor, ref)
    return rows_of(session, actor, [(document, given)])[0]


def get_version(
    session: Session, actor: Actor, ref: str, number: int | None = None
) -> tuple[Document, VersionRow]:
    """A version of the document, the present one unless a number is given.  Raises NotFound."""
    document, _given = get_document(session, actor, ref)
    found = session.execute(
        _versions(actor, document).where(DocumentVersion.number == (number or document.number))
    ).first()
    if found is None:
        raise NotFound("document", ref)
    return document, _version(actor, found)


def list_versions(session: Session, actor: Actor, document: Document) -> list[VersionRow]:
    """All versions that the actor sees, the newest first.  document: one that the actor reads."""
    rows = session.execute(_versions(actor, document).order_by(DocumentVersion.number.desc()).limit(200))
    return [_version(actor, row) for row in rows]


def _versions(actor: Actor, document: Document) -> Select[DocumentVersion, DocumentBlob, User]:
    statement = (
        select(DocumentVersion, DocumentBlob, User)
        .join(DocumentBlob, DocumentBlob.id == DocumentVersion.blob_id)
        .outerjoin(User, User.id == DocumentVersion.created_by_id)
        .where(DocumentVersion.document_id == document.id)
    )
    return statement.where(DocumentVersion.is_internal.is_(False)) if actor.is_partner else statement


def _version(actor: Actor, row: Any) -> VersionRow:
    version, blob, author = row
    return VersionRow(
        number=version.number,
        file_name=version.file_name,
        file_type=known_type(version.file_type),
        size_bytes=version.size_bytes,
        state=version.state,
        note=version.note or "",
        digest=blob.digest,
        created_at=version.created_at,
        author=_known(actor, author),
        restored_from=version.restored_from,
    )


def _known(actor: Actor, author: User | None) -> Person | None:
    """Partner people are told of their own company's people alone."""
    if author is None or (actor.is_partner and author.partner_account_id != actor.company_id):
        return None
    return Person(author.ref, author.name)


# Several


@dataclass(frozen=True, slots=True)
class RelatedDocuments:
    """The newest documents of a record, and how many there are.  number: COUNT_CAP + 1 for more than that."""

    rows: Sequence[DocumentRow]
    number: int


def documents_of(
    session: Session, actor: Actor, record: Any, *, limit: int = SHOWN_RELATED
) -> RelatedDocuments:
    """What the actor may read of the documents of a record.  Four statements, whatever their number."""
    conditions = (scope(Document, actor, Level.READ), is_of(record))
    found = session.execute(
        select(Document, given_level(Document, actor))
        .where(*conditions)
        .order_by(Document.created_at.desc(), Document.id.desc())
        .limit(limit)
    ).all()
    rows = rows_of(session, actor, [(document, Level(given)) for document, given in found], records=False)
    if len(rows) < limit:
        return RelatedDocuments(rows, len(rows))
    counted = select(Document.id).where(*conditions).limit(COUNT_CAP + 1).subquery()
    return RelatedDocuments(rows, session.scalar(select(func.count()).select_from(counted)) or 0)


def page_of_record(
    session: Session,
    actor: Actor,
    record: Any,
    query: DocumentQuery,
    *,
    cursor: str | None,
    limit: int = PAGE_SIZE,
) -> Page[DocumentRow]:
    """A page of the documents of a record, found by it.  Raises BadCursor."""
    window, back = _window(actor, query, DOCUMENT_SORTS[query.sort], cursor, limit)
    if query.is_void:
        return Page([])
    found = session.execute(
        select(Document, given_level(Document, actor))
        .where(scope(Document, actor, Level.READ), is_of(record), *query.conditions, *_after(window))
        .order_by(*order_of(window, _Columns(window.sort, Document.id)))
        .limit(limit + 1)
    ).all()
    rows = rows_of(session, actor, [(document, Level(given)) for document, given in found])
    entries = [(row, getattr(row.document, str(window.sort.key)), row.document.id) for row in rows]
    return page_of(actor, query, entries, limit, back, cursor is not None)


def _window(
    actor: Actor, query: DocumentQuery, sort: InstrumentedAttribute[Any], cursor: str | None, limit: int
) -> tuple[Window, bool]:
    if not cursor:
        return Window(sort, query.descending, limit), False
    value, key, back = read_cursor(actor.user_id, query.shape, cursor)
    return Window(sort, query.descending != back, limit, (value, key)), back


@dataclass(frozen=True, slots=True)
class _Columns:
    sort_value: Any
    id: Any

    @property
    def c(self) -> "_Columns":
        return self


def _after(window: Any) -> list[Any]:
    if window.after is None:
        return []
    from sqlalchemy import literal, tuple_

    here = tuple_(window.sort, Document.id)
    value, key = window.after
    there = tuple_(literal(value, window.sort.type), literal(key, Document.id.type))
    return [here < there if window.descending else here > there]


def list_documents(
    session: Session, actor: Actor, query: DocumentQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[DocumentRow]:
    """A page of all documents that the actor may read.  Raises BadCursor."""
    window, back = _window(actor, query, DOCUMENT_SORTS[query.sort], cursor, limit)
    if query.is_void:
        return Page([])
    walked = walked_by(session, actor, Document, query.conditions)
    ids = merged_ids(Document, actor, window, query.conditions, level=Level.READ, walked=walked).subquery(
        "page"
    )
    statement = (
        select(Document, given_level(Document, actor), ids.c.sort_value)
        .join(ids, ids.c.id == Document.id)
        .where(scope(Document, actor, Level.READ))
        .order_by(*order_of(window, ids))
        .limit(limit + 1)
    )
    found = session.execute(statement).all()
    rows = rows_of(session, actor, [(document, Level(given)) for document, given, _value in found])
    entries = [(row, value, row.document.id) for row, (_d, _g, value) in zip(rows, found, strict=True)]
    return page_of(actor, query, entries, limit, back, cursor is not None)


def count_documents(session: Session, actor: Actor, query: DocumentQuery, *, cap: int = COUNT_CAP) -> int:
    """How many match, at most `cap` + 1."""
    return 0 if query.is_void else _count(session, actor, query.conditions, cap)


def _count(session: Session, actor: Actor, conditions: Sequence[Any], cap: int) -> int:
    walked = walked_by(session, actor, Document, conditions)
    counted = capped_count(Document, actor, conditions, cap=cap, level=Level.READ, walked=walked)
    return session.scalar(counted) or 0


def count_library(session: Session, actor: Actor, *, for_partners: bool = False) -> Count:
    """How many documents are on no record, of those that the actor reads.

    for_partners: without those that are the vendor's own.
    """
    conditions = [is_of(None), *([Document.is_internal.is_(False)] if for_partners else [])]
    number = _count(session, actor, conditions, COUNT_CAP)
    return Count(min(number, COUNT_CAP), number > COUNT_CAP)


def rows_of(
    session: Session, actor: Actor, found: Sequence[tuple[Document, Level]], *, records: bool = True
) -> list[DocumentRow]:
    """The documents with what stands beside them.  records: whether the records' names are wanted.

    A constant number of statements.
    """
    documents = [document for document, _given in found]
    if not documents:
        return []
    keys = [document.id for document in documents]
    beside = {
        row.document_id: row
        for row in session.execute(
            select(DocumentVersion.document_id, DocumentVersion.state, DocumentBlob.digest, User)
            .join(DocumentBlob, DocumentBlob.id == DocumentVersion.blob_id)
            .join(
                Document,
                (Document.id == DocumentVersion.document_id) & (Document.number == DocumentVersion.number),
            )
            .outerjoin(User, User.id == Document.created_by_id)
            .where(scope(Document, actor, Level.READ), Document.id.in_(keys))
        )
    }
    tags = {} if actor.is_partner else tags_of(session, Document.__tablename__, keys)
    names = names_of_records(session, actor, documents) if records else {}
    return [
        DocumentRow(
            document,
            given,
            beside[document.id].state,
            beside[document.id].digest,
            _known(actor, beside[document.id].User),
            tags.get(document.id, ()),
            names.get(document.id),
        )
        for document, given in found
        if document.id in beside
    ]
