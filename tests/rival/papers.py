"""Documents in the rival's world: their own, what others attached to the same lead, and what hangs on records of others."""

import hashlib
import io
from typing import Any

from sqlalchemy.orm import Session

from app.documents.blobs import announce_blob
from app.documents.file_types import TYPES
from app.documents.models import Document, DocumentVersion
from app.documents.operations import attach_document
from app.documents.storage import storage
from app.documents.uploads import Received
from app.identity.models import User
from tests.factories import actor_of, rows
from tests.rival.worlds import STEM, STRANGER, World, veil


def attach(session: Session, world: World, user: User, record: Any, name: str, **values: Any) -> Document:
    content = f"content of {name}".encode()
    digest = hashlib.sha256(content).hexdigest()
    announce_blob(session, digest, len(content), now=world.now)
    storage().put(digest, len(content), io.BytesIO(content))
    received = Received(f"{name}.txt", digest, len(content), TYPES["text"])
    actor = actor_of(session, user)
    tags = None if actor.is_partner else f"{STRANGER} tag"
    return attach_document(session, actor, record, received, tags=tags, now=world.now, **values).document


def add_own_documents(session: Session, world: World) -> None:
    """One of Otto's on his lead, one of the vendor's that he sees there, one of Porta's."""
    people = world.people
    own = attach(session, world, people["otto"], world.leads["otto"], "own", description="Ours")
    shown = attach(session, world, people["ada"], world.leads["otto"], "shown")
    world.southwinds["doc"] += [own.ref, shown.ref]
    portas = attach(session, world, people["porta"], world.leads["porta"], "portas")
    world.portas["doc"].append(portas.ref)


def add_veiled_documents(session: Session, world: World) -> None:
    """On Otto's own lead: one that is internal, one of the company that had it before.  On records of others: some."""
    people = world.people
    inner = attach(session, world, people["ada"], world.leads["otto"], "inner", is_internal=True)
    former = attach(session, world, people["ada"], world.leads["otto"], "former")
    former.company_id, former.created_by_id = world.northwind.account_id, people["pia"].id
    had = attach(session, world, people["ada"], world.leads["moved on"], "had")
    had.company_id, had.created_by_id = world.southwind.account_id, people["otto"].id
    others = [
        attach(session, world, people["pia"], world.leads["of pia"], "of pia"),
        attach(session, world, people["ada"], world.leads["waiting"], "of a preview"),
        attach(session, world, people["ada"], None, "of the library"),
        *(
            attach(session, world, people["nora"], record, f"of {name}")
            for name, record in sorted(world.records.items())
            if name in ("above", "chief")
        ),
    ]
    gone = attach(session, world, people["ada"], world.leads["of ada"], "gone")
    gone.deleted_at = world.now
    veiled = [inner, former, had, *others, gone]
    session.flush()
    veil(*veiled)
    keys = [document.id for document in veiled]
    versions = rows(session, DocumentVersion, DocumentVersion.document_id.in_(keys))
    veil(*versions)
    for version in versions:
        version.note = f"{STEM} said"
    world.veiled["doc"] += [document.ref for document in veiled]
