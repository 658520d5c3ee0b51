"""What objects are called on screen.  One place, so that an administrator can rename them per language.

`organisation.names` (language → object → [singular, plural]) wins over the standard names here.
"""

from flask import g
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

_STANDARD = {
    "account": (_l("account"), _l("accounts")),
    "contact": (_l("contact"), _l("contacts")),
    "lead": (_l("lead"), _l("leads")),
    "opportunity": (_l("opportunity"), _l("opportunities")),
    "case": (_l("case"), _l("cases")),
    "activity": (_l("activity"), _l("activities")),
    "campaign": (_l("campaign"), _l("campaigns")),
    "queue": (_l("queue"), _l("queues")),
    "round_robin": (_l("round robin"), _l("round robins")),
    "assignment_rule": (_l("assignment rule"), _l("assignment rules")),
    "partner": (_l("partner"), _l("partners")),
    "partner_account": (_l("partner account"), _l("partner accounts")),
    "partner_user": (_l("partner user"), _l("partner users")),
    "partner_level": (_l("partner level"), _l("partner levels")),
    "user": (_l("user"), _l("users")),
    "document": (_l("document"), _l("documents")),
    "saved_view": (_l("saved view"), _l("saved views")),
}

# Objects that an administrator may call otherwise.
RENAMEABLE = frozenset(_STANDARD)


def one(kind: str, *, title: bool = False) -> str:
    """The singular, in lower case, or with a capital at the start of a sentence or heading."""
    return _name(kind, 0, title)


def many(kind: str, *, title: bool = False) -> str:
    """The plural."""
    return _name(kind, 1, title)


def _name(kind: str, number: int, title: bool) -> str:
    renamed = _renamed(kind)
    name = renamed[number] if renamed else str(_STANDARD[kind][number])
    return name[:1].upper() + name[1:] if title else name


def _renamed(kind: str) -> list[str] | None:
    organisation = g.get("organisation")
    if organisation is None or not organisation.names:
        return None
    names: dict[str, list[str]] = organisation.names.get(str(get_locale()), {})
    return names.get(kind)
