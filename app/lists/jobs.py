"""Long jobs over lists: asked for here, done by the worker batch after batch, found again until they are forgotten.

A job belongs to whoever asked for it: it reads and changes what they may, as things are when a batch comes up, and
nobody else sees it or its file.  A run that ends in any way is gone on with by whoever is there then: a change after
its last whole batch, an export from its beginning.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.queries import find_actor
from app.kernel import clock, refs
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite, transaction
from app.kernel.errors import Conflict, DomainError, Invalid
from app.lists.catalogue import ListObject, objects
from app.lists.leases import LEASE, TO_DO, lease_next
from app.lists.models import JobChange, JobKind, JobRefusal, JobState, ListJob
from app.lists.page import query_of
from app.lists.query import ListQuery
from app.settings import current_settings

FOLDER = "exports"
KEPT = timedelta(days=7)  # a job and its refusals
DOWNLOADABLE = timedelta(hours=24)
UNDO_WITHIN = timedelta(hours=24)
MOST_WAITING = 5

log = logging.getLogger(__name__)
NO_ACTOR = _l("Whoever asked for this may not do it any more.")
BROKEN = _l("Something went wrong on our side. What was done until then stays; ask again.")


class TooMany(Conflict):
    """Somebody asks for more and more before any of it is done."""

    slug = "in-progress"
    message = _l("Several of these are waiting already. Let them end first.")


class Lost(Exception):
    """The job was cancelled, or another process has gone on with it: this one writes nothing more."""


class Worker(Protocol):
    """What does one kind of job, batch after batch."""

    def step(self, job: "Held") -> bool:
        """Do the next batch; whether there is more."""

    def close(self) -> None:
        """Let go of what is open."""

    def fail(self, session: Session, job: ListJob) -> None:
        """The job ends before its end; what it leaves is put right.  Does not commit."""


def ask_for(
    session: Session,
    actor: Actor,
    object_: ListObject,
    kind: JobKind,
    params: Mapping[str, Sequence[str]],
    task: Mapping[str, Any],
    *,
    rows: int | None,
    now: datetime,
) -> ListJob:
    """A job that waits for the worker.  params: the list's; task: what is done.  rows: how many, where that is known.

    The caller has checked what it asks for.  Does not commit.  Raises TooMany.
    """
    waiting = select(ListJob.id).where(ListJob.user_id == actor.user_id, ListJob.state.in_(TO_DO))
    if len(session.scalars(waiting.limit(MOST_WAITING)).all()) >= MOST_WAITING:
        raise TooMany
    job = ListJob(
        ref=refs.new_ref(refs.EXPORT if kind is JobKind.EXPORT else refs.CHANGE),
        kind=kind,
        object=object_.name,
        user_id=actor.user_id,
        door=actor.door,
        query={name: list(values) for name, values in params.items()},
        task=dict(task),
        rows=rows,
        created_at=now,
    )
    session.add(job)
    session.flush()  # its id names the event
    return job


def cancel_job(session: Session, actor: Actor, job: ListJob, *, now: datetime) -> None:
    """End a job that has not ended; what was done stays.  Does not commit.  Raises Conflict for a merge."""
    if job.kind is JobKind.MERGE:
        raise Conflict(_l("A merge that has begun is finished: half of one would be of use to nobody."))
    if job.state in TO_DO:
        job.state, job.finished_at, job.lease, job.leased_until = JobState.CANCELLED, now, None, None
        job.expires_at = now + KEPT
        job.undo_until = now + UNDO_WITHIN if "of" not in job.task else None  # what was done until then
        record(session, actor, verb="cancelled", subject=job, at=now)


class Held:
    """A job in the hands of this process."""

    def __init__(self, job_id: int, lease: str) -> None:
        self.job_id, self.lease = job_id, lease

    def hold(self, session: Session) -> ListJob:
        """The job, nobody else's until the transaction ends, its lease renewed.  Raises Lost."""
        lock = None if is_sqlite(session) else True
        job = session.get(ListJob, self.job_id, populate_existing=True, with_for_update=lock)
        if job is None or job.lease != self.lease or job.state is not JobState.RUNNING:
            raise Lost
        job.leased_until = clock.now() + LEASE
        return job

    def end(self, session: Session, actor: Actor, state: JobState, detail: Any = None) -> None:
        """Write down how the job ended.  Does not commit."""
        job = self.hold(session)
        now = clock.now()
        job.state, job.finished_at, job.lease, job.leased_until = state, now, None, None
        job.expires_at = now + (DOWNLOADABLE if job.kind is JobKind.EXPORT else KEPT)
        job.detail = str(detail) if detail is not None else None
        if job.kind is JobKind.CHANGE:
            job.undo_until = None if "of" in job.task else now + UNDO_WITHIN
            told = {
                "changed": job.changed - job.went_along,
                "refused": job.refused,
                "what": job.task.get("act", ""),
            }
            if job.went_along:
                told["along"] = job.went_along
            record(session, actor, verb="changed_many", subject=job, at=now, detail=told)


def acting_for(session: Session, job: ListJob) -> Actor:
    """Whoever asked for the job, as they are now.  Raises Stopped when they may do nothing any more."""
    actor = find_actor(session, job.user_id, door=job.door)
    if actor is None or not actor.can(objects()[job.object].view):
        raise Stopped(NO_ACTOR)
    return actor


