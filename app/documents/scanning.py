"""A scanner's look at each new content before anybody can download it.

The command of the setting is given the content on its standard input: exit code 0 lets it pass, 1 refuses it;
anything else, or no answer, leaves it waiting and is tried again.
"""

import shlex
import subprocess
import tempfile
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update

from app.documents.models import BlobState, DocumentBlob
from app.documents.storage import storage
from app.kernel import clock
from app.kernel.db import reading, transaction
from app.kernel.errors import DomainError
from app.settings import current_settings

log = structlog.get_logger("canal.documents")

LEASE = timedelta(minutes=10)
AGAIN = timedelta(minutes=1)
LONGEST_SECONDS = 300
CLEAN, FOUND = 0, 1


def scan_step() -> bool:
    """Scan one content that waits; whether there was one.  For the worker; any number may run side by side."""
    now = clock.now()
    waiting = (
        DocumentBlob.state == BlobState.WAITING,
        or_(DocumentBlob.scan_at.is_(None), DocumentBlob.scan_at <= now),
    )
    with reading() as session:
        key = session.scalar(select(DocumentBlob.id).where(*waiting).order_by(DocumentBlob.scan_at).limit(1))
    if key is None:
        return False
    with transaction() as session:
        taken = session.execute(
            update(DocumentBlob)
            .where(DocumentBlob.id == key, *waiting)
            .values(scan_at=now + LEASE)
            .returning(DocumentBlob.digest)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
    if taken is not None:
        state, note = scan(taken)
        _note(key, state, note, now=clock.now())
    return True


def scan(digest: str) -> tuple[BlobState, str]:
    """What the scanner says of a content, and its words.  Without a scanner all pass."""
    command = shlex.split(current_settings().scan_command)
    if not command:
        return BlobState.CLEAN, ""
    try:
        with tempfile.TemporaryFile() as file:
            for piece in storage().read(digest):
                file.write(piece)
            file.seek(0)
            done = subprocess.run(  # noqa: S603 - the operator's own command, without a shell
                command, stdin=file, capture_output=True, timeout=LONGEST_SECONDS, check=False
            )
    except (OSError, subprocess.TimeoutExpired, DomainError) as error:
        log.error("the scanner did not answer", error=type(error).__name__)
        return BlobState.WAITING, ""
    words = (done.stdout or done.stderr).decode("utf-8", "replace")
    if done.returncode == CLEAN:
        return BlobState.CLEAN, ""
    if done.returncode == FOUND:
        return BlobState.REFUSED, words
    log.error("the scanner failed", code=done.returncode, said=words[:200])
    return BlobState.WAITING, words


def _note(key: int, state: BlobState, note: str, *, now: datetime) -> None:
    printable = "".join(c if c.isprintable() else " " for c in note)
    values = {"state": state, "note": " ".join(printable.split())[:255] or None}
    done = (
        {"scanned_at": now, "scan_at": None} if state is not BlobState.WAITING else {"scan_at": now + AGAIN}
    )
    with transaction() as session:
        session.execute(
            update(DocumentBlob)
            .where(DocumentBlob.id == key)
            .values(**values, **done)
            .execution_options(synchronize_session=False)
        )
