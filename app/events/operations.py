"""Writing events: every operation that changes a record records it in the same transaction."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.events.models import Event
from app.kernel.actor import Actor
from app.kernel.bulk import insert_row, insert_rows


class Subject(Protocol):
    """A record that events are about; `__tablename__` is its kind."""

    __tablename__: str
    id: Any
    ref: Any


def record(
    session: Session,
    actor: Actor,
    *,
    verb: str,
    subject: Any,
    at: datetime,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Append one event about `subject`, which must have its id; the event's key.  changes: field → (old, new)."""
    return insert_row(session, Event, event_values(actor, verb, subject, at, changes, detail))


def record_many(
    session: Session,
    actor: Actor,
    changed: Sequence[tuple[str, Any, Mapping[str, Any], Mapping[str, Any]]],
    *,
    at: datetime,
) -> None:
    """Append many events with one insert.  changed: (verb, subject, changes, detail) of each, as `record` takes."""
    if changed:
        rows = [
            event_values(actor, verb, subject, at, changes, detail)
            for verb, subject, changes, detail in changed
        ]
        insert_rows(session, Event, rows)


def event_values(
    actor: Actor,
    verb: str,
    subject: Any,
    at: datetime,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The columns of one event, for inserting many at once."""
    if verb == "created" and actor.token_id is not None:
        detail = {**(detail or {}), "token_id": actor.token_id}  # by which it came in (`activities.doors`)
    return {
        "at": at,
        "verb": verb,
        "record_kind": subject.__tablename__,
        "record_id": subject.id,
        "record_ref": subject.ref,
        "actor_id": actor.user_id,
        "actor_name": actor.name,
        "company_id": actor.company_id,
        "door": actor.door,
        "changes": {k: [_plain(old), _plain(new)] for k, (old, new) in (changes or {}).items()},
        "detail": {k: _plain(v) for k, v in (detail or {}).items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value
