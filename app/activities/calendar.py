"""A person's calendar as a file: meetings with beginning and end, tasks as due, in their own zone (RFC 5545)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import and_, or_, select, union
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityKind, Participant
from app.activities.people import PersonNamed, names_of_people
from app.activities.places import PlaceName, is_readable, names_of_places
from app.activities.queries import own_side
from app.kernel.actor import Actor

LOOKS_BACK = timedelta(days=30)
MOST_ENTRIES = 1000
USUAL_LENGTH = timedelta(minutes=30)


def calendar_entries(session: Session, actor: Actor, *, now: datetime) -> Sequence[Activity]:
    """What the actor has planned or takes part in, and the meetings of the last month, as far as they read them.

    Those with a date, the latest `MOST_ENTRIES`.
    """
    since = now - LOOKS_BACK
    met = and_(Activity.kind == ActivityKind.MEETING, Activity.at >= since)
    theirs = union(
        select(Activity.id).where(Activity.assignee_id == actor.user_id, ~Activity.is_done),
        select(Activity.id).where(Activity.assignee_id == actor.user_id, met),
        select(Participant.activity_id)
        .join(Activity, Activity.id == Participant.activity_id)
        .where(Participant.user_id == actor.user_id, or_(~Activity.is_done, met)),
    )
    return session.scalars(
        select(Activity)
        .where(
            Activity.id.in_(theirs),
            or_(Activity.is_done, Activity.due_at.is_not(None)),
            own_side(actor, Activity.company_id),
            is_readable(actor),
        )
        .order_by(Activity.id.desc())
        .limit(MOST_ENTRIES)
    ).all()


def write_calendar(
    session: Session,
    actor: Actor,
    *,
    name: str,
    base_url: str,
    host: str,
    tasks_as_events: bool,
    now: datetime,
) -> bytes:
    """The calendar file.  tasks_as_events: for programs that show no tasks.  A few statements, whatever the number."""
    from icalendar import Calendar

    entries = calendar_entries(session, actor, now=now)
    places = names_of_places(session, actor, entries)
    people = names_of_people(session, actor, entries)
    calendar: Any = Calendar()
    calendar.add("prodid", "-//Canal//Activities//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", actor.time_zone)
    calendar.add("refresh-interval", timedelta(hours=1), parameters={"value": "DURATION"})
    for activity in entries:
        entry = _entry(activity, ZoneInfo(actor.time_zone), tasks_as_events)
        _describe(entry, activity, places, people, base_url)
        entry.add("uid", f"{activity.ref}@{host}")
        calendar.add_component(entry)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _entry(activity: Activity, zone: ZoneInfo, tasks_as_events: bool) -> Any:
    from icalendar import Event, Todo

    moment = activity.at if activity.is_done else activity.due_at or activity.at
    begins = _in_zone(moment, zone)
    is_event = activity.kind is ActivityKind.MEETING or tasks_as_events
    entry: Any = Event() if is_event else Todo()
    if not is_event:
        entry.add("due", begins)
        entry.add("status", "COMPLETED" if activity.is_done else "NEEDS-ACTION")
        return entry
    entry.add("dtstart", begins)
    length = USUAL_LENGTH
    if activity.ends_at is not None and activity.ends_at > moment:
        length = activity.ends_at - moment
    entry.add("dtend", _in_zone(moment + length, zone))
    entry.add("status", "CONFIRMED")
    return entry


def _describe(
    entry: Any,
    activity: Activity,
    places: Mapping[int, PlaceName],
    people: Mapping[int, Sequence[PersonNamed]],
    base_url: str,
) -> None:
    on = places.get(activity.id)
    url = f"{base_url}/activities/{activity.ref}"
    entry.add("summary", f"{activity.subject} · {on.name}" if on else activity.subject)
    told = [activity.text or ""]
    if people[activity.id]:
        told.append(_("With: %(names)s", names=", ".join(one.name for one in people[activity.id])))
    entry.add("description", "\n\n".join(part for part in (*told, url) if part))
    entry.add("url", url)
    if activity.place:
        entry.add("location", activity.place)
    entry.add("dtstamp", activity.updated_at.astimezone(UTC))
    entry.add("last-modified", activity.updated_at.astimezone(UTC))
    entry.add("sequence", activity.version)


def _in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """UTC stays UTC, which needs no definition of a zone in the file."""
    return moment.astimezone(UTC if zone.key in ("UTC", "Etc/UTC") else zone).replace(microsecond=0)
