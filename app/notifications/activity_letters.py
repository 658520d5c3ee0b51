"""Mails about activities: a reminder, and what a colleague gave somebody to do.

They say what is to be done and with which company; a lead's person stands in no mail.
"""

from collections.abc import Callable

from flask_babel import gettext as _
from sqlalchemy import select

from app.activities.models import Activity
from app.activities.places import is_readable, names_of_places
from app.kernel import labels
from app.kernel.actor import Actor
from app.leads.models import Lead
from app.notifications.envelope import Envelope, Letter, moment_in_full, recipient_of
from app.notifications.models import NotificationKind as Kind
from app.notifications.outcomes import Outcome, Withheld
from app.notifications.plain import one_line
from app.sharing.scope import scope


def _about(envelope: Envelope) -> Letter:
    """Raises Withheld when the recipient does not see it any more."""
    actor = recipient_of(envelope)
    activity = envelope.session.scalar(
        select(Activity).where(Activity.id == envelope.notification.record_id, is_readable(actor))
    )
    if activity is None or (actor.is_partner and activity.company_id != actor.company_id):
        raise Withheld(Outcome.NO_ACCESS)
    words = {
        "what": one_line(activity.subject),
        "on": _on(envelope, actor, activity),
        "who": one_line(envelope.detail.get("who", "")),
        "due": "" if activity.due_at is None else moment_in_full(activity.due_at, envelope.user.time_zone),
    }
    facts = {"due": (_("When"), words["due"]), "place": (_("Place"), one_line(activity.place or ""))}
    return Letter(
        envelope.notification.kind,
        envelope.link(f"/activities/{activity.ref}"),
        words,
        {name: pair for name, pair in facts.items() if pair[1]},
        is_overtaken=activity.is_done,
    )


def _on(envelope: Envelope, actor: Actor, activity: Activity) -> str:
    """What its record is called in a mail; "" where the reader is not told a lead's company."""
    if activity.lead_id is not None:
        if "company" in actor.hidden_fields:
            return ""
        company = envelope.session.scalar(
            select(Lead.company).where(scope(Lead, actor), Lead.id == activity.lead_id)
        )
        return one_line(company or labels.one("lead"))
    place = names_of_places(envelope.session, actor, [activity]).get(activity.id)
    return one_line(place.name) if place else ""


WRITERS: dict[Kind, Callable[[Envelope], Letter]] = {
    Kind.ACTIVITY_DUE: _about,
    Kind.ACTIVITY_GIVEN: _about,
}
