"""A file arrives: looked at, measured, stored; by a page and by the API alike.

Called by doors before they open the transaction in which a document is made of it, since a large file is not
to be copied while SQLite's only writer is held.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from flask_babel import lazy_gettext as _l

from app.documents.blobs import announce_blob
from app.documents.file_types import FileType, NotTaken, find_type
from app.documents.names import UNNAMED, safe_name, with_ending
from app.documents.storage import PIECE, storage
from app.kernel.actor import Actor, Permission
from app.kernel.db import let_go, transaction
from app.kernel.errors import DomainError
from app.settings import current_settings

MEGABYTE = 1024 * 1024


class TooLarge(DomainError):
    """More than is taken."""

    status = 413
    slug = "too-large"


@dataclass(frozen=True, slots=True)
class Received:
    """A content that is stored.  name: the file's own, made safe."""

    name: str
    digest: str
    size_bytes: int
    file_type: FileType


def receive_file(actor: Actor, stream: IO[bytes], filename: str | None, *, now: datetime) -> Received:
    """Store the content of an uploaded file.  stream: can be wound back.

    Opens its own transaction, in which the content is announced; whatever goes wrong later, the worker
    removes it when nothing has come to use it.
    Raises NotAllowed, TooLarge, NotTaken (empty, of a kind that is not taken), StorageUnavailable.
    """
    actor.require(Permission.DOCUMENT_EDIT)
    let_go()
    name = safe_name(filename)
    digest, size = _measured(stream)
    if size == 0:
        raise NotTaken(_l("This file is empty."))
    file_type = find_type(stream, name, size)
    if name == UNNAMED:
        name = with_ending(name, file_type)
    received = Received(name, digest, size, file_type)
    _store(stream, received, now)
    return received


def _store(stream: IO[bytes], received: Received, now: datetime) -> None:
    with transaction() as session:
        announce_blob(session, received.digest, received.size_bytes, now=now)
    storage().put(received.digest, received.size_bytes, stream)


def largest_document() -> int:
    """The size in bytes up to which a file is taken."""
    return current_settings().document_mb * MEGABYTE


def too_large() -> TooLarge:
    """The refusal of a file, with the limit."""
    return TooLarge(
        _l(
            "This is more than %(limit)s MB, which is the most that is taken at a time.",
            limit=current_settings().document_mb,
        )
    )


def _measured(stream: IO[bytes]) -> tuple[str, int]:
    """Digest and size; as soon as it is too large nothing more is read."""
    largest, digest, size = largest_document(), hashlib.sha256(), 0
    stream.seek(0)
    while piece := stream.read(PIECE):
        size += len(piece)
        if size > largest:
            raise too_large()
        digest.update(piece)
    return digest.hexdigest(), size
