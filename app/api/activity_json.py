"""Activities as the API shows them, and what it takes in the words of the operations."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.comments import is_of_other_side
from app.activities.models import Activity
from app.activities.people import names_of_people
from app.activities.places import Record, names_of_places, place_of, place_of_activity
from app.api.answers import moment, version_of
from app.api.reading import read_moment
from app.api.schemas.activities import Participant
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import Invalid

MOMENTS = ("at", "due_at", "ends_at", "remind_at")
# What the operations call otherwise.
_NAMES = {"assignee": "assigned_to", "people": "participants", "company": "shared_with"}


def read_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a body gives, as the operations take it.  Raises Invalid."""
    values = {name: value for name, value in given.items() if name not in (*MOMENTS, *_NAMES.values())}
    values |= {name: read_moment(name, given[name]) for name in MOMENTS if name in given}
    if "assigned_to" in given:
        values["assignee"] = given["assigned_to"]
    if "shared_with" in given:
        values["company"] = given["shared_with"]
    if "participants" in given:
        people: Sequence[Participant | Mapping[str, str]] = given["participants"] or ()
        values["people"] = [one["id"] if isinstance(one, Mapping) else one.id for one in people]
    return values


@contextmanager
def named_as_given() -> Iterator[None]:
    """Complaints by the names that the API has for the fields."""
    try:
        yield
    except Invalid as error:
        raise Invalid({_NAMES.get(name, name): found for name, found in error.errors.items()}) from error


def activities_json(
    session: Session, actor: Actor, activities: Sequence[Activity], record: Record
) -> list[dict[str, Any]]:
    """Activities that the actor reads; record: the one whose list it is, on which most of them are."""
    people = names_of_people(session, actor, activities)
    others = [a for a in activities if not _is_on(a, record)]
    elsewhere = names_of_places(session, actor, others)
    users = _users(session, activities)
    here = {"type": record.__tablename__, "id": record.ref}
    shown = []
    for activity in activities:
        on = elsewhere.get(activity.id)
        is_theirs = is_of_other_side(actor, activity)
        body: dict[str, Any] = {
            "id": activity.ref,
            "kind": activity.kind,
            "subject": activity.subject,
            "text": activity.text,
            **{name: moment(getattr(activity, name)) for name in MOMENTS},
            "place": activity.place,
            "done": activity.is_done,
            "outcome": activity.outcome,
            "shared": activity.shared_with_id is not None,
            "record": {"type": on.kind, "id": on.ref} if on else here,
            "participants": [{"type": p.kind, "id": p.ref, "name": p.name} for p in people[activity.id]],
            "assigned_to": None if is_theirs else users.get(activity.assignee_id or 0),
            "created_by": None if is_theirs else users.get(activity.created_by_id or 0),
            "created_at": moment(activity.created_at),
            "updated_at": moment(activity.updated_at),
        }
        body["version"] = version_of(actor, body, activity.version)
        shown.append(body)
    return shown


def _is_on(activity: Activity, record: Record) -> bool:
    place, key = place_of_activity(activity)
    return place is place_of(record) and key == record.id


def _users(session: Session, activities: Sequence[Activity]) -> dict[int, dict[str, Any]]:
    """Key → author or assignee."""
    keys = {key for a in activities for key in (a.created_by_id, a.assignee_id) if key is not None}
    if not keys:
        return {}
    rows = session.execute(select(User.id, User.ref, User.name).where(User.id.in_(keys)))
    return {key: {"type": "user", "id": ref, "name": name} for key, ref, name in rows}
