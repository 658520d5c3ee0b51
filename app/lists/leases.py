"""Who works on a long job: one process at a time, by a lease that it renews with every batch (as imports do)."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.kernel.holders import holder_is_gone, new_holder
from app.lists.models import JobKind, JobState, ListJob

LEASE = timedelta(seconds=60)
TO_DO = (JobState.WAITING, JobState.RUNNING)


def lease_next(
    session: Session, *, now: datetime, kinds: Collection[JobKind], job_id: int | None = None
) -> tuple[int, str] | None:
    """Take the oldest job of these kinds that waits or whose worker is gone, or that one: (its id, the lease), or None.

    Does not commit.
    """
    statement = select(ListJob.id, ListJob.lease, ListJob.leased_until).where(
        ListJob.state.in_(TO_DO), ListJob.kind.in_(kinds)
    )
    if job_id is not None:
        statement = statement.where(ListJob.id == job_id)
    for found_id, lease, leased_until in session.execute(statement.order_by(ListJob.id)).all():
        if leased_until is None or leased_until <= now or holder_is_gone(lease):
            mine = _take(session, found_id, lease, now)
            if mine is not None:
                return found_id, mine
    return None


def _take(session: Session, job_id: int, before: str | None, now: datetime) -> str | None:
    mine = new_holder()
    same = ListJob.lease.is_(None) if before is None else ListJob.lease == before
    expired = or_(ListJob.leased_until.is_(None), ListJob.leased_until <= now)
    free = expired if before is None or not holder_is_gone(before) else same
    taken = session.execute(
        update(ListJob)
        .where(ListJob.id == job_id, ListJob.state.in_(TO_DO), same, free)
        .values(lease=mine, leased_until=now + LEASE, state=JobState.RUNNING)
        .execution_options(synchronize_session=False)
    )
    return mine if taken.rowcount == 1 else None  # type: ignore[attr-defined]  # an UPDATE has a count
