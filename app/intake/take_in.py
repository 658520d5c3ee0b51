"""One way in for a single lead, whoever brings it: a form or the API.  Imports take many (`batch`).

Known by its external id it is updated; else it is new, probable duplicates are noted on it (never
merged, never refused), and it is placed: by the rules, in the default queue, or with whom a person chose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.records import first_values, refuse_empty
from app.fields.values import reading_of
from app.identity.queries import get_organisation
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid
from app.leads.duplicates import find_duplicates, likeness_of
from app.leads.models import AssignmentCause, Lead
from app.leads.operations import edit_lead, new_lead
from app.leads.placement import Move, Owner, place
from app.leads.process import refuse_score
from app.leads.queries import find_level
from app.leads.values import LeadValues, read_lead_values, reading_for, require_whole
from app.notifications.operations import Mail
from app.routing.assign import Wish, assign_new_lead
from app.routing.models import Queue
from app.routing.routes import route_lead
from app.routing.targets import Target
from app.scores.upkeep import note_arrived, score_lead
from app.sharing.scope import scope

# Whether an external id is taken must be known whoever holds the lead.
_KNOWN = Actor.system("external ids")


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a lead is to be placed.

    owner: whom a person chose; None leaves it to the rules (`by_rules`) or the default queue.
    asks_required: whether fields that administrators require must be there; strangers cannot know of them.
    """

    owner: Target | None = None
    by_rules: bool = True
    notify: bool = True
    asks_required: bool = True


def take_in(
    session: Session, actor: Actor, raw: Mapping[str, Any], arrival: Arrival | None = None, *, now: datetime
) -> tuple[Lead, bool]:
    """(the lead, whether it is new).  raw: field name → what was typed or sent.

    Writes the lead, its first assignment, events and notifications.  Does not commit.
    Raises NotAllowed, Invalid, Conflict (a deleted one has the external id), and what `edit_lead`,
    `place` and `assign_new_lead` raise.
    """
    actor.require(Permission.LEAD_CREATE)
    arrival = arrival or Arrival()
    organisation = get_organisation(session)
    reading = reading_for(
        session,
        actor,
        zone=ZoneInfo(organisation.time_zone),
        find_held=lambda: _find_seen(session, actor, raw.get("external_id")),
    )
    refuse_score(session, raw)
    values = read_lead_values(raw, reading)
    known = _find_known(session, values)
    if known is not None:
        return _update(session, actor, known, values, now), False
    require_whole(values, strict=organisation.strict_capture)
    custom = {**first_values(reading.custom, reading_of()), **values.custom()}
    missing = refuse_empty(reading.custom, custom, is_new=True)
    if missing and arrival.asks_required:
        raise Invalid(missing)
    lead = new_lead(session, actor, _given(values), custom, now=now)
    lead.duplicates = find_duplicates(session, [likeness_of(lead)])[0]
    score_lead(session, lead, now=now)
    if arrival.owner is not None:
        assign_new_lead(session, actor, lead, Wish(arrival.owner, notify=arrival.notify), now=now)
    elif arrival.by_rules:
        route_lead(session, actor, lead, now=now, notify=arrival.notify)
    else:
        queue = session.scalars(select(Queue).where(Queue.is_default)).one()
        mail = Mail.NOW if arrival.notify else Mail.SUPPRESSED
        place(
            session, actor, lead, Owner(queue=queue), Move(AssignmentCause.DEFAULT_QUEUE, mail=mail), now=now
        )
    note_arrived(session, [lead.id])
    return lead, True


def _given(values: LeadValues) -> dict[str, Any]:
    """Attributes that were given; columns that are never empty keep their default."""
    return {name: value for name, value in values.attributes().items() if value is not None}


def _find_known(session: Session, values: LeadValues) -> Lead | None:
    external_id = values.fields.get("external_id")
    if external_id is None:
        return None
    return session.scalar(select(Lead).where(scope(Lead, _KNOWN), Lead.external_id == external_id))


def _find_seen(session: Session, actor: Actor, external_id: Any) -> Lead | None:
    """The lead that has this external id, if the actor may read it."""
    if not isinstance(external_id, str):
        return None
    return session.scalar(
        select(Lead).where(scope(Lead, actor, Level.READ), Lead.external_id == external_id.strip())
    )


def _update(session: Session, actor: Actor, lead: Lead, values: LeadValues, now: datetime) -> Lead:
    if lead.deleted_at is not None or find_level(session, actor, lead.ref) is None:
        raise Conflict(_l("A lead that was deleted, or that you may not see, has this external id."))
    changes = {name: value for name, value in values.fields.items() if value is not None or name != "status"}
    return edit_lead(session, actor, lead.ref, changes, now=now)
