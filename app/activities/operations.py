"""Verbs on activities: log one, finish one, change one.  A record is a lead, an account or a contact."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.activities.fields import LONGEST_SUBJECT, LONGEST_TEXT
from app.activities.models import Activity, ActivityKind
from app.activities.places import Record, place_of
from app.activities.queries import get_activity, get_record_of
from app.events.operations import record as record_event
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from app.kernel.text import clean_text
from app.sharing.levels import find_level

# A clock that is a little ahead does no harm; something done next week does.
AHEAD = timedelta(minutes=10)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


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
    now: datetime,
) -> Activity:
    """Write down something done, or planned, on a record that the actor may read.

    at: when it was done; now unless given.  done: a task is planned and all else done unless given.
    Without a subject the first line of the text serves.  Raises the record's last activity when done;
    its version stays, so that nobody's edit goes stale by a call.
    Raises NotAllowed (partner people need to own the record or lead its owner), NotFound, ReadOnly, Invalid.
    """
    actor.require(Permission.ACTIVITY_LOG)
    require_logging(session, actor, record)
    known = _kind(kind)
    subject, text = _words(subject, text)
    is_done = known is not ActivityKind.TASK if done is None else done
    at = _moment("at", at) or now
    if is_done and at > now + AHEAD:
        raise Invalid({"at": [_l("This lies ahead. Plan it instead of logging it as done.")]})
    activity = Activity(
        ref=refs.new_ref(refs.ACTIVITY),
        kind=known,
        subject=subject,
        text=text,
        at=at,
        due_at=_moment("due_at", due_at),
        is_done=is_done,
        company_id=actor.company_id,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **{place_of(record).column.key: record.id},
    )
    session.add(activity)
    session.flush()  # its id goes into the event
    if is_done:
        _raise_last_activity(record, at)
    record_event(
        session,
        actor,
        verb="logged",
        subject=activity,
        at=now,
        detail={"kind": known, "on": record.ref, "done": is_done},
    )
    return activity


def require_logging(session: Session, actor: Actor, record: Record) -> None:
    """That the actor may log on the record: internal people who read it, partner people who edit it.

    Raises NotFound, NotAllowed, ReadOnly.
    """
    given = find_level(session, actor, record)
    if given is None:
        raise NotFound(record.__tablename__, record.ref)
    if given < (Level.EDIT if actor.is_partner else Level.READ):
        raise NotAllowed
    if place_of(record).is_closed(record):
        raise ReadOnly


def finish_activity(session: Session, actor: Actor, activity_ref: str, *, now: datetime) -> Activity:
    """Mark something planned as done now.  Asked again it stays done.

    Raises NotFound, NotAllowed, ReadOnly.
    """
    return edit_activity(session, actor, activity_ref, {"done": True}, now=now)


def edit_activity(
    session: Session,
    actor: Actor,
    activity_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Activity:
    """Change an activity.  values: any of kind, subject, text, at, due_at, done; those not given stay.

    What becomes done without a moment given is done now.
    Raises NotFound, NotAllowed (whoever may log on its record may), ReadOnly, Invalid, Stale.
    """
    actor.require(Permission.ACTIVITY_LOG)
    activity = get_activity(session, actor, activity_ref)
    record = get_record_of(session, actor, activity)
    require_logging(session, actor, record)
    wanted = _wanted(activity, values, now)
    changes = {name: (getattr(activity, name), value) for name, value in wanted.items()}
    changes = {name: (old, new) for name, (old, new) in changes.items() if old != new}
    if not changes:
        return activity
    if version is not None and version != activity.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Both values are shown; decide which to keep."),
            current={name: old for name, (old, _new) in changes.items()},
        )
    for name, (_old, new) in changes.items():
        setattr(activity, name, new)
    if activity.is_done and activity.at > now + AHEAD:
        raise Invalid({"at": [_l("This lies ahead. Plan it instead of logging it as done.")]})
    activity.version += 1
    activity.updated_at, activity.updated_by_id = now, actor.user_id
    if activity.is_done:
        _raise_last_activity(record, activity.at)
    verb = "finished" if changes.get("is_done") == (False, True) else "edited"
    record_event(session, actor, verb=verb, subject=activity, at=now, changes=changes)
    return activity


def _wanted(activity: Activity, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    unknown = set(values) - {"kind", "subject", "text", "at", "due_at", "done"}
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in sorted(unknown)})
    wanted: dict[str, Any] = {}
    if "kind" in values:
        wanted["kind"] = _kind(values["kind"])
    if "subject" in values or "text" in values:
        words = _words(values.get("subject", activity.subject), values.get("text", activity.text))
        wanted["subject"], wanted["text"] = words
    if "due_at" in values:
        wanted["due_at"] = _moment("due_at", values["due_at"])
    if values.get("at") is not None:
        wanted["at"] = _moment("at", values["at"])
    if values.get("done") is not None:
        wanted["is_done"] = bool(values["done"])
        if wanted["is_done"] and not activity.is_done:
            wanted.setdefault("at", now)
    return wanted


def _kind(given: Any) -> ActivityKind:
    try:
        return ActivityKind(given)
    except ValueError as error:
        raise Invalid(
            {"kind": [_l("“%(value)s” is not one of the choices.", value=str(given)[:60])]}
        ) from error


def _words(subject: str | None, text: str | None) -> tuple[str, str | None]:
    text = clean_text(text, max_length=LONGEST_TEXT, field="text", multiline=True)
    subject = clean_text(subject, max_length=LONGEST_SUBJECT, field="subject")
    if subject is None and text is not None:
        first, _break, rest = text.partition("\n")
        subject = first[:LONGEST_SUBJECT]
        text = text if len(first) > LONGEST_SUBJECT else rest.strip() or None
    if subject is None:
        raise Invalid({"subject": [_l("Say in a few words what it is about.")]})
    return subject, text


def _moment(name: str, given: datetime | None) -> datetime | None:
    if given is None:
        return None
    if given.tzinfo is None or not EARLIEST <= given <= LATEST:
        raise Invalid({name: [_l("This is not a date that is understood.")]})
    return given


def _raise_last_activity(record: Record, at: datetime) -> None:
    if record.last_activity_at is None or record.last_activity_at < at:
        record.last_activity_at = at
