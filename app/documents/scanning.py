"""A scanner's look at each new version before anybody can download it.

The command of the setting is given the content on its standard input: exit code 0 lets it pass, 1 refuses it;
anything else, or no answer, leaves it waiting and is tried again.  Each version is scanned for itself, also when its
content is there already: whether it is, is not to be told by how long a file waits.
"""

import shlex
import subprocess
import tempfile
from datetime import datetime, timedelta

import structlog
from sqlalchemy import or_, select, update

from app.documents.models import DocumentBlob, DocumentVersion, ScanState
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
    """Scan one version that waits; whether there was one.  For the worker; any number may run side by side."""
    now = clock.now()
    waiting = (
        DocumentVersion.state == ScanState.WAITING,
        or_(DocumentVersion.scan_at.is_(None), DocumentVersion.scan_at <= now),
    )
    with reading() as session:
        found = session.execute(
            select(DocumentVersion.id, DocumentVersion.blob_id)
            .where(*waiting)
            .order_by(DocumentVersion.scan_at)
            .limit(1)
        ).first()
    if found is None:
        return False
    key, blob_id = found
    with transaction() as session:
        taken = session.execute(
            update(DocumentVersion)
            .where(DocumentVersion.id == key, *waiting)
            .values(scan_at=now + LEASE)
            .returning(DocumentVersion.id)
            .execution_options(synchronize_session=False)
        ).scalar_one_or_none()
        digest = session.scalars(select(DocumentBlob.digest).where(DocumentBlob.id == blob_id)).one()
    if taken is not None:
        state, note = scan(digest)
        _note(key, blob_id, state, note, now=clock.now())
    return True


def scan(digest: str) -> tuple[ScanState, str]:
    """What the scanner says of a content, and its words.  Without a scanner all pass."""
    command = shlex.split(current_settings().scan_command)
    if not command:
        return ScanState.CLEAN, ""
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
        return ScanState.WAITING, ""
    words = (done.stdout or done.stderr).decode("utf-8", "replace")
    if done.returncode == CLEAN:
        return ScanState.CLEAN, ""
    if done.returncode == FOUND:
        return ScanState.REFUSED, words
    log.error("the scanner failed", code=done.returncode, said=words[:200])
    return ScanState.WAITING, words


def _note(key: int, blob_id: int, state: ScanState, note: str, *, now: datetime) -> None:
    """Write down what was said of a version; a refusal holds for its content, wherever it is."""
    printable = "".join(c if c.isprintable() else " " for c in note)
    values = {"state": state, "note": " ".join(printable.split())[:255] or None}
    done = (
        {"scanned_at": now, "scan_at": None} if state is not ScanState.WAITING else {"scan_at": now + AGAIN}
    )
    of_all = state is ScanState.REFUSED
    with transaction() as session:
        session.execute(
            update(DocumentVersion)
            .where(DocumentVersion.blob_id == blob_id if of_all else DocumentVersion.id == key)
            .values(**values, **done)
            .execution_options(synchronize_session=False)
        )
