"""The documents of a record, as pages of any room show them.

documents=panel_of(session, actor, record)    # in the view, with a record that the actor reads
{% include "documents/_panel.html" %}         # in the page
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import format_decimal
from sqlalchemy.orm import Session

from app.activities.places import place_of
from app.documents.file_types import ACCEPTED, kinds_taken
from app.documents.forms import AttachForm
from app.documents.operations import require_attaching
from app.documents.queries import DocumentRow, documents_of
from app.documents.uploads import largest_document
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import DomainError
from app.kernel.paging import COUNT_CAP
from app.settings import current_settings


@dataclass(frozen=True, slots=True)
class Attaching:
    """Where files are sent, and what is taken.  may_hide: whether they can be kept from partners."""

    url: str
    may_hide: bool
    largest_bytes: int
    largest_mb: int
    accepted: str
    kinds: str


@dataclass(frozen=True, slots=True)
class DocumentPanel:
    """What `documents/_panel.html` shows.

    count: of all that the reader sees, in words.  all_url: the record's list.  attaching: None for who may not.
    """

    rows: Sequence[DocumentRow]
    count: str
    has_more: bool
    all_url: str
    attaching: Attaching | None
    form: AttachForm


def panel_of(session: Session, actor: Actor, record: Any, given: Level | None = None) -> DocumentPanel:
    """The panel of a record that the actor reads.  Some five statements, whatever there is.

    given: the actor's level of the record, where it is known already.
    """
    found = documents_of(session, actor, record)
    count = f"{format_decimal(COUNT_CAP)}+" if found.number > COUNT_CAP else format_decimal(found.number)
    url = list_url(record)
    return DocumentPanel(
        found.rows,
        count,
        found.number > len(found.rows),
        url,
        attaching_to(session, actor, record, given),
        AttachForm(formdata=None),
    )


def attaching_to(session: Session, actor: Actor, record: Any, given: Level | None = None) -> Attaching | None:
    """How the actor attaches to the record, or to the library; None where they may not."""
    if not actor.can(Permission.DOCUMENT_EDIT):
        return None
    try:
        require_attaching(session, actor, record, given)
    except DomainError:
        return None
    return Attaching(
        list_url(record),
        actor.is_internal,
        largest_document(),
        current_settings().document_mb,
        ACCEPTED,
        kinds_taken(),
    )


def list_url(record: Any) -> str:
    """The page of all documents of a record, to which files are sent as well; None: the library's."""
    if record is None:
        return url_for("documents.index")
    kind = place_of(record).kind
    named: dict[str, Any] = {f"{kind}_ref": record.ref}
    return url_for(f"documents.of_{kind}", **named)


def record_url(kind: str, ref: str) -> str:
    """The page of the record that a document is on."""
    named: dict[str, Any] = {f"{kind}_ref": ref}
    return url_for(f"{refs.room_of(kind)}.show", **named)


def size_words(size: int) -> str:
    """A size as people write it: 340 kB, 1.2 MB."""
    for unit, base in (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024)):
        if size >= base:
            return f"{format_decimal(round(size / base, 1 if size < 10 * base else 0))} {unit}"
    return f"{size} B"
