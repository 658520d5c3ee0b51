"""Where uploaded files wait until they have been taken in: `CANAL_DATA/imports/`, one file an import.

A file is put there whole by a rename, and removed when its import has ended: what was refused is kept in
the database, with its cells, so that nothing needs the file any more.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.kernel.refs import IMPORT, is_ref
from app.kernel.text import clean_text

FOLDER = "imports"
LARGEST_UPLOAD = 50 * 1024 * 1024
_CHUNK = 1024 * 1024
_KINDS = {".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"}


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that waits.  path: relative to the data folder.  digest: SHA-256, in hex."""

    filename: str
    path: str
    digest: str
    size_bytes: int


def keep_file(
    source: IO[bytes], data: Path, ref: str, filename: str, *, largest: int | None = LARGEST_UPLOAD
) -> KeptFile:
    """Copy a file to where it waits.  data: the data folder.  ref: the import's public name.

    Raises Invalid (field `file`) when it is empty or larger than `largest` bytes; then nothing is kept.
    """
    if not is_ref(IMPORT, ref):
        raise ValueError(f"no public name of an import: {ref!r}")
    folder = data / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = display_name(filename)
    suffix = PurePath(name).suffix.lower()
    target = folder / f"{ref}{suffix if suffix in _KINDS else '.csv'}"
    descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".partial.")
    try:
        with os.fdopen(descriptor, "wb") as copy:
            digest, size = _copy(source, copy, largest)
            copy.flush()
            os.fsync(copy.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return KeptFile(name, f"{FOLDER}/{target.name}", digest, size)


def _copy(source: IO[bytes], copy: IO[bytes], largest: int | None) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if largest is not None and size > largest:
            megabytes = largest // (1024 * 1024)
            raise Invalid({"file": [_l("This file is larger than %(limit)s MB. Split it.", limit=megabytes)]})
        digest.update(chunk)
        copy.write(chunk)
    if size == 0:
        raise Invalid({"file": [_l("This file is empty.")]})
    return digest.hexdigest(), size


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def waiting_file(data: Path, path: str) -> Path:
    """Where a kept file is."""
    return data / path


def remove_file(data: Path, path: str) -> None:
    """Remove a kept file, if it is still there."""
    waiting_file(data, path).unlink(missing_ok=True)


def display_name(filename: str) -> str:
    """The file's own name as it is shown and stored: no folders, no control characters, not too long."""
    plain = PurePath(filename.replace("\\", "/")).name.encode("utf-8", "replace").decode().replace("\0", "")
    try:
        name = clean_text(plain, max_length=10_000) or "file.csv"
    except Invalid:
        name = "file.csv"
    stem, suffix = PurePath(name).stem, PurePath(name).suffix
    return name if len(name) <= 200 else stem[: 200 - len(suffix[:20])] + suffix[:20]
