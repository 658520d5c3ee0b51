"""The care of data on a record's own page: its marks, who set them, and the way to merging."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.care.survivors import MODELS, find_survivor
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.lists.models import ListJob
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class Mark:
    """name: as forms send it.  at, by: since when and whose it is; None while it is not set."""

    name: str
    label: str
    at: datetime | None
    by: str | None


@dataclass(frozen=True, slots=True)
class MergeUnderWay:
    """A job that makes the record one with others.  rows, done: how much there is to move, and how much has moved.

    url: its page, "" for all but who asked for it.
    """

    rows: int
    done: int
    url: str


@dataclass(frozen=True, slots=True)
class CarePanel:
    """marks: all there are, set or not.  url: where they are changed, "" for whoever may not; likewise merge_url."""

    marks: Sequence[Mark]
    url: str
    merge_url: str
    merge: MergeUnderWay | None = None

    @property
    def is_shown(self) -> bool:
        return bool(self.url) or any(mark.at is not None for mark in self.marks)


def panel_of(session: Session, actor: Actor, record: Any, *, may_edit: bool) -> CarePanel:
    """What the record's page shows.  One statement where a mark is set, two while it is merged."""
    kind = record.__tablename__
    people = {record.left_out_by_id, record.ready_by_id} - {None}
    names: dict[int, str] = {}
    if people:
        names = {
            row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(people)))
        }
    marks = [
        Mark(name, label, getattr(record, f"{name}_at"), names.get(getattr(record, f"{name}_by_id")))
        for name, label in (
            ("ready", _("Ready for a new product")),
            ("left_out", _("Left out of views, reports and campaigns")),
        )
    ]
    permission = Permission.ACCOUNT_DELETE if kind == "account" else Permission.CONTACT_EDIT
    named: dict[str, Any] = {f"{kind}_ref": record.ref}
    change_url = url_for(f"duplicates.mark_{kind}", **named)
    may_merge = may_edit and actor.can(permission)
    merge_url = url_for(f"merging.choose_{kind}", ref=record.ref) if may_merge else ""
    return CarePanel(marks, change_url if may_edit else "", merge_url, _merge_of(session, actor, record))


def _merge_of(session: Session, actor: Actor, record: Any) -> MergeUnderWay | None:
    """Told to whoever sees all that become one: to anybody else it would tell that the others are there, and how much hangs on them."""
    if record.merging is None or actor.is_partner:
        return None
    job = session.scalars(select(ListJob).where(ListJob.ref == record.merging)).first()
    if job is None:
        return None
    mine = job.user_id == actor.user_id
    if not mine and not _sees_all(session, actor, job):
        return None
    return MergeUnderWay(
        job.rows or 0, job.done, url_for("merging.show_merge", merge_ref=job.ref) if mine else ""
    )


def _sees_all(session: Session, actor: Actor, job: ListJob) -> bool:
    model: Any = MODELS[job.object]
    keys = {job.task["survivor"], *job.task["losers"]}
    seen = select(func.count()).select_from(model).where(scope(model, actor, Level.READ), model.id.in_(keys))
    return session.scalar(seen) == len(keys)


def survivor_url(session: Session, actor: Actor, kind: str, ref: str) -> str | None:
    """Address of the record that this one became part of, if the reader may see it."""
    survivor = find_survivor(session, actor, kind, ref)
    given: dict[str, Any] = {f"{kind}_ref": survivor}
    return url_for(f"{kind}s.show", **given) if survivor is not None else None
