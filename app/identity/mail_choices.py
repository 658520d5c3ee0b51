"""Which notifications people may choose to have mailed, in words, and what they chose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.identity.models import User
from app.kernel.actor import Role
from app.kernel.errors import Invalid
from app.notifications.models import NotificationKind as Kind
from app.notifications.preferences import DIGEST, MAIL, PORTAL, WAYS, choice

_WORDS = {
    Kind.LEAD_ASSIGNED: _l("a lead is given to me"),
    Kind.LEAD_OFFERED: _l("a lead is offered to me"),
    Kind.LEADS_ASSIGNED: _l("several leads are given to me at once"),
    Kind.LEAD_IN_QUEUE: _l("a lead begins to wait in a queue of mine"),
    Kind.OFFER_LAPSED: _l("an offer runs out without an answer"),
    Kind.TOUCH_DUE: _l("my time to begin with a lead is soon over"),
    Kind.LEAD_RECYCLED: _l("a lead goes back because nothing was done on it"),
    Kind.LEAD_COMMENTED: _l("somebody writes to me on a lead"),
    Kind.DUPLICATE_FOUND: _l("somebody makes a second of a record of mine that they cannot see"),
    Kind.ACTIVITY_DUE: _l("something that I planned is due"),
    Kind.ACTIVITY_GIVEN: _l("a colleague gives me something to do, or invites me"),
    Kind.ROUTING_ALERT: _l("routing needs somebody to look"),
    Kind.ADDRESS_TAKEN: _l("a partner invites somebody who is known already"),
}
_FIELD = "way-"
_EVERYONE = (
    Kind.LEAD_ASSIGNED,
    Kind.LEADS_ASSIGNED,
    Kind.LEAD_IN_QUEUE,
    Kind.OFFER_LAPSED,
    Kind.TOUCH_DUE,
    Kind.LEAD_RECYCLED,
    Kind.LEAD_COMMENTED,
    Kind.ACTIVITY_DUE,
    Kind.ACTIVITY_GIVEN,
)
_CHANNEL = (Kind.ROUTING_ALERT, Kind.ADDRESS_TAKEN)


def offered_kinds(user: User) -> tuple[Kind, ...]:
    """The kinds that can reach a person of that role."""
    if user.is_partner:
        return (Kind.LEAD_OFFERED, *_EVERYONE)
    own = (*_EVERYONE, Kind.DUPLICATE_FOUND)
    return (*own, *_CHANNEL) if user.role in (Role.ADMINISTRATOR, Role.CHANNEL_MANAGER) else own


@dataclass(frozen=True, slots=True)
class MailChoice:
    """A kind that the person may choose for.  field: the name of its control.  way: how it reaches them now."""

    field: str
    words: Any
    way: str


def mail_choices(user: User) -> list[MailChoice]:
    """What the person may choose, with what is chosen, or usual where they never did."""
    return [
        MailChoice(f"{_FIELD}{kind.value}", _WORDS[kind], choice(user, kind) or _usual(user, kind))
        for kind in offered_kinds(user)
    ]


def chosen_preferences(user: User, given: Mapping[str, str]) -> dict[str, str]:
    """What to keep once these were sent: only what differs from before is a choice.

    given: what a form holds; other fields are left alone, a kind that is not there stays as it is.
    Raises Invalid: a kind that is not theirs to choose, an unknown way.
    """
    before = {each.field: each.way for each in mail_choices(user)}
    kept = dict(user.mail_preferences or {})
    for name, way in given.items():
        if not name.startswith(_FIELD):
            continue
        if name not in before or way not in WAYS:
            raise Invalid({name: [_l("Choose one of those that are offered.")]})
        if way != before[name]:
            kept[name.removeprefix(_FIELD)] = way
    return kept


def way_words() -> list[tuple[str, Any]]:
    """The ways, as they are offered."""
    return [(MAIL, _l("E-mail at once")), (DIGEST, _l("Daily digest")), (PORTAL, _l("In the portal only"))]


def _usual(user: User, kind: Kind) -> str:
    """What happens without a choice: leads that wait in a partner's queue are mailed to its managers, alerts to nobody."""
    if kind in (Kind.ROUTING_ALERT, Kind.DUPLICATE_FOUND) or (
        kind is Kind.LEAD_IN_QUEUE and user.role is not Role.MANAGER
    ):
        return PORTAL
    return MAIL
