"""What lists of documents can show, filter by, sort by and edit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.list_fields import user_field
from app.documents.file_types import TYPES
from app.documents.filters import DOCUMENT_FILTERS, DOCUMENT_SORTS, parse_document_query
from app.documents.models import Document
from app.documents.operations import edit_document
from app.documents.panel import record_url, size_words
from app.documents.queries import list_documents
from app.documents.records import LIBRARY, kinds, names_of_records
from app.kernel import labels, refs
from app.kernel.actor import Actor, Level, Permission
from app.lists.catalogue import (
    SAME,
    Condition,
    Kind,
    Link,
    ListField,
    ListObject,
    MakeCondition,
    add_provider,
    describe,
)
from app.routing.criteria import Op
from app.sharing.scope import scope

# Cases are the vendor's own; partner people do not know them.
_OF_PARTNERS = ("lead", "account", "contact", "opportunity")


def _kinds(_session: Session, actor: Actor) -> Sequence[tuple[str, str]]:
    """What documents can be on, as far as the actor sees such records."""
    shown = [k for k in kinds() if k != LIBRARY and (actor.is_internal or k in _OF_PARTNERS)]
    return [*((kind, labels.many(kind, title=True)) for kind in shown), (LIBRARY, _("Library"))]


def _types(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(key, str(each.label)) for key, each in TYPES.items()]


def _by_filter(name: str) -> MakeCondition:
    """The condition of a filter by name, for any of several values, or none of them."""

    def make(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        values = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
        found = DOCUMENT_FILTERS[name](session, actor, values)
        return ~found if op in (Op.NOT_EQUALS, Op.NOT_IN) else found

    return make


def _by_author(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        empty = Document.created_by_id.is_(None)
        return empty if op is Op.IS_EMPTY else ~empty
    values = [str(each) for each in (value if isinstance(value, tuple) else (value,))]
    found = Document.created_by_id.is_not(None) & DOCUMENT_FILTERS["by"](session, actor, values)
    return ~found if op in (Op.NOT_EQUALS, Op.NOT_IN) else found


def _records(session: Session, actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    documents = session.scalars(
        select(Document).where(scope(Document, actor, Level.READ), Document.id.in_(list(keys)))
    ).all()
    names = names_of_records(session, actor, documents)
    library = Link(_("Library"))
    found: dict[Any, Any] = dict.fromkeys(keys, library)
    found.update({key: Link(on.name, record_url(on.kind, on.ref)) for key, on in names.items()})
    return found


def _sizes(_session: Session, _actor: Actor, sizes: Collection[Any]) -> Mapping[Any, Any]:
    return {size: size_words(size) for size in sizes}


def _text_of_link(link: Link) -> str:
    return link.text


def _says_internal(_op: Op, value: str) -> str:
    return _("it is not for partners") if value == _("yes") else _("it is for partners too")


def _fields(_session: Session, actor: Actor) -> Sequence[ListField]:
    found = [
        ListField("name", _l("Name"), Kind.TEXT, Document.name, sort="name", edits="name"),
        ListField("description", _l("Description"), Kind.LONG_TEXT, Document.description, edits="description"),
        ListField(
            "record", _l("Attached to"), Kind.REFERENCE, Document.id, resolve=_records, text=_text_of_link,
            is_filter=False,
        ),
        ListField(
            "on", _l("Attached to"), Kind.CHOICE, Document.id, _by_filter("on"), SAME[:4], _kinds, is_column=False,
            is_export=False,
        ),
        ListField("type", _l("Type"), Kind.CHOICE, Document.file_type, ops=SAME[:4], choices=_types),
        ListField(
            "size", _l("Size"), Kind.TEXT, Document.size_bytes, resolve=_sizes, sort="size", is_filter=False,
            is_export=False,
        ),
        ListField(
            "size_bytes", _l("Size in bytes"), Kind.NUMBER, Document.size_bytes, is_column=False, unit=_l("bytes"),
        ),
        ListField("number", _l("Version"), Kind.NUMBER, Document.number),
        _author(actor),
        ListField("created_at", _l("Added"), Kind.MOMENT, Document.created_at, sort="created_at"),
        ListField("updated_at", _l("Changed"), Kind.MOMENT, Document.updated_at, sort="updated_at"),
    ]  # fmt: skip
    if actor.is_internal:
        found += [
            user_field("updated_by", _l("Changed by"), Document.updated_by_id),
            ListField(
                "internal", _l("Not for partners"), Kind.YES_NO, Document.is_internal, says=_says_internal
            ),
        ]
    return found


def _author(actor: Actor) -> ListField:
    """Who attached it: the one who counts as a document's own person, for the view of what is mine."""
    return replace(user_field("owner", _l("Added by"), Document.created_by_id), condition=_by_author)


def _meant(session: Session, actor: Actor, text: str) -> Sequence[tuple[str, str]]:
    found = list_documents(session, actor, parse_document_query(session, actor, {"q": [text]}), limit=8)
    return [(row.document.ref, row.document.name) for row in found.items]


_SIMPLE: Mapping[str, Callable[..., Condition]] = {
    name: make for name, make in DOCUMENT_FILTERS.items() if name not in ("tag", "on", "type", "internal")
}

describe(
    ListObject(
        name="document",
        model=Document,
        prefix=refs.DOCUMENT,
        root="documents.index",
        view=Permission.DOCUMENT_VIEW,
        edit=Permission.DOCUMENT_EDIT,
        export=Permission.DOCUMENT_EXPORT,
        title="name",
        columns=("record", "tag", "type", "owner", "created_at", "internal"),
        sorts=DOCUMENT_SORTS,
        sort="-created_at",
        simple=_SIMPLE,
        quick=("on", "type", "owner"),
        write=edit_document,
        suggest=_meant,
        has_owner=False,
        has_form=False,
    )
)
add_provider("document", _fields)
