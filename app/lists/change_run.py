"""Changing every record of a list: its owner, a tag, one field.  A batch and how far it got are one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel import clock
from app.kernel.actor import Actor, Level
from app.kernel.db import transaction
from app.kernel.errors import DomainError, Invalid, NotAllowed, Stale
from app.kernel.parse import parse_iso_moment
from app.lists.catalogue import ListObject, fields_of, objects
from app.lists.jobs import Held, Stopped, acting_for, list_of
from app.lists.models import JobRefusal, JobState, ListJob
from app.lists.operations import find_or_make_tag, set_tag
from app.lists.rows import Row, batches, rows_of

BATCH = 50
OWNER, TAG, UNTAG, FIELD = "owner", "tag", "untag", "field"
ACTS = (OWNER, TAG, UNTAG, FIELD)


class ChangeRun:
    """Does `task["act"]` with the records named in `task["refs"]`, else with all that the list has now."""

    def step(self, held: Held) -> bool:
        """Change the next batch, in one transaction.  Raises Lost, Stopped."""
        with transaction() as session:
            job = held.hold(session)
            actor = acting_for(session, job)
            now = clock.now()
            with force_locale(actor.language):
                rows, more = self._next(session, actor, job)
                for row in rows:
                    self._one(session, actor, job, row, now)
                if not more:
                    held.end(session, actor, JobState.DONE)
        return more

    def close(self) -> None:
        """Nothing is open between batches."""

    def _next(self, session: Session, actor: Actor, job: ListJob) -> tuple[Sequence[Row], bool]:
        query = list_of(session, actor, job)
        title = [query.fields[query.object.title]]
        named = job.task.get("refs")
        if named is not None:
            wanted = named[job.done : job.done + BATCH]
            rows = rows_of(session, actor, query, title, wanted) if wanted else []
            seen = {row.ref for row in rows}
            for ref in wanted:
                if ref not in seen:
                    _refuse(session, job, ref, "", _("It does not exist, or you may not see it."))
            job.done += len(wanted)
            return rows, job.done < len(named)
        # By age, which no change moves: a list sorted by what is changed would come around again.
        by_age = _by_age(query)
        found = next(batches(session, actor, by_age, title, after=_after(job), size=BATCH), None)
        if found is None:
            return [], False
        rows, (value, key) = found
        job.done += len(rows)
        job.reached = {"at": value.isoformat(), "id": key}
        return rows, len(rows) == BATCH

    def _one(self, session: Session, actor: Actor, job: ListJob, row: Row, now: datetime) -> None:
        object_ = objects()[job.object]
        try:
            with session.begin_nested():
                changed = change_one(session, actor, object_, job.task, row, now=now)
        except DomainError as error:
            name = str(row.cells.get(object_.title) or "")
            _refuse(session, job, row.ref, name, reason_of(error))
        else:
            job.changed += changed


def _by_age(query: Any) -> Any:
    return replace(query, sort="created_at", descending=False)


def _after(job: ListJob) -> tuple[Any, int] | None:
    if not job.reached:
        return None
    return parse_iso_moment(job.reached["at"]), int(job.reached["id"])


def _refuse(session: Session, job: ListJob, ref: str, name: str, reason: str) -> None:
    job.refused += 1
    session.add(
        JobRefusal(job_id=job.id, kind=job.object, record_ref=ref, record_name=name[:255], reason=reason)
    )


def reason_of(error: DomainError) -> str:
    """A domain error as one sentence."""
    if isinstance(error, Stale):
        return _("Somebody changed it a moment ago.")
    if isinstance(error, Invalid):
        return " ".join(str(message) for messages in error.errors.values() for message in messages)
    if isinstance(error, NotAllowed) and not error.message:
        return _("You may not change it.")
    return str(error.message) if error.message else _("It could not be changed.")


def change_one(
    session: Session, actor: Actor, object_: ListObject, task: Any, row: Row, *, now: datetime
) -> int:
    """Change one record as the task says; how many records that changed.  Raises the errors of its operation."""
    if row.given < Level.EDIT:
        raise NotAllowed
    act = task["act"]
    if act in (TAG, UNTAG):
        actor.require(object_.edit)
        subject = _Subject(object_.model.__tablename__, row.id, row.ref)
        tag = find_or_make_tag(session, actor, task["tag"], now=now)
        return int(set_tag(session, actor, subject, tag, on=act == TAG, now=now))
    if object_.write is None:
        raise Stopped(_("This cannot be changed here."))
    if act == OWNER and object_.give is not None:
        return object_.give(session, actor, row.ref, task["owner"], bool(task.get("along")), now=now)
    name, value = ("owner", task["owner"]) if act == OWNER else (task["field"], task["value"])
    if act == FIELD:
        field = fields_of(session, actor, object_.name).get(name)
        if field is None or not field.edits:
            raise Stopped(_("This field is not there any more."))
        name = field.edits
    before = row.version
    entry = object_.write(session, actor, row.ref, {name: value}, now=now)
    return int(entry.version != before)


class _Subject:
    """A record as events name it."""

    def __init__(self, kind: str, key: int, ref: str) -> None:
        self.__tablename__, self.id, self.ref = kind, key, ref
