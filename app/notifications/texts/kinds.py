"""Which mails an organisation may put in its own words, and what may stand in each.  Pure.

Warnings about somebody's sign-in stay in Canal's words, whoever sits at an administrator's desk.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _l

from app.notifications.models import NotificationKind as Kind

# A template of this kind has a name, and is chosen for an entry of the assignment rules.
ASSIGNMENT = "assignment"
# What an entry of the rules can lead to for one person.
ASSIGNED = frozenset({Kind.LEAD_ASSIGNED, Kind.LEAD_OFFERED, Kind.LEAD_IN_QUEUE})

_ALWAYS = ("name", "vendor", "link")
# Of a lead; whom to call is in no mail.
LEAD_FIELDS = ("company", "place", "industry", "employees", "product_interest", "source")
_ABOUT_LEAD = (*_ALWAYS, "title", *LEAD_FIELDS)

PLACEHOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        Kind.LEAD_ASSIGNED: (*_ABOUT_LEAD, "giver"),
        Kind.LEAD_OFFERED: (*_ABOUT_LEAD, "giver", "until"),
        Kind.LEAD_IN_QUEUE: (*_ABOUT_LEAD, "queue"),
        Kind.LEADS_ASSIGNED: (*_ALWAYS, "giver", "number", "own", "offered", "waiting", "queue"),
        Kind.OFFER_LAPSED: (*_ABOUT_LEAD, "who"),
        Kind.ROUTING_ALERT: (*_ALWAYS, "reason"),
        Kind.ADDRESS_TAKEN: (*_ALWAYS, "company", "address", "who"),
        Kind.INVITATION: (*_ALWAYS, "company", "until"),
        Kind.PASSWORD_RESET: (*_ALWAYS, "until"),
        Kind.DAILY_DIGEST: (*_ALWAYS, "number"),
        ASSIGNMENT: (*_ABOUT_LEAD, "giver", "until", "queue"),
    }
)
OWN_WORDS = tuple(kind for kind in PLACEHOLDERS if kind != ASSIGNMENT)

PLACEHOLDER_WORDS: Mapping[str, Any] = MappingProxyType(
    {
        "name": _l("who gets the mail"),
        "vendor": _l("your organisation"),
        "link": _l("where the button leads"),
        "title": _l("what it is called for its reader"),
        "company": _l("the company"),
        "place": _l("town, region, country"),
        "industry": _l("the industry"),
        "employees": _l("how many people work there"),
        "product_interest": _l("what they are interested in"),
        "source": _l("where it comes from"),
        "giver": _l("who gave it"),
        "until": _l("until when"),
        "queue": _l("the queue it waits in"),
        "number": _l("how many"),
        "own": _l("how many are given outright"),
        "offered": _l("how many are offered"),
        "waiting": _l("how many wait to be claimed"),
        "who": _l("who it was"),
        "address": _l("the e-mail address"),
        "reason": _l("what went wrong"),
    }
)


def placeholders(kind: str) -> tuple[str, ...]:
    """What may stand in a mail of that kind."""
    return PLACEHOLDERS[kind]
