"""Files beside the database that hold something of an erased person: exports, imported files, kept copies of mails."""

import contextlib
import email
import email.policy
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.care.erasable import Needles
from app.intake.files import FOLDER as IMPORTS
from app.lists.jobs import FOLDER as EXPORTS
from app.lists.models import ListJob
from app.settings import current_settings

LARGEST = 200 * 1024 * 1024  # a file that is larger goes unread: what may hold the person must not stay


def files_with(needles: Needles) -> list[Path]:
    """The files that hold something of the person, or are too large to be read."""
    pattern = needles.pattern
    return [path for path in _files() if _holds(path, pattern)]


def _files() -> Iterator[Path]:
    data = current_settings().data
    for folder in (data / EXPORTS, data / IMPORTS, data / "mail"):
        if folder.is_dir():
            yield from sorted(path for path in folder.rglob("*") if path.is_file())


def remove_files(session: Session, needles: Needles) -> int:
    """Remove them; exports among them cannot be downloaded any more.  How many.

    To be called at the end of the erasure's transaction: should that fail, what can be made again is made again.
    """
    found = files_with(needles)
    names = [path.name for path in found]
    session.execute(
        update(ListJob).where(ListJob.path.in_(names)).values(path=""),
        execution_options={"synchronize_session": False},
    )
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _holds(path: Path, pattern: re.Pattern[str]) -> bool:
    if path.stat().st_size > LARGEST:
        return True
    return any(pattern.search(text) for text in _texts(path))


def _texts(path: Path) -> Iterator[str]:
    raw = path.read_bytes()
    yield raw.decode("utf-8", errors="replace")
    yield raw.decode("utf-16", errors="replace")
    if path.suffix == ".eml":
        message = email.message_from_bytes(raw, policy=email.policy.default)
        yield from (str(value) for value in message.values())
        for part in message.walk():
            if part.get_content_maintype() == "text":
                yield part.get_content()
    elif zipfile.is_zipfile(path):
        with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if archive.getinfo(name).file_size <= LARGEST:
                    yield archive.read(name).decode("utf-8", errors="replace")
