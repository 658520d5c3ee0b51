"""Reading saved views, what a person chose for their lists, tags, jobs.

Who sees a saved view: its owner; whom it is shared with; everybody of a side where the organisation's default
says so.  Partners see those alone that are shared with a group of theirs or everyone, and that only as far as the
default that was chosen when they were let in allows it; never one of an object that has no lists for them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, case, false, null, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Organisation, User
from app.identity.organisation import SUBJECT
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.among import among
from app.kernel.errors import NotFound
from app.lists.catalogue import ListObject
from app.lists.models import Audience, JobRefusal, ListChoice, ListJob, RecordTag, SavedView, Tag
from app.sharing.models import PublicGroup
from app.sharing.principals import keys_of_actor, principals_of

MOST_VIEWS = 200
PRIVATE, READ, READ_WRITE = "private", "read", "read_write"


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A saved view with the names beside it.  may_edit: rename it, change what it shows, share and delete it.

    Partner people are told the vendor's name instead of its people's, and none of a group.
    """

    view: SavedView
    owner_name: str
    group_name: str
    is_mine: bool
    may_edit: bool


def default_of(session: Session, actor: Actor) -> str:
    """What the organisation gives the actor's side of everybody's saved views."""
    organisation = session.get_one(Organisation, SUBJECT.id)  # there already, with the actor
    defaults = organisation.defaults
    side = "external" if actor.is_partner else "internal"
    return str(defaults.get("saved_view", {}).get(side, PRIVATE))


def partners_have_views(session: Session) -> bool:
    """Whether what is shared with everyone is shared with partner people too."""
    defaults = session.get_one(Organisation, SUBJECT.id).defaults
    return str(defaults.get("saved_view", {}).get("external", PRIVATE)) != PRIVATE


def _seen(session: Session, actor: Actor) -> ColumnElement[bool]:
    given = default_of(session, actor)
    mine = SavedView.owner_user_id == actor.user_id
    groups = SavedView.principal_id.in_(principals_of(keys_of_actor(actor)))
    shared = or_(SavedView.audience == Audience.EVERYONE, groups)
    if actor.is_partner:
        return or_(mine, shared if given != PRIVATE else false())
    if given != PRIVATE:
        # Everybody inside has every view, but not what partners keep for themselves.
        inside = select(User.id).where(User.partner_account_id.is_(None))
        return or_(mine, shared, SavedView.owner_user_id.in_(inside))
    return or_(mine, shared)


def views_for(session: Session, actor: Actor, object_: ListObject) -> list[ViewRow]:
    """The saved views of an object that the actor sees, their own first, then by name."""
    if not actor.can(object_.view):
        return []
    rows = session.execute(
        _views(actor)
        .where(SavedView.object == object_.name, _seen(session, actor))
        .order_by((SavedView.owner_user_id != actor.user_id), SavedView.name, SavedView.id)
        .limit(MOST_VIEWS)
    )
    given = default_of(session, actor)
    return [_row(actor, given, *row) for row in rows]


def get_view(session: Session, actor: Actor, ref: str, object_name: str | None = None) -> ViewRow:
    """A saved view that the actor sees.  Raises NotFound, alike for hidden and absent."""
    if not refs.is_ref(refs.SAVED_VIEW, ref):
        raise NotFound("saved_view", ref)
    statement = _views(actor).where(SavedView.ref == ref, _seen(session, actor))
    if object_name is not None:
        statement = statement.where(SavedView.object == object_name)
    row = session.execute(statement).first()
    if row is None:
        raise NotFound("saved_view", ref)
    return _row(actor, default_of(session, actor), *row)


def _views(actor: Actor) -> Any:
    names: tuple[Any, Any] = (User.name, PublicGroup.name)
    if actor.is_partner:  # what they have is their own or the vendor's
        is_own = SavedView.owner_user_id == actor.user_id
        vendor = select(Organisation.name).where(Organisation.id == SUBJECT.id).scalar_subquery()
        names = (case((is_own, User.name), else_=vendor), null())
    return (
        select(SavedView, *names)
        .join(User, User.id == SavedView.owner_user_id)
        .outerjoin(PublicGroup, PublicGroup.principal_id == SavedView.principal_id)
    )


def _row(actor: Actor, given: str, view: SavedView, owner: str, group: str | None) -> ViewRow:
    is_mine = view.owner_user_id == actor.user_id
    governs = actor.can(Permission.SETTING_MANAGE)
    open_to_all = given == READ_WRITE and actor.is_internal
    return ViewRow(view, owner, group or "", is_mine, is_mine or governs or open_to_all)


def groups_to_share_with(session: Session, actor: Actor) -> list[tuple[str, str]]:
    """(public name, name) of the groups that the actor may share a view with: their own, all for who keeps them."""
    statement = select(PublicGroup.ref, PublicGroup.name).order_by(PublicGroup.name)
    if not actor.can(Permission.SHARING_MANAGE):
        statement = statement.where(PublicGroup.principal_id.in_(principals_of(keys_of_actor(actor))))
    return [(ref, name) for ref, name in session.execute(statement.limit(MOST_VIEWS))]


def find_group_principal(session: Session, actor: Actor, ref: str) -> int | None:
    """The principal of a group that the actor may share with; None for any other."""
    known = dict(groups_to_share_with(session, actor))
    if ref not in known:
        return None
    return session.scalar(select(PublicGroup.principal_id).where(PublicGroup.ref == ref))


def choice_of(session: Session, actor: Actor, object_name: str) -> ListChoice | None:
    """What the actor chose for lists of the object."""
    return session.get(ListChoice, (actor.user_id or 0, object_name))


# Tags


def tags_of(session: Session, kind: str, keys: Collection[int]) -> Mapping[int, list[str]]:
    """Record → the names of its tags, in one statement."""
    rows = session.execute(
        select(RecordTag.record_id, Tag.name)
        .join(Tag, Tag.id == RecordTag.tag_id)
        .where(RecordTag.kind == kind, among(session, RecordTag.record_id, keys))
        .order_by(Tag.name_fold)
    )
    found: dict[int, list[str]] = {}
    for key, name in rows:
        found.setdefault(key, []).append(name)
    return found


# Jobs


def get_job(session: Session, actor: Actor, ref: str, *, kind: str | None = None) -> ListJob:
    """A job that the actor asked for; nobody else's.  Raises NotFound."""
    statement = select(ListJob).where(ListJob.ref == ref, ListJob.user_id == actor.user_id)
    if kind is not None:
        statement = statement.where(ListJob.kind == kind)
    job = session.scalars(statement.execution_options(populate_existing=True)).first()
    if job is None:
        raise NotFound("list_job", ref)
    return job


def jobs_of(session: Session, actor: Actor, *, limit: int = 20) -> Sequence[ListJob]:
    """The jobs that the actor asked for lately, the latest first."""
    return session.scalars(
        select(ListJob).where(ListJob.user_id == actor.user_id).order_by(ListJob.id.desc()).limit(limit)
    ).all()


def refusals_of(session: Session, job: ListJob, *, limit: int = 200) -> Sequence[JobRefusal]:
    """The records that a change left as they were, the first ones."""
    return session.scalars(
        select(JobRefusal).where(JobRefusal.job_id == job.id).order_by(JobRefusal.id).limit(limit)
    ).all()
