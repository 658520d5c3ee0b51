"""Changing every record of a list: its owner, a tag, one field; or deleting it.  A batch and how far it got are one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Level
from app.kernel.db import transaction
from app.kernel.errors import DomainError, Invalid, NotAllowed, Stale
from app.kernel.pace import Pace
from app.kernel.parse import parse_iso_moment
from app.lists.catalogue import Kind, ListField, ListObject, State, objects
from app.lists.jobs import Held, Stopped, acting_for, list_of
from app.lists.models import JobChange, JobRefusal, JobState, ListJob, Tag
from app.lists.operations import find_or_make_tag, find_tag, set_tag
from app.lists.query import ListQuery
from app.lists.rows import Row, batches, rows_of

FIRST = 25  # so many in the first transaction
OWNER, TAG, UNTAG, FIELD, DELETE = "owner", "tag", "untag", "field", "delete"
ACTS = (OWNER, TAG, UNTAG, FIELD, DELETE)


class ChangeRun:
    """Does `task["act"]` with the records named in `task["refs"]`, else with all that the list has now."""

    def __init__(self) -> None:
        self._pace = Pace(FIRST, most=200)

    def step(self, held: Held) -> bool:
        """Change the next batch, in one transaction.  Raises Lost, Stopped."""
        with self._pace.batch() as size, transaction() as session:
            job = held.hold(session)
            actor = acting_for(session, job)
            now = clock.now()
            with force_locale(actor.language):
                query = list_of(session, actor, job)
                rows, more = self._next(session, actor, job, query, size)
                means = Means.of(session, query.fields, job.task)
                for row in rows:
                    self._one(session, actor, job, row, means, now)
                if not more:
                    held.end(session, actor, JobState.DONE)
        return more

    def close(self) -> None:
        """Nothing is open between batches."""

    def fail(self, session: Session, job: ListJob) -> None:
        """What was done until then stays."""

    def _next(
        self, session: Session, actor: Actor, job: ListJob, query: ListQuery, size: int
    ) -> tuple[Sequence[Row], bool]:
        fields = [query.fields[query.object.title]]
        field = field_of(query.fields, job.task)
        if field is not None and field is not fields[0]:
            fields.append(field)
        named = job.task.get("refs")
        if named is not None:
            wanted = named[job.done : job.done + size]
            rows = rows_of(session, actor, query, fields, wanted) if wanted else []
            seen = {row.ref for row in rows}
            for ref in wanted:
                if ref not in seen:
                    refuse(session, job, ref, "", _("It does not exist, or you may not see it."))
            job.done += len(wanted)
            return rows, job.done < len(named)
        # By age, which no change moves: a list sorted by what is changed would come around again.
        by_age = _by_age(query)
        found = next(batches(session, actor, by_age, fields, after=_after(job), size=size), None)
        if found is None:
            return [], False
        rows, (value, key) = found
        job.done += len(rows)
        job.reached = {"at": value.isoformat(), "id": key}
        return rows, len(rows) == size

    def _one(
        self, session: Session, actor: Actor, job: ListJob, row: Row, means: "Means", now: datetime
    ) -> None:
        object_ = objects()[job.object]
        name = str(row.cells.get(object_.title) or "")
        try:
            with session.begin_nested():
                changed = change_one(session, actor, object_, job.task, row, means, now=now)
        except DomainError as error:
            refuse(session, job, row.ref, name, reason_of(error))
            return
        if not changed:
            job.same += 1
        count_changes(job, [each.kind for each in changed])
        for each in changed:
            each.job_id, each.name = job.id, (each.name or name)[:255]
            session.add(each)


@dataclass(frozen=True, slots=True)
class Means:
    """What a task is done with, looked up once for a batch.  tag: None where there is none of that name."""

    field: ListField | None
    tag: Tag | None

    @classmethod
    def of(cls, session: Session, fields: Any, task: Any) -> "Means":
        return cls(field_of(fields, task), find_tag(session, task["tag"]) if "tag" in task else None)


def _by_age(query: Any) -> Any:
    return replace(query, sort="created_at", descending=False)


def _after(job: ListJob) -> tuple[Any, int] | None:
    if not job.reached:
        return None
    return parse_iso_moment(job.reached["at"]), int(job.reached["id"])


def count_changes(job: ListJob, kinds: Sequence[str]) -> None:
    """Count what changed; records of another kind went along with those that were asked for, and are told apart."""
    job.changed += len(kinds)
    along = sum(kind != job.object for kind in kinds)
    if along:
        job.task = {**job.task, "went_along": job.task.get("went_along", 0) + along}


def refuse(session: Session, job: ListJob, ref: str, name: str, reason: str) -> None:
    """Write down that a record was left as it is, and why."""
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


def field_of(fields: Any, task: Any) -> ListField | None:
    """The field that the task changes; None for a tag, and for a field that is gone."""
    found: ListField | None = fields.get("owner" if task["act"] == OWNER else task.get("field", ""))
    return found


def raw_value(field: ListField, shown: Any) -> str:
    """What a cell shows, as the edit operation takes it."""
    if shown is None:
        return ""
    if field.kind is Kind.USER:
        return str(getattr(shown, "ref", shown))
    if isinstance(shown, State):
        return shown.key
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, float) and shown.is_integer():
        return str(int(shown))
    return str(shown.isoformat() if hasattr(shown, "isoformat") else shown)


def change_one(
    session: Session, actor: Actor, object_: ListObject, task: Any, row: Row, means: Means, *, now: datetime
) -> list[JobChange]:
    """Change one record as the task says; what that changed, and how it was.  Raises the errors of its operation."""
    if row.given < Level.EDIT:
        raise NotAllowed
    act, kind = task["act"], object_.model.__tablename__
    if act in (TAG, UNTAG):
        actor.require(object_.edit)
        if actor.is_partner:  # tags are the vendor's own words
            raise NotAllowed
        subject = Subject(kind, row.id, row.ref)
        tag = means.tag
        if tag is None and act == TAG:
            tag = find_or_make_tag(session, actor, task["tag"], now=now)
        if tag is None or not set_tag(session, actor, subject, tag, on=act == TAG, now=now):
            return []
        return [_changed(subject, "", {"tag": tag.name}, None)]
    if act == DELETE and object_.deleting is not None:
        object_.deleting.delete(session, actor, row.ref, now=now)
        return [_changed(Subject(kind, row.id, row.ref), "", {"deleted": False}, None)]
    if object_.write is None or act == DELETE:
        raise Stopped(_("This cannot be changed here."))
    if act == OWNER and object_.give is not None:
        given = object_.give(session, actor, row.ref, task["owner"], bool(task.get("along")), now=now)
        owners = _refs_of(session, {each.before for each in given})
        return [
            _changed(each.record, each.name, {"owner": owners[each.before]}, each.record.version)
            for each in given
        ]
    field = means.field
    if field is None or not (field.edits or act == OWNER):
        raise Stopped(_("This field is not there any more."))
    name, value = ("owner", task["owner"]) if act == OWNER else (field.edits, task["value"])
    entry = object_.write(session, actor, row.ref, {name: value}, now=now)
    if entry.version == row.version:
        return []
    return [_changed(entry, "", {name: raw_value(field, row.cells.get(field.name))}, entry.version)]


def _changed(record: Any, name: str, before: dict[str, Any], version: int | None) -> JobChange:
    return JobChange(
        kind=record.__tablename__, record_id=record.id, record_ref=record.ref, name=name, before=before,
        version=version,
    )  # fmt: skip


def _refs_of(session: Session, keys: set[int]) -> dict[int, str]:
    if not keys:
        return {}
    rows = session.execute(select(User.id, User.ref).where(User.id.in_(keys)))
    return {key: ref for key, ref in rows}  # noqa: C416 - rows are no pairs to a type checker


class Subject:
    """A record as events name it."""

    def __init__(self, kind: str, key: int, ref: str) -> None:
        self.__tablename__, self.id, self.ref = kind, key, ref
