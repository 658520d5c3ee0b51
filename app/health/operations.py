"""The worker's sign of life."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.health.models import WorkerSign

THE_ONE = 1


def give_sign(session: Session, *, now: datetime) -> None:
    """Note that a worker is at work.  Does not commit."""
    signed = session.execute(
        update(WorkerSign).where(WorkerSign.id == THE_ONE).values(at=now),
        execution_options={"synchronize_session": False},
    )
    if not signed.rowcount:  # type: ignore[attr-defined]  # an UPDATE has a count
        session.add(WorkerSign(id=THE_ONE, at=now))
