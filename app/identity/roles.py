"""Which role may do what.  The only place where roles and permissions meet."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.actor import Permission as P  # noqa: N817 - written some eighty times below
from app.kernel.actor import Role

_EVERYONE = {P.HOME_VIEW, P.PROFILE_EDIT, P.LEAD_VIEW, P.DOCUMENT_VIEW, P.REPORT_VIEW}
_PARTNER = _EVERYONE | {
    P.LEAD_EDIT,
    P.LEAD_CLAIM,
    P.LEAD_ANSWER_OFFER,
    P.LEAD_RELEASE,
    P.ACTIVITY_LOG,
    P.DOCUMENT_EDIT,
    P.INBOX_VIEW,
    P.LEAD_CONVERT,
    P.ACCOUNT_VIEW,
    P.CONTACT_VIEW,
    P.OPPORTUNITY_VIEW,
    P.OPPORTUNITY_EDIT,
}
_LEADER = _PARTNER | {P.LEAD_TRANSFER, P.TEAM_VIEW, P.TEAM_MANAGE, P.PEOPLE_MANAGE}
_VIEWER = _EVERYONE | {
    P.ACCOUNT_VIEW,
    P.ACCOUNT_KEEP,
    P.CONTACT_VIEW,
    P.OPPORTUNITY_VIEW,
    P.CAMPAIGN_VIEW,
    P.CASE_VIEW,
    P.QUEUE_VIEW,
    P.DELIVERY_VIEW,
}
_SALES = _VIEWER | {
    P.LEAD_CREATE,
    P.LEAD_EDIT,
    P.LEAD_CLAIM,
    P.LEAD_ASSIGN,
    P.LEAD_RELEASE,
    P.LEAD_HAND_OVER,
    P.LEAD_EXPORT,
    P.ACTIVITY_LOG,
    P.ACCOUNT_EDIT,
    P.ACCOUNT_IMPORT,
    P.ACCOUNT_EXPORT,
    P.CONTACT_EDIT,
    P.LEAD_CONVERT,
    P.OPPORTUNITY_CREATE,
    P.OPPORTUNITY_EDIT,
    P.OPPORTUNITY_EXPORT,
    P.CAMPAIGN_EXPORT,
    P.CASE_EDIT,
    P.CASE_EXPORT,
    P.DOCUMENT_EDIT,
    P.DOCUMENT_EXPORT,
    P.RECORD_SHARE,
}
_CHANNEL_MANAGER = _SALES | {
    P.LEAD_DELETE,
    P.LEAD_ASSIGN_ANY,
    P.LEAD_IMPORT,
    P.LEAD_FORM_MANAGE,
    P.LEAD_TRACE,
    P.ACCOUNT_DELETE,
    P.CASE_DELETE,
    P.OPPORTUNITY_DELETE,
    P.PARTNER_VIEW,
    P.PARTNER_ENABLE,
    P.PARTNER_SUSPEND,
    P.TARGET_EDIT,
    P.ROUTING_MANAGE,
    P.SOURCE_MANAGE,
    P.CAMPAIGN_EDIT,
    P.USER_VIEW,
    P.PEOPLE_MANAGE,
    P.SETUP_VIEW,
    P.DELIVERY_MANAGE,
    P.EVENT_VIEW,
    P.ACCESS_VIEW,
    P.SHARING_MANAGE,
}

PERMISSIONS: dict[Role, frozenset[P]] = {
    Role.ADMINISTRATOR: frozenset(set(P) - (_LEADER - _CHANNEL_MANAGER)),
    Role.CHANNEL_MANAGER: frozenset(_CHANNEL_MANAGER),
    Role.SALES: frozenset(_SALES),
    Role.VIEWER: frozenset(_VIEWER),
    Role.USER: frozenset(_PARTNER),
    Role.MANAGER: frozenset(_LEADER),
    Role.EXECUTIVE: frozenset(_LEADER),
}


# What concerns the records of everybody; not for people who see their portfolio alone.
_OF_ALL_RECORDS = frozenset({P.SHARING_MANAGE})
_RECORDS = frozenset({P.ACCOUNT_VIEW, P.CONTACT_VIEW})


# Fields of leads without which there is nothing to call what a lead became.
_NAMES_OF_PERSONS = frozenset({"first_name", "last_name"})
_NAMES_OF_ALL = _NAMES_OF_PERSONS | {"company"}


def permissions_of(role: Role, *, portfolio_only: bool, hidden_fields: Iterable[str] = ()) -> frozenset[P]:
    """What somebody may do.  portfolio_only: their account scope is their portfolio; administrators have no such limit.

    hidden_fields: of leads, of partner people; whoever is not to know leads' names opens no account or contact.
    """
    if portfolio_only and role is not Role.ADMINISTRATOR:
        return PERMISSIONS[role] - _OF_ALL_RECORDS
    if not _NAMES_OF_ALL.isdisjoint(hidden_fields):
        taken = {P.ACCOUNT_VIEW} if _NAMES_OF_PERSONS.isdisjoint(hidden_fields) else _RECORDS
        return PERMISSIONS[role] - taken
    return PERMISSIONS[role]


def role_names() -> dict[Role, Any]:
    """What the roles are called on screen."""
    return _NAMES


def role_helps() -> dict[Role, Any]:
    """What a role means, in a sentence."""
    return _HELPS


_NAMES = {
    Role.ADMINISTRATOR: _l("Administrator"),
    Role.CHANNEL_MANAGER: _l("Channel manager"),
    Role.SALES: _l("Sales"),
    Role.VIEWER: _l("Viewer"),
    Role.USER: _l("Partner user"),
    Role.MANAGER: _l("Partner manager"),
    Role.EXECUTIVE: _l("Partner executive"),
}
_HELPS = {
    Role.ADMINISTRATOR: _l("Sets everything up and sees everything."),
    Role.CHANNEL_MANAGER: _l("Looks after partners, leads and routing."),
    Role.SALES: _l("Works on leads, accounts and contacts."),
    Role.VIEWER: _l("Reads, and changes nothing."),
    Role.USER: _l("Works on their own leads and claims new ones."),
    Role.MANAGER: _l("Also sees and hands over what the company's users own."),
    Role.EXECUTIVE: _l("Also sees what its managers own."),
}
