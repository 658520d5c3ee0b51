"""Taking a change of many records back: for a day, by whoever made it, by the worker as the change itself.

A record goes back to what it was unless something has happened to it since: then it stays and is named.
"""

from dataclasses import replace
from datetime import datetime

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel import clock
from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite, transaction
from app.kernel.errors import Conflict, DomainError, NotFound, Stale
from app.kernel.pace import Pace
from app.lists.catalogue import ListObject, objects
from app.lists.change_run import DELETE, OWNER, TAG, Subject, count_changes, reason_of, refuse
from app.lists.jobs import Held, acting_for, ask_for
from app.lists.models import JobChange, JobKind, JobState, ListJob, RecordTag, Tag
from app.lists.operations import set_tag
from app.sharing.scope import scope

UNDO = "undo"
# Who gave records away by mistake gets them back even where they no longer see them.
_UNDOING = Actor.system("undo of a change of many")


class TooLate(Conflict):
    """The time in which a change can be taken back is over, or it was taken back."""

    message = _l("This cannot be undone any more.")


def may_undo(job: ListJob, now: datetime) -> bool:
    """Whether the change can be taken back."""
    return (
        job.kind is JobKind.CHANGE
        and job.changed > 0
        and job.undone_at is None
        and job.undo_until is not None
        and now < job.undo_until
    )


def ask_for_undo(session: Session, actor: Actor, job: ListJob, *, now: datetime) -> ListJob:
    """A change that takes this one back, done by the worker.  Does not commit.

    Raises NotAllowed, TooLate (a day has passed, or it was taken back), TooMany.
    """
    object_ = objects()[job.object]
    actor.require(object_.view)
    actor.require(object_.edit)
    if not is_sqlite(session):
        session.refresh(job, with_for_update=True)  # of two who press it the second is too late
    if not may_undo(job, now):
        raise TooLate
    task = {"act": UNDO, "of": job.id, "of_ref": job.ref, "did": job.task["act"]}
    undoing = ask_for(session, actor, object_, JobKind.CHANGE, {}, task, rows=job.changed, now=now)
    job.undone_at = now
    record(session, actor, verb="undone", subject=job, at=now, detail={"by": undoing.ref})
    return undoing


class UndoRun:
    """Takes back what the job `task["of"]` changed."""

    def __init__(self) -> None:
        self._pace = Pace(25, most=200)

    def step(self, held: Held) -> bool:
        """Take the next batch back, in one transaction.  Raises Lost, Stopped."""
        with self._pace.batch() as size, transaction() as session:
            job = held.hold(session)
            actor = acting_for(session, job)
            now = clock.now()
            with force_locale(actor.language):
                found = session.scalars(
                    select(JobChange)
                    .where(JobChange.job_id == job.task["of"], JobChange.id > int(job.reached.get("id", 0)))
                    .order_by(JobChange.id)
                    .limit(size)
                ).all()
                for change in found:
                    self._one(session, actor, job, change, now)
                if found:
                    job.done += len(found)
                    job.reached = {"id": found[-1].id}
                more = len(found) == size
                if not more:
                    held.end(session, actor, JobState.DONE)
        return more

    def close(self) -> None:
        """Nothing is open between batches."""

    def fail(self, session: Session, job: ListJob) -> None:
        """What was done until then stays."""

    def _one(self, session: Session, actor: Actor, job: ListJob, change: JobChange, now: datetime) -> None:
        try:
            with session.begin_nested():
                is_back = put_back(session, actor, job.task["did"], change, now=now)
        except DomainError as error:
            refuse(session, job, change.record_ref, change.name, _reason(error))
        else:
            count_changes(job, [change.kind] if is_back else [])
            job.same += not is_back


def _reason(error: DomainError) -> str:
    if isinstance(error, Stale):
        return _("It has been changed since.")
    if isinstance(error, NotFound):
        return _("It does not exist any more, or you may not see it.")
    return reason_of(error)


def put_back(session: Session, actor: Actor, did: str, change: JobChange, *, now: datetime) -> bool:
    """Let a record be as before the change; False where it is already.

    Raises Stale (something has happened to it since), NotFound, NotAllowed, Invalid (its owner has left).
    """
    object_ = objects()[change.kind]
    actor.require(object_.edit)
    if did == DELETE:
        assert object_.deleting is not None
        object_.deleting.restore(session, actor, change.record_ref, now=now)
        return True
    if "tag" in change.before:
        return _put_tag_back(session, actor, object_, did, change, now)
    assert object_.write is not None
    acting = actor
    if did == OWNER:
        acting = replace(_UNDOING, user_id=actor.user_id, ref=actor.ref, name=actor.name, door=actor.door)
    entry = object_.write(session, acting, change.record_ref, change.before, version=change.version, now=now)
    return bool(entry.version != change.version)


def _put_tag_back(
    session: Session, actor: Actor, object_: ListObject, did: str, change: JobChange, now: datetime
) -> bool:
    model, tag = object_.model, _tag(session, change.before["tag"])
    is_there = select(model.id).where(scope(model, actor, Level.EDIT), model.id == change.record_id)
    if session.scalar(is_there) is None:
        raise NotFound(change.kind, change.record_ref)
    if tag is None:
        return False
    held = session.get(RecordTag, (change.kind, change.record_id, tag.id))
    if did == TAG and held is not None and held.created_by_id != actor.user_id:
        raise Stale  # taken off meanwhile, and put on again by somebody else
    return set_tag(
        session, actor, Subject(change.kind, change.record_id, change.record_ref), tag, on=did != TAG, now=now
    )


def _tag(session: Session, name: str) -> Tag | None:
    return session.scalar(select(Tag).where(Tag.name == name))
