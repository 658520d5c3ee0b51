"""Documents in the search box: by name, description or tag, as far as who asks may read them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.documents.filters import parse_document_query
from app.documents.panel import size_words
from app.documents.queries import DocumentRow, list_documents
from app.kernel.actor import Actor, Permission
from app.search.queries import Hit, Source, add_source


def _find_documents(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    query = parse_document_query(session, actor, {"q": [text]})
    page = list_documents(session, actor, query, limit=limit - 1)
    hits = [
        Hit(
            "document",
            row.document.ref,
            row.document.name,
            " · ".join(part for part in _notes(row) if part),
            key=row.document.id,
        )
        for row in page.items
    ]
    return [*hits, hits[-1]] if page.older else hits


def _notes(row: DocumentRow) -> tuple[str, ...]:
    return row.record.name if row.record else "", size_words(row.document.size_bytes), row.by


add_source(Source("document", "file", Permission.DOCUMENT_VIEW, _find_documents))
