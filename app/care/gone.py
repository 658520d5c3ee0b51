"""A record that is gone, as it is told to somebody who could still read it were it there; to nobody else.

It was deleted, became part of another, or went away with the record that it was on.  That a hidden record ever was
is told to nobody: to them it is a name like any other that names nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.activities.comments import told_to
from app.activities.models import Activity
from app.activities.places import place_of_activity
from app.care.survivors import find_survivor
from app.cases.models import Case
from app.events.models import Event
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import (
    scope,
    scope_of_deleted,
    scope_of_deleted_cases,
    scope_of_deleted_leads,
    scope_of_deleted_opportunities,
    scope_of_merged,
)

_MODELS: dict[str, Any] = {
    refs.LEAD: Lead,
    refs.ACCOUNT: Account,
    refs.CONTACT: Contact,
    refs.OPPORTUNITY: Opportunity,
    refs.CASE: Case,
}


@dataclass(frozen=True, slots=True)
class Gone:
    """kind: name of its table.  by: who did it; "" where that is not told, as to partner people.

    is_merged: it became part of another record; into: the public name of that one, "" where it is not to be read.
    on: (kind, public name) of the record that an activity was on, if it is there still.
    """

    kind: str
    at: datetime
    by: str = ""
    is_merged: bool = False
    into: str = ""
    on: tuple[str, str] | None = None


def find_gone(session: Session, actor: Actor, ref: str) -> Gone | None:
    """What became of the record of this public name; None when it is there, never was, or was nothing to the actor."""
    prefix = ref.partition("_")[0]
    if prefix == refs.ACTIVITY:
        return _activity_that_went(session, actor, ref)
    model = _MODELS.get(prefix)
    return _record_that_went(session, actor, model, model.ref == ref) if model is not None else None


def _record_that_went(session: Session, actor: Actor, model: Any, which: ColumnElement[bool]) -> Gone | None:
    kind = model.__tablename__
    row = session.execute(
        select(model.ref, model.deleted_at, User.name)
        .outerjoin(User, User.id == model.updated_by_id)
        .where(_could_read(model, actor), which, model.deleted_at.is_not(None))
    ).first()
    if row is not None:
        return Gone(kind, row.deleted_at, _told_name(actor, row.name))
    return _record_that_was_merged(session, actor, model, which) if model in (Account, Contact) else None


def _could_read(model: Any, actor: Actor) -> ColumnElement[bool]:
    of_own = {
        Lead: scope_of_deleted_leads,
        Case: scope_of_deleted_cases,
        Opportunity: scope_of_deleted_opportunities,
    }
    return of_own[model](actor, Level.READ) if model in of_own else scope_of_deleted(model, actor, Level.READ)


def _record_that_was_merged(
    session: Session, actor: Actor, model: Any, which: ColumnElement[bool]
) -> Gone | None:
    kind = model.__tablename__
    row = session.execute(
        select(model.ref, model.deleted_at, User.name)
        .outerjoin(User, User.id == model.updated_by_id)
        .where(scope_of_merged(model, actor), which)
    ).first()
    if row is None:
        return None
    into = find_survivor(session, actor, kind, row.ref) or ""
    return Gone(kind, row.deleted_at, _told_name(actor, row.name), is_merged=True, into=into)


def _activity_that_went(session: Session, actor: Actor, ref: str) -> Gone | None:
    """It was deleted by itself, or its record was."""
    activity = session.scalar(select(Activity).where(Activity.ref == ref, told_to(actor)))
    if activity is not None:
        place, key = place_of_activity(activity)
        return _record_that_went(session, actor, place.model, place.model.id == key)
    event = session.scalar(
        select(Event).where(Event.record_ref == ref, Event.verb == "deleted", _was_told(actor))
    )
    if event is None:
        return None
    on = str(event.detail.get("on", ""))
    model = _MODELS.get(on.partition("_")[0])
    if model is None or not session.scalar(
        select(exists().where(model.ref == on, scope(model, actor, Level.READ)))
    ):
        return None
    by = event.actor_name if actor.is_internal or event.company_id == actor.company_id else ""
    return Gone("activity", event.at, by, on=(model.__tablename__, on))


def _was_told(actor: Actor) -> ColumnElement[bool]:
    """That an activity which is gone was one the actor's side knew of: somebody of it did something to it."""
    of_it = aliased(Event)
    conditions = [of_it.record_kind == "activity", of_it.record_id == Event.record_id]
    if actor.is_partner:
        conditions.append(of_it.company_id == actor.company_id)
    return exists().where(*conditions)


def _told_name(actor: Actor, name: str | None) -> str:
    """Partner people read no names of the vendor's people beside a record."""
    return (name or "") if actor.is_internal else ""
