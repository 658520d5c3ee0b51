"""What an event holds, without the records in it that its reader may not see: not their names, nor that there are any."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.cases.models import Case
from app.documents.models import Document
from app.events.models import Event
from app.kernel import refs
from app.kernel.actor import Actor, Level, Role
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope, scope_of_deleted_leads, scope_of_deleted_opportunities, scope_of_merged

_MODELS: dict[str, Any] = {
    refs.LEAD: Lead,
    refs.ACCOUNT: Account,
    refs.CONTACT: Contact,
    refs.CASE: Case,
    refs.OPPORTUNITY: Opportunity,
    refs.DOCUMENT: Document,
}
# verb → what its detail says of many records together, seen by its reader or not: how many, found by what.
_OF_MANY: dict[str, frozenset[str]] = {
    "members_added": frozenset({"count", "filter"}),
    "merged": frozenset({"moved"}),
    "deactivated": frozenset({"moved", "cases", "opportunities"}),
    "partner_suspended": frozenset({"moved"}),
}
_NOT_EVEN_TO_DOER = frozenset({"merged"})  # along goes what they do not see


def as_told(session: Session, actor: Actor, events: Sequence[Event]) -> list[Event]:
    """The events in their order; one that names a record hidden from the actor as a copy without what names it.

    A field whose old or new value is such a record is left out whole, and so are numbers of records that whoever did
    it saw, for everybody else.  Administrators are told everything.
    One statement for each kind of record that is named, none where nothing is.
    """
    if actor.role is Role.ADMINISTRATOR:
        return list(events)
    hidden = _hidden(session, actor, {name for event in events for name in _named(event)})
    return [
        _without(event, hidden, many) if many or hidden & set(_named(event)) else event
        for event in events
        for many in [_of_many(actor, event)]
    ]


def _of_many(actor: Actor, event: Event) -> frozenset[str]:
    """What its detail tells of others' records together, whether the actor sees these or not."""
    if event.actor_id == actor.user_id and event.verb not in _NOT_EVEN_TO_DOER:
        return frozenset()
    return _OF_MANY.get(event.verb, frozenset()) & event.detail.keys()


def _hidden(session: Session, actor: Actor, named: set[str]) -> set[str]:
    seen: set[str] = set()
    for prefix, model in _MODELS.items():
        wanted = {name for name in named if name.partition("_")[0] == prefix}
        if not wanted:
            continue
        condition = scope(model, actor, Level.READ)
        if model is Lead:
            condition = or_(condition, scope_of_deleted_leads(actor, Level.READ))
        elif model is Opportunity:
            condition = or_(condition, scope_of_deleted_opportunities(actor, Level.READ))
        elif model in (Account, Contact):
            condition = or_(condition, scope_of_merged(model, actor))
        seen.update(session.scalars(select(model.ref).where(condition, model.ref.in_(wanted))))
    return named - seen


def _named(event: Event) -> Iterator[str]:
    """The public names of records in what the event holds, its own record's aside."""
    found = (*_names_in(event.changes), *_names_in(event.detail))
    return (name for name in found if name != event.record_ref)


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if any(refs.is_ref(prefix, value) for prefix in _MODELS):
            yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _names_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names_in(each)


def _without(event: Event, hidden: set[str], many: frozenset[str]) -> Event:
    values = {column.name: getattr(event, column.name) for column in Event.__table__.columns}
    values["detail"] = {name: value for name, value in values["detail"].items() if name not in many}
    return Event(**values | {name: _cleared(values[name], hidden) for name in ("changes", "detail")})


def _cleared(held: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """Without the entries that name one of these, at whatever depth the name stands."""
    kept = {}
    for name, value in held.items():
        if not hidden.intersection(_names_in(value)):
            kept[name] = value
        elif isinstance(value, dict):
            kept[name] = _cleared(value, hidden)
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            # What stands beside the name of a record, as what it is called, goes with it.
            kept[name] = [each for each in value if not hidden.intersection(_names_in(each))]
    return kept
