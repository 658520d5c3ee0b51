"""Where a person can go from every page: the places of the frame, by role, with their counts."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import has_request_context, request
from flask_babel import gettext as _

from app.kernel import labels
from app.kernel.actor import Actor, Permission

MAIN, SETUP, NEW = "main", "setup", "new"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One link of the frame.

    count: shown beside the label; None shows nothing.
    section: `main` places from the top, `setup` at the bottom, `new` the entries of the *New* menu.
    shortcut: the keys that go there, as canal.js reads them ("g l"); empty for none.
    """

    key: str
    label: str
    url: str
    icon: str
    count: int | None = None
    is_current: bool = False
    section: str = MAIN
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class _Place:
    key: str
    path: str
    icon: str
    permission: Permission
    section: str = MAIN
    shortcut: str = ""


_INTERNAL = (
    _Place("home", "/", "home", Permission.HOME_VIEW, shortcut="g h"),
    _Place("my_day", "/my-day", "calendar", Permission.HOME_VIEW, shortcut="g d"),
    _Place("leads", "/leads", "target", Permission.LEAD_VIEW, shortcut="g l"),
    _Place("queues", "/queues", "layers", Permission.QUEUE_VIEW, shortcut="g q"),
    _Place("partners", "/partners", "handshake", Permission.PARTNER_VIEW, shortcut="g p"),
    _Place("accounts", "/accounts", "building", Permission.ACCOUNT_VIEW, shortcut="g a"),
    _Place("contacts", "/contacts", "contact", Permission.CONTACT_VIEW, shortcut="g c"),
    _Place("opportunities", "/opportunities", "trend", Permission.OPPORTUNITY_VIEW, shortcut="g y"),
    _Place("campaigns", "/campaigns", "megaphone", Permission.CAMPAIGN_VIEW, shortcut="g m"),
    _Place("cases", "/cases", "case", Permission.CASE_VIEW, shortcut="g e"),
    _Place("documents", "/documents", "paperclip", Permission.DOCUMENT_VIEW, shortcut="g o"),
    _Place("reports", "/reports", "chart", Permission.REPORT_VIEW, shortcut="g r"),
    _Place("setup", "/setup/", "settings", Permission.SETUP_VIEW, SETUP, shortcut="g s"),
    _Place("new_lead", "/leads/new", "target", Permission.LEAD_CREATE, NEW),
    _Place("quick_lead", "/leads/quick", "smartphone", Permission.LEAD_CREATE, NEW),
    _Place("new_account", "/accounts/new", "building", Permission.ACCOUNT_EDIT, NEW),
    _Place("new_contact", "/contacts/new", "contact", Permission.CONTACT_EDIT, NEW),
    _Place("new_opportunity", "/opportunities/new", "trend", Permission.OPPORTUNITY_CREATE, NEW),
    _Place("new_campaign", "/campaigns/new", "megaphone", Permission.CAMPAIGN_EDIT, NEW),
    _Place("new_case", "/cases/new", "case", Permission.CASE_EDIT, NEW),
    _Place("new_import", "/imports/new", "upload", Permission.ACCOUNT_IMPORT, NEW),
)
_PARTNER = (
    _Place("home", "/", "home", Permission.HOME_VIEW, shortcut="g h"),
    _Place("inbox", "/inbox", "inbox", Permission.INBOX_VIEW, shortcut="g i"),
    _Place("my_leads", "/leads?owner=me", "target", Permission.LEAD_VIEW, shortcut="g l"),
    _Place("opportunities", "/opportunities", "trend", Permission.OPPORTUNITY_VIEW, shortcut="g y"),
    _Place("my_day", "/my-day", "calendar", Permission.HOME_VIEW, shortcut="g d"),
    _Place("accounts", "/accounts", "building", Permission.ACCOUNT_VIEW, shortcut="g a"),
    _Place("contacts", "/contacts", "contact", Permission.CONTACT_VIEW, shortcut="g c"),
    _Place("team", "/team", "users", Permission.TEAM_VIEW, shortcut="g t"),
    _Place("documents", "/documents", "paperclip", Permission.DOCUMENT_VIEW, shortcut="g o"),
    _Place("reports", "/reports", "chart", Permission.REPORT_VIEW, shortcut="g r"),
)


def navigation(actor: Actor | None, counts: Mapping[str, int] | None = None) -> list[NavItem]:
    """The places that the person may go to, in order; empty when nobody is signed in.

    counts: key of a place ("inbox") to its number; absent ones show none.
    """
    if actor is None:
        return []
    root = request.script_root if has_request_context() else ""
    current = _current_path()
    names = _names()
    return [
        NavItem(
            key=place.key,
            label=names[place.key],
            url=root + place.path,
            icon=place.icon,
            count=(counts or {}).get(place.key),
            is_current=_is_current(place, current),
            section=place.section,
            shortcut=place.shortcut,
        )
        for place in (_PARTNER if actor.is_partner else _INTERNAL)
        if actor.can(place.permission) and _leads_somewhere(actor, place)
    ]


def _leads_somewhere(actor: Actor, place: _Place) -> bool:
    """Whether there may be something.  Partner people have accounts and contacts by default, or where some are given to them."""
    if not actor.is_partner or place.key not in ("accounts", "contacts"):
        return True
    kind = place.key.removesuffix("s")
    is_given = any(object_ == kind for object_, _principal in actor.shared)
    return is_given or getattr(actor, f"default_{kind}_level") is not None


def _names() -> dict[str, str]:
    return {
        "home": _("Home"),
        "inbox": _("Inbox"),
        "my_day": _("My day"),
        "leads": labels.many("lead", title=True),
        "queues": labels.many("queue", title=True),
        "partners": labels.many("partner", title=True),
        "reports": _("Reports"),
        "accounts": labels.many("account", title=True),
        "contacts": labels.many("contact", title=True),
        "documents": labels.many("document", title=True),
        "opportunities": labels.many("opportunity", title=True),
        "campaigns": labels.many("campaign", title=True),
        "cases": labels.many("case", title=True),
        "setup": _("Setup"),
        "my_leads": _("My %(leads)s", leads=labels.many("lead")),
        "team": _("My team"),
        "new_lead": labels.one("lead", title=True),
        "quick_lead": _("%(lead)s from a card", lead=labels.one("lead", title=True)),
        "new_account": labels.one("account", title=True),
        "new_contact": labels.one("contact", title=True),
        "new_opportunity": labels.one("opportunity", title=True),
        "new_campaign": labels.one("campaign", title=True),
        "new_case": labels.one("case", title=True),
        "new_import": _("Import %(leads)s", leads=labels.many("lead")),
    }


def _current_path() -> str:
    return request.path if has_request_context() else ""


def _is_current(place: _Place, path: str) -> bool:
    """Whether the page being shown lies under the place; Home is only itself."""
    if place.section == NEW:
        return False
    place_path = place.path.partition("?")[0]
    under = place_path.rstrip("/")
    return path == place_path or (under != "" and (path == under or path.startswith(under + "/")))
