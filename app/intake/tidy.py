"""What nobody will come back to: uploads that were never started, files that no import knows."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.intake.files import FOLDER, remove_file
from app.intake.models import Import, ImportState
from app.kernel.db import transaction

KEPT = timedelta(days=7)
_ENDED = (ImportState.DONE, ImportState.CANCELLED)
_AT_ONCE = 100


def forget_uploads(data: Path, *, now: datetime) -> int:
    """Cancel drafts of a week ago and remove files that wait for nothing; how many of both.

    data: the data folder.  Opens its transaction; for the worker.
    """
    with transaction() as session:
        forgotten = _cancel_drafts(session, now)
        strays = _stray_files(session, data, now)
    for path in (*forgotten, *strays):
        remove_file(data, path)
    return len(forgotten) + len(strays)


def _cancel_drafts(session: Session, now: datetime) -> list[str]:
    drafts = session.scalars(
        select(Import)
        .where(Import.state == ImportState.DRAFT, Import.created_at < now - KEPT)
        .order_by(Import.id)
        .limit(_AT_ONCE)
    ).all()
    for draft in drafts:
        draft.state, draft.finished_at = ImportState.CANCELLED, now
        draft.options = {"headers": draft.options.get("headers", [])}
    return [draft.path for draft in drafts]


def _stray_files(session: Session, data: Path, now: datetime) -> list[str]:
    """Files of a day ago or more whose import has ended or never came to be."""
    folder = data / FOLDER
    if not folder.exists():
        return []
    old = (now - timedelta(days=1)).timestamp()
    found = [f"{FOLDER}/{file.name}" for file in folder.iterdir() if file.stat().st_mtime < old][:_AT_ONCE]
    wanted = set(
        session.scalars(select(Import.path).where(Import.path.in_(found), Import.state.not_in(_ENDED)))
    )
    return [path for path in found if path not in wanted]
