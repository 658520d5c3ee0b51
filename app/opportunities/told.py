"""Contacts that got a part in an opportunity, or lost it, in the words of its timeline."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Contact
from app.events.models import Event
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope

_WORDS: Mapping[str, Any] = {
    "contact_added": _l("gave %(name)s a part in it"),
    "contact_changed": _l("changed %(name)s's part in it"),
    "contact_removed": _l("took %(name)s out of it"),
}


def parts_in_words(session: Session, actor: Actor, events: Sequence[Event]) -> Mapping[int, str]:
    """Key of an event → "gave Marta Puig a part in it", of those whose contact the reader sees.

    No statement where there are no such events, else one.
    """
    told = {event.id: str(event.detail.get("contact", "")) for event in events if event.verb in _WORDS}
    if not told:
        return {}
    seen = session.scalars(
        select(Contact).where(scope(Contact, actor, Level.READ), Contact.ref.in_(set(told.values())))
    )
    names = {contact.ref: contact.full_name for contact in seen}
    return {
        event.id: str(_WORDS[event.verb]) % {"name": names[told[event.id]]}
        for event in events
        if told.get(event.id) in names
    }
