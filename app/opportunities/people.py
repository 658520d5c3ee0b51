"""Contacts that have a part in an opportunity, each with a role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.accounts.queries import get_contact
from app.accounts.sight import seen_values
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotFound
from app.opportunities.errors import no_such
from app.opportunities.models import ContactRole, Opportunity, OpportunityContact
from app.opportunities.queries import get_opportunity
from app.sharing.scope import scope

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Part:
    """Somebody's part in it, with the person as the reader may see them.  seen: their fields, None where not told."""

    ref: str
    role: ContactRole
    contact: Contact
    seen: Mapping[str, Any]


def parts_of(session: Session, actor: Actor, opportunity: Opportunity) -> Sequence[Part]:
    """Of an opportunity that the reader sees; contacts that they do not see are left out."""
    if not actor.can(Permission.CONTACT_VIEW):
        return []
    rows = session.execute(
        select(OpportunityContact.ref, OpportunityContact.role, Contact)
        .join(Contact, Contact.id == OpportunityContact.contact_id)
        .where(
            OpportunityContact.opportunity_id == opportunity.id,
            scope(Contact, actor, Level.READ),
        )
        .order_by(OpportunityContact.id)
        .limit(MOST_SHOWN)
    )
    return [Part(ref, role, contact, seen_values(actor, contact)) for ref, role, contact in rows]


def add_part(
    session: Session,
    actor: Actor,
    opportunity_ref: str,
    contact_ref: object,
    role: object = None,
    *,
    now: datetime,
) -> tuple[OpportunityContact, bool]:
    """Give a contact that the actor sees a part in it; there already, the role changes.

    Answers (the part, whether it is new).  Writes an event.  Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.OPPORTUNITY_EDIT)
    opportunity = get_opportunity(session, actor, opportunity_ref, Level.EDIT, for_update=True)
    wanted = read_role(role)
    try:
        contact = get_contact(session, actor, contact_ref if isinstance(contact_ref, str) else "")
    except NotFound as error:
        raise no_such("contact_id") from error
    known = session.scalar(
        select(OpportunityContact).where(
            OpportunityContact.opportunity_id == opportunity.id,
            OpportunityContact.contact_id == contact.id,
        )
    )
    if known is not None:
        if known.role is not wanted:
            changes = {"role": (known.role.value, wanted.value)}
            known.role = wanted
            record(
                session,
                actor,
                verb="contact_changed",
                subject=opportunity,
                at=now,
                changes=changes,
                detail={"contact": contact.ref},
            )
        return known, False
    return store_part(session, actor, opportunity, contact, wanted, now=now), True


def store_part(
    session: Session,
    actor: Actor,
    opportunity: Opportunity,
    contact: Contact,
    role: ContactRole,
    *,
    now: datetime,
) -> OpportunityContact:
    """Store a part that is not there yet, for records that have been looked up.  Does not commit."""
    part = OpportunityContact(
        ref=refs.new_ref(refs.CONTACT_ROLE),
        opportunity_id=opportunity.id,
        contact_id=contact.id,
        role=role,
        created_at=now,
        created_by_id=actor.user_id,
    )
    session.add(part)
    session.flush()  # its key is shown
    detail = {"contact": contact.ref, "role": role.value}
    record(session, actor, verb="contact_added", subject=opportunity, at=now, detail=detail)
    return part


def remove_part(
    session: Session, actor: Actor, opportunity_ref: str, part_ref: str, *, now: datetime
) -> None:
    """Take a contact that the actor sees out of it.  Raises NotAllowed, NotFound."""
    actor.require(Permission.OPPORTUNITY_EDIT)
    opportunity = get_opportunity(session, actor, opportunity_ref, Level.EDIT, for_update=True)
    row = session.execute(
        select(OpportunityContact, Contact.ref)
        .join(Contact, Contact.id == OpportunityContact.contact_id)
        .where(
            OpportunityContact.ref == part_ref,
            OpportunityContact.opportunity_id == opportunity.id,
            scope(Contact, actor, Level.READ),
        )
    ).first()
    if row is None:
        raise NotFound("contact", part_ref)
    session.delete(row[0])
    session.flush()
    record(session, actor, verb="contact_removed", subject=opportunity, at=now, detail={"contact": row[1]})


def read_role(given: object) -> ContactRole:
    """A role by its key; other where none is given.  Raises Invalid."""
    if given in (None, ""):
        return ContactRole.OTHER
    if given not in set(ContactRole):
        raise Invalid({"role": [_l("Choose one of: %(known)s.", known=", ".join(ContactRole))]})
    return ContactRole(str(given))
