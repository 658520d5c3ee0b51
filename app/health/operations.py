"""The worker's sign of life; how checks and backups ended."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.health.models import Upkeep, WorkerSign

THE_ONE = 1


def give_sign(session: Session, *, now: datetime) -> None:
    """Note that a worker is at work.  Does not commit."""
    signed = session.execute(
        update(WorkerSign).where(WorkerSign.id == THE_ONE).values(at=now),
        execution_options={"synchronize_session": False},
    )
    if not signed.rowcount:  # type: ignore[attr-defined]  # an UPDATE has a count
        session.add(WorkerSign(id=THE_ONE, at=now))


def note_upkeep(session: Session, name: str, *, is_well: bool, note: str, now: datetime) -> None:
    """Note how a check, or a backup, ended last.  Does not commit."""
    session.merge(Upkeep(name=name, at=now, is_well=is_well, note=note[:200]))
