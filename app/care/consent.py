"""Saying of a lead or a contact whether they agreed to be contacted, and what they want no more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.consent import OPT_OUTS, opt_outs_noted
from app.accounts.consented import CONSENT_FIELDS, clean_consent
from app.accounts.queries import get_contact
from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotAllowed
from app.leads.errors import AlreadyConverted
from app.leads.queries import get_lead


def get_person(
    session: Session, actor: Actor, ref: str, level: Level = Level.READ, *, for_update: bool = False
) -> Any:
    """The lead or the contact of that public name.  Raises NotFound, NotAllowed."""
    if refs.is_ref(refs.LEAD, ref):
        return get_lead(session, actor, ref, level, for_update=for_update)
    return get_contact(session, actor, ref, level, for_update=for_update)


def set_consent(
    session: Session,
    actor: Actor,
    ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Any:
    """Keep what a person agreed to.  values: of `consent` ("yes", "no", "" for unknown), `consent_basis`,
    `consent_on`, `consent_origin`, and of each opt-out whether it is so; those not given stay.

    An opt-out that is new is kept with who noted it and when.  The vendor's own people say this.
    Writes one event; nothing when nothing changes.  Does not commit.
    Raises NotAllowed, NotFound, AlreadyConverted, Invalid, StaleEdit.
    """
    is_lead = refs.is_ref(refs.LEAD, ref)
    actor.require(Permission.LEAD_EDIT if is_lead else Permission.CONTACT_EDIT)
    if actor.is_partner:
        raise NotAllowed
    person = get_person(session, actor, ref, Level.EDIT, for_update=True)
    if is_lead and person.converted_at is not None:
        raise AlreadyConverted
    changed = {
        name: value
        for name, value in _clean(values, person.consent_basis).items()
        if getattr(person, name) != value
    }
    if not changed:
        return person
    if version is not None and version != person.version:
        raise StaleEdit({name: getattr(person, name) for name in changed}, frozenset(), person.version)
    told = {name: (getattr(person, name), value) for name, value in changed.items()}
    for name, value in changed.items():
        setattr(person, name, value)
    person.opted_out_by = opt_outs_noted(person.opted_out_by, changed, actor.user_id, now)
    person.stamp(actor, now)
    session.flush()  # so that a constraint speaks up here
    record(
        session,
        actor,
        verb="edited",
        subject=person,
        at=now,
        changes=told,
        detail={"version": person.version},
    )
    return person


def _clean(values: Mapping[str, Any], basis: str | None) -> dict[str, Any]:
    """basis: what is kept now, which may have been written in words before there was a list.  Raises Invalid."""
    unknown = [name for name in values if name not in CONSENT_FIELDS]
    if unknown:
        raise Invalid({name: [_l("There is no such field.")] for name in unknown})
    return clean_consent({n: bool(v) if n in OPT_OUTS else v for n, v in values.items()}, basis)
