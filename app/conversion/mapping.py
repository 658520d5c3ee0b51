"""Which fields that administrators added go where when a lead is converted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.conversion.models import FieldMapping
from app.events.operations import record
from app.fields.catalogue import Definition, catalogue, new_key
from app.fields.operations import keep_inside
from app.identity.organisation import lock_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid, NotFound
from app.leads.visibility import Visibility
from app.partners.models import PartnerLevel

TARGETS = ("account", "contact", "opportunity")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A field of leads, the object and the field that it goes to; labels of fields that are still there."""

    ref: str
    lead_label: str
    object: str
    label: str


def list_mappings(session: Session) -> Sequence[Mapped]:
    """Those of fields that are still there."""
    known = catalogue(session)
    found = []
    for row in session.scalars(select(FieldMapping).order_by(FieldMapping.id)):
        source, target = known.all("lead").get(row.lead_field), known.all(row.object).get(row.field)
        if source is not None and target is not None:
            found.append(Mapped(row.ref, source.label, row.object, target.label))
    return found


def add_mapping(
    session: Session, actor: Actor, lead_field: str, object_: str, field: str, *, now: datetime
) -> FieldMapping:
    """Let a field of leads go to a field of what they become that holds the same kind of thing.

    Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SETTING_MANAGE)
    known = catalogue(session)
    source = known.active("lead").get(lead_field)
    target = known.active(object_).get(field) if object_ in TARGETS else None
    if source is None or target is None:
        raise Invalid({"target": [_l("Choose one of the fields listed.")]})
    if not _fits(source, target):
        raise Invalid({"target": [_l("The two hold different things. Choose a field of the same kind.")]})
    taken = select(FieldMapping).where(FieldMapping.object == object_, FieldMapping.field == field)
    if session.scalar(taken) is not None:
        raise Invalid({"target": [_l("Another field goes there already.")]})
    row = FieldMapping(
        ref=refs.new_ref(refs.FIELD_MAPPING), lead_field=lead_field, object=object_, field=field
    )
    session.add(row)
    session.flush()
    _renew(session)
    # As administrators wrote them: an event is told in many languages.
    detail = {"name": source.own_label, "on": f"{object_}: {target.own_label}"}
    record(session, actor, verb="created", subject=row, at=now, detail=detail)
    return row


def _fits(source: Definition, target: Definition) -> bool:
    """Of one kind, and where there are choices every one of the lead's is there too."""
    if source.kind is not target.kind:
        return False
    keys = {choice.key for choice in target.choices}
    return all(choice.key in keys for choice in source.choices)


def remove_mapping(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Let a field go nowhere.

    What it was written into is the vendor's from then on, where any partner is not told what it holds: nobody is
    shown by this what was hidden before.  Raises NotAllowed, NotFound.
    """
    actor.require(Permission.SETTING_MANAGE)
    row = session.scalar(select(FieldMapping).where(FieldMapping.ref == ref))
    if row is None:
        raise NotFound("mapping", ref)
    record(session, actor, verb="deleted", subject=row, at=now, detail={"name": row.lead_field})
    if _is_hidden(session, row.lead_field):
        keep_inside(session, actor, row.object, row.field, now=now)
    session.delete(row)
    session.flush()
    _renew(session)


def _is_hidden(session: Session, lead_field: str) -> bool:
    """Whether it is hidden from the partners of any level."""
    by_level = session.scalars(select(PartnerLevel.lead_fields))
    hidden_there = any(fields.get(lead_field) == Visibility.HIDDEN for fields in by_level)
    return hidden_there or lead_field in lock_organisation(session).hidden_fields


def _renew(session: Session) -> None:
    """Let the fields be read anew: who sees one follows from what is written into it."""
    lock_organisation(session).fields_key = new_key()
