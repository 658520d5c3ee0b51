"""What an edit of an opportunity changes, and when it comes too late."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.events.models import Event
from app.fields.records import Written
from app.opportunities.fields import OPPORTUNITY_FIELDS
from app.opportunities.models import Opportunity

EDITS = ("edited", "won", "lost", "reopened")


@dataclass(frozen=True, slots=True)
class Change:
    """One field's.  old, new: as events tell it, public names and names instead of keys."""

    column: str
    column_value: Any
    old: Any
    new: Any


_PLAIN = ("name", "close_date", "campaign", "description", "external_id")


def plain_changes(opportunity: Opportunity, cleaned: Mapping[str, Any]) -> dict[str, Change]:
    """Of the fields that stand for themselves."""
    found = {}
    for name in _PLAIN:
        column = OPPORTUNITY_FIELDS[name].attribute
        if name in cleaned and getattr(opportunity, column) != cleaned[name]:
            found[name] = Change(
                column, cleaned[name], _told(getattr(opportunity, column)), _told(cleaned[name])
            )
    return found  # fmt: skip


def _told(value: Any) -> Any:
    """As events keep it, in JSON."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def own_changes(written: Written) -> dict[str, Change]:
    """Of the fields that administrators added, which stand together in one column."""
    held = written.columns.get("custom")
    return {name: Change("custom", held, old, new) for name, (old, new) in written.told.items()}


def refuse_stale(
    session: Session, opportunity: Opportunity, version: int | None, changes: Mapping[str, Change]
) -> None:
    """Raises StaleEdit when the edit began from another version and still would change something."""
    if version is None or version == opportunity.version or not changes:
        return
    before = _values_at(session, opportunity, version)
    untouched = frozenset(name for name, c in changes.items() if name in before and before[name] == c.new)
    raise StaleEdit({name: change.old for name, change in changes.items()}, untouched, opportunity.version)


def _values_at(session: Session, opportunity: Opportunity, version: int) -> dict[str, Any]:
    """What the fields held that were edited after `version`, as the record of events tells it."""
    events = session.scalars(
        select(Event)
        .where(
            Event.record_kind == "opportunity",
            Event.record_id == opportunity.id,
            Event.verb.in_(EDITS),
        )
        .order_by(Event.id.desc())
    )
    values: dict[str, Any] = {}
    for event in events:
        if event.detail.get("version", 0) <= version:
            break
        values.update({name: old for name, (old, _new) in event.changes.items()})
    return values
