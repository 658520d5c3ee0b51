"""Who works on an import: one process at a time, by a lease that it renews with every batch.

A lease is taken by a conditional update, so that of two workers one gets it.  Every batch checks in its
own transaction that the lease is still its own; a process that was stopped for longer than its lease,
and whose import another went on with, therefore writes nothing more.
"""

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.intake.models import Import, ImportState
from app.kernel.holders import holder_is_gone, new_holder

LEASE = timedelta(seconds=60)
_TO_DO = (ImportState.WAITING, ImportState.RUNNING)


def lease_next(session: Session, *, now: datetime) -> tuple[int, str] | None:
    """Take the oldest import that waits or whose worker is gone: (its id, the lease), or None.

    Does not commit.
    """
    for import_id, lease, leased_until in session.execute(
        select(Import.id, Import.lease, Import.leased_until)
        .where(Import.state.in_(_TO_DO))
        .order_by(Import.id)
    ).all():
        if leased_until is None or leased_until <= now or holder_is_gone(lease):
            mine = _take(session, import_id, lease, now)
            if mine is not None:
                return import_id, mine
    return None


def lease_one(session: Session, import_id: int, *, now: datetime) -> str | None:
    """Take this import; None while another process works on it, or when it is not to be run."""
    row = session.execute(
        select(Import.lease, Import.leased_until).where(Import.id == import_id, Import.state.in_(_TO_DO))
    ).first()
    if row is None or (row.leased_until and row.leased_until > now and not holder_is_gone(row.lease)):
        return None
    return _take(session, import_id, row.lease, now)


def _take(session: Session, import_id: int, before: str | None, now: datetime) -> str | None:
    mine = new_holder()
    same = Import.lease.is_(None) if before is None else Import.lease == before
    expired = or_(Import.leased_until.is_(None), Import.leased_until <= now)
    free = expired if before is None or not holder_is_gone(before) else same
    taken = session.execute(
        update(Import)
        .where(Import.id == import_id, Import.state.in_(_TO_DO), same, free)
        .values(lease=mine, leased_until=now + LEASE, state=ImportState.RUNNING)
        .execution_options(synchronize_session=False)
    )
    return mine if taken.rowcount == 1 else None  # type: ignore[attr-defined]  # an UPDATE has a count
