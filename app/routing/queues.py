"""Keeping queues: make, edit, members, delete."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.models import User, UserState
from app.kernel import refs
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import Conflict, InUse, Invalid, NotFound
from app.kernel.fold import fold
from app.leads.models import Lead
from app.routing.candidates import PARTNER_ACCOUNT, USER
from app.routing.edits import LONGEST_NAME, clean_hours, clean_minutes, clean_name, require_version
from app.routing.models import (
    Queue,
    QueueMember,
    RoundRobin,
    RoundRobinMember,
    RuleEntry,
    RuleSet,
    RuleState,
)
from app.routing.principals import Principal, find_principal, told_of_member
from app.sharing.scope import scope

# A queue in which anything at all waits is not deleted, whether or not the actor sees it.
_COUNTING = Actor.system("queue in use")
_MOST_COUNTED = 1000
# Of a change: what is not given stays.
_AS_IT_IS = object()


def create_queue(
    session: Session,
    actor: Actor,
    *,
    name: object,
    members: Iterable[Mapping[str, Any]] = (),
    accept_within_minutes: object = None,
    touch_within_hours: object = None,
    now: datetime,
) -> Queue:
    """A queue with its members.  members: `{"type", "id", "role"?}`, users and partner accounts.

    Writes events; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.ROUTING_MANAGE)
    text = clean_name(session, Queue, name)
    queue = Queue(
        ref=refs.new_ref(refs.QUEUE),
        name=text,
        name_fold=fold(text, LONGEST_NAME),
        accept_within_minutes=clean_minutes(accept_within_minutes),
        touch_within_hours=clean_hours(touch_within_hours),
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    add_named(session, queue, text)
    record(session, actor, verb="created", subject=queue, at=now)
    for given in members:
        _add_member(session, actor, queue, find_principal(session, given), now)
    return queue


def add_named(session: Session, row: Queue | RoundRobin, name: str) -> None:
    """Store a new queue or round robin.  Raises Invalid when somebody took the name a moment ago."""
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Invalid({"name": [_l("Another one is called “%(name)s”.", name=name)]}) from error


def get_queue(session: Session, ref: str, *, for_update: bool = False) -> Queue:
    """A queue that has not been deleted.  Raises NotFound."""
    statement = select(Queue).where(Queue.ref == ref, Queue.deleted_at.is_(None))
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    queue = session.scalar(statement.execution_options(populate_existing=True))
    if queue is None:
        raise NotFound("queue", ref)
    return queue


def edit_queue(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    name: object,
    accept_within_minutes: object,
    touch_within_hours: object = _AS_IT_IS,
    version: int | None = None,
    now: datetime,
) -> Queue:
    """Rename a queue, or change how long what is offered from it stands, or until when what is taken is to be touched.

    Nothing when nothing changes.  What was taken before keeps its time.

    Raises NotAllowed, NotFound, Invalid, Stale.
    """
    actor.require(Permission.ROUTING_MANAGE)
    queue = get_queue(session, ref, for_update=True)
    text = clean_name(session, Queue, name, but=queue.id)
    minutes = clean_minutes(accept_within_minutes)
    hours = queue.touch_within_hours if touch_within_hours is _AS_IT_IS else clean_hours(touch_within_hours)
    changes: dict[str, tuple[Any, Any]] = {}
    if text != queue.name:
        changes["name"] = (queue.name, text)
    if minutes != queue.accept_within_minutes:
        changes["accept_within_minutes"] = (queue.accept_within_minutes, minutes)
    if hours != queue.touch_within_hours:
        changes["touch_within_hours"] = (queue.touch_within_hours, hours)
    if not changes:
        return queue
    require_version(queue, version)
    queue.touch_within_hours = hours
    queue.name, queue.name_fold, queue.accept_within_minutes = text, fold(text, LONGEST_NAME), minutes
    queue.stamp(actor, now)
    record(session, actor, verb="edited", subject=queue, at=now, changes=changes)
    return queue


def add_queue_member(
    session: Session, actor: Actor, ref: str, given: Mapping[str, Any], *, now: datetime
) -> tuple[QueueMember, Principal]:
    """Make a user or a partner account a member; for one that is, its role changes to the one given.

    given: `{"type", "id", "role"?}`.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.ROUTING_MANAGE)
    queue = get_queue(session, ref, for_update=True)
    principal = find_principal(session, given)
    member, is_changed = _add_member(session, actor, queue, principal, now)
    if is_changed:
        queue.stamp(actor, now)
    return member, principal


def _add_member(
    session: Session, actor: Actor, queue: Queue, principal: Principal, now: datetime
) -> tuple[QueueMember, bool]:
    """The membership, and whether it is new or another than before."""
    _check_member(session, queue, principal)
    is_user = principal.kind == USER
    same = QueueMember.user_id == principal.id if is_user else QueueMember.account_id == principal.id
    member = session.scalar(select(QueueMember).where(QueueMember.queue_id == queue.id, same))
    detail = {"member": principal.name, "ref": principal.ref, "rank": principal.minimum_rank}
    if member is not None:
        is_changed = member.minimum_rank != principal.minimum_rank
        if is_changed:
            member.minimum_rank = principal.minimum_rank
            record(session, actor, verb="member_changed", subject=queue, at=now, detail=detail)
        return member, is_changed
    member = QueueMember(
        ref=refs.new_ref(refs.MEMBER),
        queue_id=queue.id,
        user_id=principal.id if is_user else None,
        account_id=None if is_user else principal.id,
        minimum_rank=principal.minimum_rank,
        created_at=now,
    )
    session.add(member)
    session.flush()  # a second membership is refused here
    record(session, actor, verb="member_added", subject=queue, at=now, detail=detail)
    return member, True


def _check_member(session: Session, queue: Queue, principal: Principal) -> None:
    problem = None
    if principal.kind not in (USER, PARTNER_ACCOUNT):
        problem = _l("Members of a queue are users and partner accounts.")
    elif queue.is_default and principal.company_id is not None:
        problem = _l("The default queue has internal members only.")
    elif queue.partner_account_id is not None and principal.id != queue.partner_account_id:
        problem = _l("The queue of a partner account has its own users as members, and nobody else.")
    elif queue.partner_account_id is not None and principal.kind != PARTNER_ACCOUNT:
        problem = _l("Narrow the account to a role instead of adding one of its users.")
    elif principal.kind == USER:
        user = session.get_one(User, principal.id)
        if user.role is Role.VIEWER:
            problem = _l("%(name)s may only read.", name=user.name)
        elif user.state is UserState.DEACTIVATED:
            problem = _l("%(name)s is deactivated.", name=user.name)
    if problem is not None:
        raise Invalid({"members": [problem]})


def remove_queue_member(session: Session, actor: Actor, ref: str, member_ref: str, *, now: datetime) -> None:
    """End a membership.  Raises NotAllowed, NotFound, Conflict (a partner's own, the default queue's last)."""
    actor.require(Permission.ROUTING_MANAGE)
    queue = get_queue(session, ref, for_update=True)
    member = session.scalar(
        select(QueueMember).where(QueueMember.queue_id == queue.id, QueueMember.ref == member_ref)
    )
    if member is None:
        raise NotFound("member", member_ref)
    if queue.partner_account_id is not None and member.account_id == queue.partner_account_id:
        raise Conflict(_l("A partner account stays a member of its own queue."))
    if queue.is_default:
        others = select(func.count(QueueMember.id)).where(QueueMember.queue_id == queue.id)
        if (session.scalar(others) or 0) <= 1:
            raise Conflict(
                _l("The default queue needs somebody who looks into it. Add another member first.")
            )
    detail = told_of_member(session, member)
    session.delete(member)
    queue.stamp(actor, now)
    record(session, actor, verb="member_removed", subject=queue, at=now, detail=detail)


def delete_queue(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a queue away; its row stays for the history of leads.

    Raises NotAllowed, NotFound, InUse (naming what uses it; the default queue and partners' own always).
    """
    actor.require(Permission.ROUTING_MANAGE)
    queue = get_queue(session, ref, for_update=True)
    users = uses_of_queue(session, queue)
    if users:
        raise InUse(_l("It is still in use: %(uses)s.", uses="; ".join(users)), uses=users)
    for member in session.scalars(select(QueueMember).where(QueueMember.queue_id == queue.id)):
        session.delete(member)
    queue.deleted_at = now
    queue.name_fold = queue.ref  # its name is free again
    queue.stamp(actor, now)
    record(session, actor, verb="deleted", subject=queue, at=now)


def uses_of_queue(session: Session, queue: Queue) -> list[str]:
    """What keeps a queue from being deleted, in words; empty when nothing does."""
    found = []
    if queue.is_default:
        found.append(_("it is the default queue"))
    if queue.partner_account_id is not None:
        found.append(_("it belongs to a partner account"))
    waiting = session.scalar(
        select(func.count()).select_from(
            select(Lead.id)
            .where(scope(Lead, _COUNTING), Lead.owner_queue_id == queue.id)
            .limit(_MOST_COUNTED)
            .subquery()
        )
    )
    if waiting:
        found.append(ngettext("%(num)s waits in it", "%(num)s wait in it", waiting))
    rules = session.execute(
        select(RuleSet.number, RuleEntry.position)
        .join(RuleEntry, RuleEntry.rule_set_id == RuleSet.id)
        .where(
            RuleSet.state != RuleState.RETIRED,
            or_(RuleEntry.target_queue_id == queue.id, RuleEntry.fallback_queue_id == queue.id),
        )
        .order_by(RuleSet.number, RuleEntry.position)
    )
    found.extend(
        _("rule %(position)s of version %(number)s", position=position, number=number)
        for number, position in rules
    )
    member_of = select(RoundRobinMember.round_robin_id).where(
        RoundRobinMember.queue_id == queue.id, RoundRobinMember.removed_at.is_(None)
    )
    groups = session.scalars(
        select(RoundRobin.name).where(
            RoundRobin.deleted_at.is_(None),
            or_(RoundRobin.fallback_queue_id == queue.id, RoundRobin.id.in_(member_of)),
        )
    )
    found.extend(_("the round robin “%(name)s”", name=name) for name in groups)
    return found
