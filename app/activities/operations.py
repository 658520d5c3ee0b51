"""Verbs on activities: log one and what comes next, plan, put off, finish, change, delete one.

A record is any of those in `places`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.activities.comments import (
    CommentStays,
    find_shared_with,
    tell_of_comment,
)
from app.activities.lasting import begin_touch, raise_last, recount, targets_of
from app.activities.models import Activity, ActivityKind, Participant
from app.activities.people import (
    NOBODY,
    People,
    find_assignee,
    find_people,
    level_needed,
    people_of,
    set_people,
)
from app.activities.places import Record, place_of
from app.activities.queries import get_activity, get_record_of
from app.activities.values import changed_columns, new_columns
from app.events.operations import record as record_event
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from app.leads.models import Lead
from app.notifications.models import NotificationKind
from app.notifications.operations import notify
from app.sharing.levels import find_level

# What an event tells of a changed activity, beside which its keys and marks mean nothing.
_UNTOLD = frozenset({"reminded_at"})


class ReadOnly(Conflict):
    """Converted leads are read-only."""

    slug = "already-converted"
    message = _l("It has been converted and can only be read.")


def log_activity(
    session: Session,
    actor: Actor,
    record: Record,
    *,
    kind: ActivityKind | str,
    subject: str | None = None,
    text: str | None = None,
    at: datetime | None = None,
    due_at: datetime | None = None,
    done: bool | None = None,
    assignee: str | None = None,
    people: Sequence[str] = (),
    shared: bool = False,
    company: str | None = None,
    now: datetime,
    **more: Any,
) -> Activity:
    """Write down something done or planned, on a record that the actor may read.

    at: when it was done; now unless given.  done: a task is planned and all else done unless given.
    assignee, people: public names of the colleague whose it is (the actor's own unless given), and of the
    users and contacts who take part.  more: ends_at, place, outcome, remind_at.
    shared: a note on a lead that the other side reads too, vendor or partner (`comments`); company: public name of
    the partner account whom its author thinks of.
    Without a subject the first line of the text serves.  Raises the last activity of the record, its account and
    the contacts who took part when done; their versions stay, so that nobody's edit goes stale by a call.
    Tells those who were given something, or invited.
    Raises NotAllowed (partner people need to own the record or lead its owner), NotFound, ReadOnly, Invalid,
    NobodyToWriteTo, OtherSideChanged.
    """
    actor.require(Permission.ACTIVITY_LOG)
    require_logging(session, actor, record)
    if shared and (kind != ActivityKind.NOTE or done is False or people or assignee):
        raise Invalid(
            {"shared": [_l("What is written to the other side is a note, with nobody else in it.")]}
        )
    said = {"kind": kind, "subject": subject, "text": text, "at": at, "due_at": due_at, "done": done}
    columns = new_columns({**said, **more}, now)
    if shared:
        columns["shared_with_id"] = find_shared_with(session, actor, record, company)
    if not begin_touch(session, actor, record, now=now):
        require_logging(session, actor, record)
    taking_part = find_people(session, actor, record, actor.company_id, people)
    columns["assignee_id"] = _assignee_id(session, actor, record, actor.company_id, assignee)
    activity = _add(session, actor, record, columns, now)
    set_people(session, activity, NOBODY, taking_part)
    if activity.is_done:
        raise_last(session, activity)
    _record_logged(session, actor, record, activity, now)
    if shared and isinstance(record, Lead):
        tell_of_comment(session, actor, record, activity, now=now)
    if not activity.is_done:
        given = set() if activity.assignee_id is None else {activity.assignee_id}
        _tell(session, actor, activity, given | taking_part.users, now)
    return activity


def _record_logged(session: Session, actor: Actor, record: Record, activity: Activity, now: datetime) -> None:
    detail = {"kind": activity.kind, "on": record.ref, "done": activity.is_done}
    if activity.shared_with_id is not None:
        detail["shared"] = True
    record_event(session, actor, verb="logged", subject=activity, at=now, detail=detail)


def _add(
    session: Session, actor: Actor, record: Record, columns: Mapping[str, Any], now: datetime
) -> Activity:
    place = place_of(record)
    activity = Activity(
        ref=refs.new_ref(refs.ACTIVITY),
        company_id=actor.company_id,
        of_account_id=place.account_id(record),
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **{place.column.key: record.id},
        **columns,
    )
    session.add(activity)
    session.flush()  # its id goes into the event
    return activity


def log_and_plan(
    session: Session,
    actor: Actor,
    record: Record,
    logged: Mapping[str, Any],
    planned: Mapping[str, Any] | None,
    *,
    now: datetime,
) -> tuple[Activity, Activity | None]:
    """Log what happened and plan what comes next, both or neither.

    logged, planned: as `log_activity` takes them; None plans nothing.
    Raises as `log_activity`; what is wrong with the plan is told as `next_…`.
    """
    done = log_activity(session, actor, record, **logged, now=now)
    if planned is None:
        return done, None
    try:
        return done, log_activity(session, actor, record, **{**planned, "done": False}, now=now)
    except Invalid as error:
        raise Invalid({f"next_{name}": messages for name, messages in error.errors.items()}) from error


def _assignee_id(
    session: Session,
    actor: Actor,
    record: Record,
    company_id: int | None,
    ref: str | None,
    present: int | None = None,
) -> int | None:
    """Whose it is to do.  None is the actor; of another side's activity, which no person of theirs can have, as it is."""
    if actor.company_id == company_id and (ref is None or ref == actor.ref):
        return actor.user_id
    if ref is None:
        return present
    return find_assignee(session, record, company_id, ref).id


def require_logging(session: Session, actor: Actor, record: Record) -> None:
    """That the actor may log on the record: internal people who read it, partner people who edit it.

    Raises NotFound, NotAllowed, ReadOnly.
    """
    given = find_level(session, actor, record)
    if given is None:
        raise NotFound(record.__tablename__, record.ref)
    if given < level_needed(actor.is_partner):
        raise NotAllowed
    if place_of(record).is_closed(record):
        raise ReadOnly


def finish_activity(
    session: Session, actor: Actor, activity_ref: str, *, outcome: str | None = None, now: datetime
) -> Activity:
    """Mark something planned as done now.  Asked again it stays done.  outcome: what came of it, if told.

    Raises NotFound, NotAllowed, ReadOnly, Invalid.
    """
    values = {"done": True} | ({"outcome": outcome} if outcome and outcome.strip() else {})
    return edit_activity(session, actor, activity_ref, values, now=now)


def reopen_activity(session: Session, actor: Actor, activity_ref: str, *, now: datetime) -> Activity:
    """Take back that something was done: it is planned again, as it was.  Asked again it stays so.

    Raises NotFound, NotAllowed, ReadOnly.
    """
    activity = get_activity(session, actor, activity_ref)
    if not activity.is_done:
        return activity
    values = {"done": False, "at": activity.created_at}
    return edit_activity(session, actor, activity_ref, values, now=now)


def edit_activity(
    session: Session,
    actor: Actor,
    activity_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Activity:
    """Change an activity.  values: any of `values.NAMES`; those not given stay.

    What becomes done without a moment given is done now, a meeting when it began.  What is put off takes its
    end and its reminder along.  Whoever is given it, or invited, is told.
    Raises NotFound, NotAllowed (whoever may log on its record may), CommentStays, ReadOnly, Invalid, Stale.
    """
    actor.require(Permission.ACTIVITY_LOG)
    activity = get_activity(session, actor, activity_ref)
    record = get_record_of(session, actor, activity)
    require_logging(session, actor, record)
    if activity.shared_with_id is not None:
        raise CommentStays
    changed = changed_columns(activity, values, now)
    changed |= _changed_assignee(session, actor, record, activity, values)
    before = wanted = people_of(session, activity)
    if "people" in values:
        wanted = find_people(session, actor, record, activity.company_id, values["people"] or (), before)
    if not changed and wanted == before:
        return activity
    if version is not None and version != activity.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Both values are shown; decide which to keep."),
            current={name: getattr(activity, name) for name in changed},
        )
    if not begin_touch(session, actor, record, now=now):
        require_logging(session, actor, record)
    had = activity.assignee_id
    _apply(session, actor, activity, changed, before, wanted, now)
    if not activity.is_done:
        given = {activity.assignee_id} - {had, None}
        _tell(session, actor, activity, {key for key in given if key} | (wanted.users - before.users), now)
    return activity


def _changed_assignee(
    session: Session, actor: Actor, record: Record, activity: Activity, values: Mapping[str, Any]
) -> dict[str, int | None]:
    if "assignee" not in values:
        return {}
    given = _assignee_id(
        session, actor, record, activity.company_id, values["assignee"], activity.assignee_id
    )
    return {} if given == activity.assignee_id else {"assignee_id": given}


def _apply(
    session: Session,
    actor: Actor,
    activity: Activity,
    changed: Mapping[str, Any],
    before: People,
    wanted: People,
    now: datetime,
) -> None:
    """Write the change, with its event, and let the last activity of the records it is on follow."""
    targets = targets_of(session, activity)
    told = _told(session, activity, changed, before, wanted)
    verb = "finished" if changed.get("is_done") and not activity.is_done else "edited"
    for name, value in changed.items():
        setattr(activity, name, value)
    activity.stamp(actor, now)
    set_people(session, activity, before, wanted)
    if changed.keys() & {"at", "is_done"} or wanted != before:
        recount(session, targets | targets_of(session, activity))
    record_event(session, actor, verb=verb, subject=activity, at=now, changes=told)


def _told(
    session: Session, activity: Activity, changed: Mapping[str, Any], before: People, wanted: People
) -> dict[str, tuple[Any, Any]]:
    """Field → (old, new) as the event tells it: people by name, never by key."""
    told = {
        name: (getattr(activity, name), value)
        for name, value in changed.items()
        if name not in _UNTOLD and name != "assignee_id"
    }
    if "assignee_id" in changed:
        told["assignee"] = (
            _name(session, activity.assignee_id),
            _name(session, changed["assignee_id"]),
        )
    if wanted != before:
        told["people"] = (
            len(before.users) + len(before.contacts),
            len(wanted.users) + len(wanted.contacts),
        )
    return told


def _name(session: Session, user_id: int | None) -> str | None:
    return None if user_id is None else session.get_one(User, user_id).name


def _tell(session: Session, actor: Actor, activity: Activity, user_ids: set[int], now: datetime) -> None:
    """Tell those who were given something to do, or invited; nobody is told of their own doing.

    Partner people are not told which of the vendor's people it was.
    """
    for user_id in sorted(user_ids - {actor.user_id or 0}):
        user = session.get_one(User, user_id)
        is_other_side = user.partner_account_id != actor.company_id
        notify(
            session,
            act=f"activity:{activity.id}:{activity.version}",
            user=user,
            kind=NotificationKind.ACTIVITY_GIVEN,
            now=now,
            record=activity,
            detail={"who": get_organisation(session).name if is_other_side else actor.name},
        )


def delete_activity(session: Session, actor: Actor, activity_ref: str, *, now: datetime) -> Record:
    """Take an activity away for good; what it said stays in the audit log.  Answers its record.

    Its author may, and whoever has its record in full.  Raises NotFound, NotAllowed, ReadOnly.
    """
    actor.require(Permission.ACTIVITY_LOG)
    activity = get_activity(session, actor, activity_ref)
    record = get_record_of(session, actor, activity)
    require_logging(session, actor, record)
    if not may_delete(session, actor, activity, record):
        raise NotAllowed(_l("Only who wrote it, and who has its record in full, may delete it."))
    targets = targets_of(session, activity)
    said = {name: getattr(activity, name) for name in ("kind", "subject", "text", "at", "due_at", "outcome")}
    gone = {name: (value, None) for name, value in said.items() if value is not None}
    record_event(
        session, actor, verb="deleted", subject=activity, at=now, changes=gone, detail={"on": record.ref}
    )
    record_event(
        session, actor, verb="activity_deleted", subject=record, at=now, detail={"kind": activity.kind}
    )
    session.execute(
        delete(Participant).where(Participant.activity_id == activity.id),
        execution_options={"synchronize_session": False},
    )
    session.delete(activity)
    recount(session, targets)
    return record


def may_delete(session: Session, actor: Actor, activity: Activity, record: Record) -> bool:
    """Whether `delete_activity` lets the actor, who may log on the record."""
    is_own = activity.created_by_id is not None and activity.created_by_id == actor.user_id
    return is_own or (find_level(session, actor, record) or Level.PREVIEW) >= Level.FULL
