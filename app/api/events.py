"""/events: the record of what changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, jsonify
from pydantic import ConfigDict, Field
from sqlalchemy.orm import Session

from app.api.answers import moment, plain_list_arguments
from app.api.reading import read_moment
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.setup import EventList
from app.events.queries import EventFilter, EventRow, list_events, names_of_sources
from app.events.visibility import is_key, told
from app.kernel.actor import Actor, Permission
from app.kernel.db import db
from app.web.access import current_actor, needs

area = Area("Events", "The append-only record of what changed.")

# What records are called over the API, where their table is called otherwise.
KIND_NAMES = {"rule_set": "assignment_rule"}


class EventQuery(list_query("EventPage", ["record", "actor", "kind", "door"])):  # type: ignore[misc]  # made at run time
    """Events of records, of people, of a kind, that came one way, between two moments."""

    model_config = ConfigDict(title="EventQuery")
    from_: str | None = Field(default=None, alias="from", description="A moment or a date; inclusive.")
    to: str | None = Field(default=None, description="A moment or a date; inclusive.")


@area.get("/events", "List what changed", {200: EventList}, query=EventQuery)
@needs(Permission.EVENT_VIEW)
def list_what_changed() -> Response:
    """Newest first; of records that the caller may read.

    A page may hold fewer than asked for, even none, and still be followed by others: `next_cursor` says so.
    """
    limit, cursor, given = plain_list_arguments("record", "actor", "kind", "door", "from", "to")
    wanted = EventFilter(
        records=tuple(given.get("record", ())),
        actors=tuple(given.get("actor", ())),
        verbs=tuple(given.get("kind", ())),
        doors=tuple(given.get("door", ())),
        since=read_moment("from", next(iter(given.get("from", ())), None)),
        until=read_moment("to", next(iter(given.get("to", ())), None)),
    )
    session = db.session()
    actor = current_actor()
    page = list_events(session, actor, wanted, cursor=cursor, limit=limit)
    sources = _sources(session, page.items)
    return jsonify(items=[_event(actor, row, sources) for row in page.items], next_cursor=page.older)


def _event(actor: Actor, row: EventRow, sources: Mapping[int, str]) -> dict[str, Any]:
    event = row.event
    return {
        "id": row.ref,
        "at": moment(event.at),
        "kind": event.verb,
        "record": {"type": KIND_NAMES.get(event.record_kind, event.record_kind), "id": event.record_ref},
        "actor": {
            "type": "user" if row.actor_ref else "system",
            "id": row.actor_ref,
            "name": event.actor_name,
        },
        "door": event.door,
        "changes": {name: _values(name, pair, sources) for name, pair in event.changes.items()},
        "detail": {
            name: value for name, value in told(actor, event.detail).items() if not is_key(name, value)
        },
    }


def _values(name: str, pair: Sequence[Any], sources: Mapping[int, str]) -> list[Any]:
    """Old and new value; keys, which never leave, as names or not at all."""
    if name == "source":
        return [sources.get(value) if isinstance(value, int) else value for value in pair]
    return [None if is_key(name, value) else value for value in pair]


def _sources(session: Session, rows: Sequence[EventRow]) -> Mapping[int, str]:
    keys = [
        value
        for row in rows
        for value in row.event.changes.get("source", ())
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    return names_of_sources(session, keys)
