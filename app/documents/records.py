"""The kinds of record that documents are attached to: those of activities, with the same names for their keys.

A kind that `activities.places` knows is a kind here as soon as `document` has a column for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.activities.places import PLACES, Place, place_of
from app.documents.models import Document
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope

LIBRARY = "library"


def column_of(place: Place) -> InstrumentedAttribute[int | None]:
    """The column of `document` with the key of such a record."""
    column: InstrumentedAttribute[int | None] = getattr(Document, place.column.key)
    return column


def is_of(record: Any) -> ColumnElement[bool]:
    """That a document is attached to this record; None: to none."""
    if record is None:
        return in_library()
    condition: ColumnElement[bool] = column_of(place_of(record)) == record.id
    return condition


def in_library() -> ColumnElement[bool]:
    """That a document is on no record."""
    return and_(*(column_of(place).is_(None) for place in PLACES))


def is_of_kind(kind: str) -> ColumnElement[bool]:
    """That a document is on a record of that kind, or in the library.  Raises LookupError."""
    if kind == LIBRARY:
        return in_library()
    return next(column_of(place).is_not(None) for place in PLACES if place.kind == kind)


def kinds() -> list[str]:
    """The kinds of record, then the library."""
    return [*(place.kind for place in PLACES), LIBRARY]


def key_of(document: Document) -> tuple[Place, int] | None:
    """The kind and key of the record that a document is on; None for one of the library."""
    for place in PLACES:
        key = getattr(document, place.column.key)
        if key is not None:
            return place, int(key)
    return None


@dataclass(frozen=True, slots=True)
class RecordName:
    """The record that a document is on, as its reader knows it."""

    kind: str
    ref: str
    name: str


def names_of_records(
    session: Session, actor: Actor, documents: Iterable[Document]
) -> Mapping[int, RecordName]:
    """Document's key → its record.  One statement for each kind."""
    wanted: dict[Place, dict[int, list[int]]] = {}
    for document in documents:
        found = key_of(document)
        if found is not None:
            wanted.setdefault(found[0], {}).setdefault(found[1], []).append(document.id)
    names: dict[int, RecordName] = {}
    for place, keys in wanted.items():
        model = place.model
        rows = session.scalars(select(model).where(scope(model, actor, Level.READ), model.id.in_(keys)))
        for record in rows:
            name = RecordName(place.kind, record.ref, place.name(record, actor))
            names.update(dict.fromkeys(keys[record.id], name))
    return names


def record_of(session: Session, actor: Actor, document: Document) -> Any:
    """The record that a document is on, if the actor may read it; None for one of the library, or where not."""
    found = key_of(document)
    if found is None:
        return None
    place, key = found
    model = place.model
    return session.scalar(select(model).where(scope(model, actor, Level.READ), model.id == key))
