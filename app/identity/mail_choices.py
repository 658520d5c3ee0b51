"""Which notifications people may choose to have mailed, in words, and what they chose."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.identity.models import User
from app.kernel.actor import Role
from app.notifications.models import NotificationKind as Kind
from app.notifications.preferences import MAIL, PORTAL, choice

_WORDS = {
    Kind.LEAD_ASSIGNED: _l("a lead is given to me"),
    Kind.LEAD_OFFERED: _l("a lead is offered to me"),
    Kind.LEADS_ASSIGNED: _l("several leads are given to me at once"),
    Kind.LEAD_IN_QUEUE: _l("a lead begins to wait in a queue of mine"),
    Kind.OFFER_LAPSED: _l("an offer runs out without an answer"),
    Kind.ROUTING_ALERT: _l("routing needs somebody to look"),
    Kind.ADDRESS_TAKEN: _l("a partner invites somebody who is known already"),
}
_EVERYONE = (Kind.LEAD_ASSIGNED, Kind.LEADS_ASSIGNED, Kind.LEAD_IN_QUEUE, Kind.OFFER_LAPSED)
_CHANNEL = (Kind.ROUTING_ALERT, Kind.ADDRESS_TAKEN)


def offered_kinds(user: User) -> tuple[Kind, ...]:
    """The kinds that can reach a person of that role."""
    if user.is_partner:
        return (Kind.LEAD_OFFERED, *_EVERYONE)
    return (*_EVERYONE, *_CHANNEL) if user.role in (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER) else _EVERYONE


def mail_choices(user: User) -> list[tuple[str, Any]]:
    """Value and words of each box."""
    return [(kind.value, _WORDS[kind]) for kind in offered_kinds(user)]


def mailed_kinds(user: User) -> set[str]:
    """The boxes that are ticked: chosen, or usual where the person never chose."""
    return {kind.value for kind in offered_kinds(user) if (choice(user, kind) or _usual(user, kind)) == MAIL}


def chosen_preferences(user: User, ticked: set[str]) -> dict[str, str]:
    """What to keep once these boxes were sent: only what differs from before is a choice."""
    before = mailed_kinds(user)
    kept = dict(user.mail_preferences or {})
    for kind in offered_kinds(user):
        if (kind.value in ticked) != (kind.value in before):
            kept[kind.value] = MAIL if kind.value in ticked else PORTAL
    return kept


def _usual(user: User, kind: Kind) -> str:
    """What happens without a choice: leads that wait in a partner's queue are mailed to its managers."""
    if kind is Kind.LEAD_IN_QUEUE and user.role is not Role.MANAGER:
        return PORTAL
    return MAIL
