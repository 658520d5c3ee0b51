"""The list of documents as a CSV file, streamed; what it says of them, not what is in them."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from app.documents.filters import parse_document_query
from app.documents.queries import DocumentRow, list_documents
from app.events.operations import record
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel.actor import Actor, Permission
from app.kernel.db import transaction
from app.web.streams import stream_csv

ROWS_A_ROUND = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
HEAD = [
    "id", "name", "description", "tags", "type", "size_bytes", "version", "internal", "on", "on_id", "on_name", "by",
    "created_at", "updated_at",
]  # fmt: skip


def stream_documents(
    actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None, *, now: datetime
) -> Response:
    """The documents of a list.  That it was taken out is on record.  Raises NotAllowed, Invalid."""
    actor.require(Permission.DOCUMENT_EXPORT)
    with transaction() as session:
        query = parse_document_query(session, actor, given, sort)
        user = session.get_one(User, actor.user_id)
        detail = {
            "object": "document",
            "filter": {name: list(values) for name, values in query.given.items()},
        }
        record(session, actor, verb="exported", subject=user, at=now, detail=detail)

    def lines(own: Session) -> Iterator[str]:
        yield _BYTE_ORDER_MARK + _line(HEAD)
        cursor: str | None = None
        while True:
            page = list_documents(own, actor, query, cursor=cursor, limit=ROWS_A_ROUND)
            yield "".join(_line(_cells(row)) for row in page.items)
            own.expunge_all()  # so that memory stays flat however long the list is
            cursor = page.older
            if cursor is None:
                return

    return stream_csv("documents.csv", lines)


def _cells(row: DocumentRow) -> list[Any]:
    document, on = row.document, row.record
    return [
        document.ref, document.name, document.description, ", ".join(row.tags), document.file_type, document.size_bytes,
        document.number, document.is_internal, on.kind if on else "library", on.ref if on else "", on.name if on else "",
        row.by, document.created_at.isoformat(), document.updated_at.isoformat(),
    ]  # fmt: skip


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(["" if cell is None else neutralise(str(cell)) for cell in cells])
    return text.getvalue()
