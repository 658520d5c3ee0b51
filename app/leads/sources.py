"""The administrator's list of sources: add, rename, take out of use."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid, NotFound
from app.kernel.fold import fold
from app.kernel.text import clean_text
from app.leads.models import LeadSource

LONGEST_NAME = 80


def add_source(session: Session, actor: Actor, name: str | None, *, now: datetime) -> LeadSource:
    """A source of that name: a new one at the end of the list, or the one that is there, in use again.

    Writes an event unless it was there.  Does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SOURCE_MANAGE)
    name = _name(name)
    known = session.scalar(select(LeadSource).where(LeadSource.name_fold == fold(name, LONGEST_NAME)))
    if known is not None:
        if not known.is_active:
            known.is_active = True
            record(session, actor, verb="edited", subject=known, at=now, changes={"in use": (False, True)})
        return known
    last = session.scalar(select(func.max(LeadSource.position))) or 0
    source = LeadSource(
        ref=refs.new_ref(refs.ITEM), name=name, name_fold=fold(name, LONGEST_NAME), position=last + 1
    )
    session.add(source)
    session.flush()  # its id goes into the event
    record(session, actor, verb="created", subject=source, at=now)
    return source


def rename_source(session: Session, actor: Actor, ref: str, name: str | None, *, now: datetime) -> LeadSource:
    """Give a source another name; leads keep it.  Raises NotAllowed, NotFound, Invalid."""
    actor.require(Permission.SOURCE_MANAGE)
    source = _get(session, ref)
    name = _name(name)
    folded = fold(name, LONGEST_NAME)
    taken = session.scalar(
        select(LeadSource.id).where(LeadSource.name_fold == folded, LeadSource.id != source.id)
    )
    if taken is not None:
        raise Invalid({"name": [_l("There is a source of this name already.")]})
    if name != source.name:
        before, source.name, source.name_fold = source.name, name, folded
        record(session, actor, verb="edited", subject=source, at=now, changes={"name": (before, name)})
    return source


def set_source_use(
    session: Session, actor: Actor, ref: str, *, in_use: bool, now: datetime
) -> LeadSource:
    """Offer a source to new leads, or no longer; those that have it keep it.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SOURCE_MANAGE)
    source = _get(session, ref)
    if source.is_active != in_use:
        source.is_active = in_use
        record(session, actor, verb="edited", subject=source, at=now, changes={"in use": (not in_use, in_use)})
    return source


def _get(session: Session, ref: str) -> LeadSource:
    source = session.scalar(select(LeadSource).where(LeadSource.ref == ref))
    if source is None:
        raise NotFound("source", ref)
    return source


def _name(name: str | None) -> str:
    cleaned = clean_text(name, max_length=LONGEST_NAME, field="name")
    if not cleaned or not fold(cleaned):
        raise Invalid({"name": [_l("Give it a name.")]})
    return cleaned