class Stopped(Exception):
    """The job cannot be finished.  reason: in words, for whoever asked for it."""

    def __init__(self, reason: Any) -> None:
        super().__init__()
        self.reason = reason


def list_of(session: Session, actor: Actor, job: ListJob) -> ListQuery:
    """The list that the job goes over, as it is asked for now.  Raises Stopped."""
    try:
        return query_of(session, actor, objects()[job.object], job.query)
    except Invalid as error:
        reason = " ".join(str(m) for messages in error.errors.values() for m in messages)
        raise Stopped(reason) from error


# Running


def _worker_for(job: ListJob) -> Worker:
    from app.care.merge_job import MergeRun
    from app.lists.change_run import ChangeRun
    from app.lists.export_run import ExportRun
    from app.lists.undo import UNDO, UndoRun

    if job.kind is JobKind.EXPORT:
        return ExportRun()
    if job.kind is JobKind.MERGE:
        return MergeRun()
    return UndoRun() if job.task["act"] == UNDO else ChangeRun()


OF_LISTS = (JobKind.EXPORT, JobKind.CHANGE)
# What this process is at, an open file perhaps, between two calls; the job's state is in the database.
_present: dict[Sequence[JobKind], tuple[Held, Worker]] = {}


def run_waiting(
    kinds: Sequence[JobKind] = OF_LISTS,
    *,
    seconds: float = 1.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Work on a job of these kinds that waits, for about so many seconds; whether there was anything to do.

    For the worker; the next call goes on with the same job.
    """
    if kinds not in _present:
        taken = _take(kinds)
        if taken is None:
            return False
        _present[kinds] = taken
    held, worker = _present[kinds]
    give_up = time.monotonic() + seconds
    try:
        while _step(held, worker):
            if should_stop():
                _let_go(held, worker)
                del _present[kinds]
                return True
            if time.monotonic() >= give_up:
                return True
    except BaseException:
        del _present[kinds]  # the lease runs out, and whoever is there then goes on
        worker.close()
        raise
    del _present[kinds]
    return True


def run_one(job_id: int) -> None:
    """Run this job to its end, here and now; nothing when another process is at work on it."""
    taken = _take(tuple(JobKind), job_id)
    if taken is not None:
        while _step(*taken):
            pass


def _take(kinds: Sequence[JobKind], job_id: int | None = None) -> tuple[Held, Worker] | None:
    with transaction() as session:
        leased = lease_next(session, now=clock.now(), kinds=kinds, job_id=job_id)
        if leased is None:
            return None
        job = session.get_one(ListJob, leased[0], populate_existing=True)
        job.started_at = job.started_at or clock.now()
        return Held(*leased), _worker_for(job)


def _step(held: Held, worker: Worker) -> bool:
    """The next batch, in a transaction or several of its own; False when the job has ended, whichever way."""
    try:
        more = worker.step(held)
    except Lost:
        more = False
    except Stopped as stop:
        more = _fail(held, worker, stop.reason)
    except (OperationalError, InterfaceError, PoolTimeout):
        raise  # the database is away: the lease runs out and the job is gone on with
    except Exception as error:
        # A bug, or a full disk: it would come again with every try, so this job ends and others go on.
        log.exception("job %s failed", held.job_id)
        reason = error.message if isinstance(error, DomainError) and error.message else BROKEN
        more = _fail(held, worker, reason)
    if not more:
        worker.close()
    return more


def _fail(held: Held, worker: Worker, reason: Any) -> bool:
    with transaction() as session:
        try:
            job = held.hold(session)
        except Lost:
            return False
        actor = find_actor(session, job.user_id, door=job.door) or Actor.system("lists")
        with force_locale(actor.language):
            held.end(session, actor, JobState.FAILED, str(reason))
        worker.fail(session, job)
        path = job.path
    remove_file(path)
    return False


def _let_go(held: Held, worker: Worker) -> None:
    """Let another process go on at once, when this one stops before the end."""
    worker.close()
    with transaction() as session:
        try:
            held.hold(session).leased_until = clock.now()
        except Lost:
            return


# Files


def folder() -> Path:
    """Where exports are kept; nobody but this program reads it."""
    path = current_settings().data / FOLDER
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def file_of(job: ListJob) -> Path:
    """The job's file.  Its name is ours, made of the job's public one."""
    return folder() / Path(job.path).name


def remove_file(path: str) -> None:
    if path:
        (folder() / Path(path).name).unlink(missing_ok=True)


def forget_jobs(*, now: datetime) -> int:
    """Remove files whose time is up and jobs of a week ago; how many.  Opens its transaction; for the worker."""
    with transaction() as session:
        over = session.scalars(
            select(ListJob).where(ListJob.expires_at <= now).order_by(ListJob.id).limit(100)
        ).all()
        paths = [job.path for job in over if job.path]
        for job in over:
            if job.path and job.finished_at is not None and now < job.finished_at + KEPT:
                # The line stays, so that it can be told what became of the file.
                job.path, job.expires_at = "", job.finished_at + KEPT
                continue
            session.execute(delete(JobRefusal).where(JobRefusal.job_id == job.id))
            session.execute(delete(JobChange).where(JobChange.job_id == job.id))
            session.delete(job)
    for path in paths:
        remove_file(path)
    return len(over)
