"""Relationships that began and ended, in the words of one account's timeline."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.relations.models import RelationshipReason
from app.events.models import Event
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope


def relations_in_words(session: Session, actor: Actor, events: Sequence[Event]) -> Mapping[int, str]:
    """Key of an event → "related it: supplier of Forges", of those whose other account the reader sees.

    No statement where there are no such events, else two.
    """
    told = [event for event in events if event.verb in ("related", "unrelated")]
    if not told:
        return {}
    others = {event.detail.get("other_id", 0) for event in told}
    rows = session.execute(
        select(Account.id, Account.name).where(scope(Account, actor, Level.READ), Account.id.in_(others))
    )
    names = {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy
    wanted = {event.detail.get("reason_id", 0) for event in told}
    reasons = {
        reason.id: reason
        for reason in session.scalars(select(RelationshipReason).where(RelationshipReason.id.in_(wanted)))
    }
    words = {}
    for event in told:
        name, reason = (
            names.get(event.detail.get("other_id", 0)),
            reasons.get(event.detail.get("reason_id", 0)),
        )
        if name is None or reason is None:
            continue
        reads = reason.inverse if event.detail.get("is_inverse") and reason.inverse else reason.name
        values = {"reason": reads[:1].lower() + reads[1:], "name": name}
        words[event.id] = (
            _("related it: %(reason)s %(name)s", **values)
            if event.verb == "related"
            else _("ended the relationship: %(reason)s %(name)s", **values)
        )
    return words
