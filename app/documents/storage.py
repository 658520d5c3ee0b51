"""Where contents are kept: a folder of the data folder, or a bucket of an S3 service; nothing above knows which.

A content is found by the SHA-256 of its bytes, so that it is stored once and cannot be put in place of
another.  It is checked when it is written and each time it is read.
"""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import lazy_gettext as _l

from app.kernel.errors import DomainError
from app.settings import Settings, current_settings

FOLDER = "documents"
PIECE = 1024 * 1024
SMALL = 4 * 1024 * 1024  # such contents are handed over whole, in one request
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class StorageUnavailable(DomainError):
    """The folder or the service did not take or give a content; nothing was changed."""

    status = 503
    slug = "unavailable"
    message = _l("Files cannot be stored or read just now. Nothing was changed. Try again in a few minutes.")


class StorageFull(StorageUnavailable):
    """There is no room left."""

    message = _l("There is no room left to store files. Nothing was kept. Tell your administrator.")


class Damaged(StorageUnavailable):
    """What is stored is not what was put there, or is gone."""

    message = _l("This file is damaged where it is stored. Tell your administrator.")


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies in the storage.  digest: as its place says; "" for something that is none of ours."""

    path: str
    digest: str
    size_bytes: int
    changed_at: datetime


class Storage:
    """The facade.  Digests are 64 hexadecimal characters; every call may raise StorageUnavailable."""

    def __init__(self, store: Any, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    def put(self, digest: str, size: int, source: IO[bytes]) -> None:
        """Store a content, also where it is there: how long it takes tells nobody that others have it, too.

        source: read from its beginning.  Raises Damaged when the bytes have another digest; then nothing is changed.
        """
        source.seek(0)
        pieces = _Hashing(source)
        with _translated():
            import obstore

            if size <= SMALL:
                whole = b"".join(pieces)
                pieces.check(digest)
                obstore.put(self._store, _path(digest), whole, use_multipart=False)
            else:
                for _piece in pieces:  # looked at first: what lies there is not to be put at risk
                    pass
                pieces.check(digest)
                source.seek(0)
                # Parts are sent as they are read.  Put over the same content it changes nothing.
                parts = iter(_Hashing(source))
                obstore.put(self._store, _path(digest), parts, chunk_size=5 * PIECE, max_concurrency=2)
            self._sync(digest)

    def read(self, digest: str) -> Iterator[bytes]:
        """The content in pieces.  The last one comes only when the whole has proved to be what was stored.

        Raises Damaged: before the first piece where it is absent, else in place of the last.
        """
        with _translated():
            import obstore

            try:
                pieces = iter(obstore.get(self._store, _path(digest)).stream(min_chunk_size=PIECE))
            except (FileNotFoundError, obstore.exceptions.NotFoundError):
                raise Damaged from None
        return self._checked(pieces, digest)

    def read_part(self, digest: str, start: int, length: int) -> Iterator[bytes]:
        """So many bytes of the content from `start` on, in pieces.  A part cannot be compared with the digest.

        Raises Damaged where it is absent or ends too early.
        """
        with _translated():
            import obstore

            end = start + length
            while start < end:
                size = min(PIECE, end - start)
                try:
                    piece = bytes(obstore.get_range(self._store, _path(digest), start=start, length=size))
                except (FileNotFoundError, obstore.exceptions.NotFoundError):
                    raise Damaged from None
                if len(piece) != size:
                    raise Damaged
                start += size
                yield piece

    @staticmethod
    def _checked(pieces: Iterator[Any], digest: str) -> Iterator[bytes]:
        found, held = hashlib.sha256(), b""
        with _translated():
            for piece in pieces:
                if held:
                    yield held
                held = bytes(piece)
                found.update(held)
        if found.hexdigest() != digest:
            raise Damaged
        yield held

    def size_of(self, digest: str) -> int | None:
        """The size of a stored content; None where there is none."""
        with _translated():
            import obstore

            try:
                return int(obstore.head(self._store, _path(digest))["size"])
            except (FileNotFoundError, obstore.exceptions.NotFoundError):
                return None

    def delete(self, digest: str) -> None:
        """Remove a content, if it is there."""
        with _translated():
            import obstore

            with contextlib.suppress(FileNotFoundError, obstore.exceptions.NotFoundError):
                obstore.delete(self._store, _path(digest))

    def everything(self, after: str = "") -> Iterator[Stored]:
        """All that lies there.  after: goes on behind this path."""
        with _translated():
            import obstore

            options = {"offset": after} if after else {}
            for batch in obstore.list(self._store, chunk_size=500, **options):
                for found in batch:
                    path = str(found["path"])
                    yield Stored(path, _digest_in(path), int(found["size"]), found["last_modified"])

    def _sync(self, digest: str) -> None:
        """In a folder: on the disk before anything says that it is stored."""
        if self._folder is None:
            return
        path = self._folder / _path(digest)
        for each in (path, path.parent):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class _Hashing:
    """The bytes of a stream in pieces, and the digest of what was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._found = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._source.read(PIECE):
            self._found.update(piece)
            yield piece

    @property
    def digest(self) -> str:
        return self._found.hexdigest()

    def check(self, digest: str) -> None:
        if self.digest != digest:
            raise Damaged


def _path(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError("no digest")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _digest_in(path: str) -> str:
    name = path.rpartition("/")[2]
    try:
        return name if path == _path(name) else ""
    except ValueError:
        return ""


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turns what the storage complains about into errors that people can read."""
    from obstore.exceptions import BaseError

    try:
        yield
    except DomainError:
        raise
    except (BaseError, OSError) as error:
        is_full = getattr(error, "errno", None) in _NO_ROOM or any(
            os.strerror(number) in str(error) for number in _NO_ROOM
        )
        current_app.logger.error("storage: %s: %s", type(error).__name__, str(error)[:300])
        raise (StorageFull if is_full else StorageUnavailable) from error


def storage() -> Storage:
    """The storage of the application at work, made on first use."""
    kept = current_app.extensions.get("canal.storage")
    if kept is None:
        kept = current_app.extensions["canal.storage"] = make_storage(current_settings())
    assert isinstance(kept, Storage)
    return kept


def make_storage(settings: Settings) -> Storage:
    """The storage that the settings name.  Raises StorageUnavailable."""
    from obstore.store import LocalStore, S3Store

    if not settings.storage_bucket:
        folder = settings.data / FOLDER
        with _translated():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Storage(LocalStore(prefix=folder), folder)
    endpoint = settings.storage_endpoint
    options: dict[str, Any] = {
        "endpoint": endpoint or None,
        "region": settings.storage_region,
        "access_key_id": settings.storage_key_id.get_secret_value() or None,
        "secret_access_key": settings.storage_secret.get_secret_value() or None,
    }
    client: dict[str, Any] = {"timeout": "60s"}
    if endpoint and urlsplit(endpoint).scheme == "http":
        client["allow_http"] = True
    with _translated():
        store = S3Store(
            settings.storage_bucket,
            prefix=settings.storage_prefix.strip("/") or None,
            client_options=client,  # type: ignore[arg-type]  # a dict of the keys that it takes
            **{name: value for name, value in options.items() if value is not None},
        )
    return Storage(store)
