"""Which role may do what.  The only place where roles and permissions meet."""

from app.kernel.actor import Permission as P
from app.kernel.actor import Role

_EVERYONE = {P.HOME_VIEW, P.PROFILE_EDIT, P.LEAD_VIEW}
_PARTNER = _EVERYONE | {
    P.LEAD_EDIT,
    P.LEAD_CLAIM,
    P.LEAD_ANSWER_OFFER,
    P.LEAD_RELEASE,
    P.ACTIVITY_LOG,
    P.INBOX_VIEW,
}
_LEADER = _PARTNER | {P.LEAD_TRANSFER, P.TEAM_VIEW}
_VIEWER = _EVERYONE | {P.ACCOUNT_VIEW, P.CONTACT_VIEW, P.QUEUE_VIEW}
_SALES = _VIEWER | {
    P.LEAD_CREATE,
    P.LEAD_EDIT,
    P.LEAD_CLAIM,
    P.LEAD_ASSIGN,
    P.LEAD_RELEASE,
    P.LEAD_EXPORT,
    P.ACTIVITY_LOG,
    P.ACCOUNT_EDIT,
    P.CONTACT_EDIT,
}
_CHANNEL_MANAGER = _SALES | {
    P.LEAD_DELETE,
    P.LEAD_ASSIGN_ANY,
    P.LEAD_IMPORT,
    P.LEAD_TRACE,
    P.ACCOUNT_DELETE,
    P.PARTNER_VIEW,
    P.PARTNER_ENABLE,
    P.PARTNER_SUSPEND,
    P.ROUTING_MANAGE,
    P.SOURCE_MANAGE,
    P.USER_VIEW,
    P.SETUP_VIEW,
    P.DELIVERY_MANAGE,
    P.EVENT_VIEW,
}

PERMISSIONS: dict[Role, frozenset[P]] = {
    Role.ADMINISTRATOR: frozenset(set(P) - {P.LEAD_TRANSFER, P.LEAD_ANSWER_OFFER, P.INBOX_VIEW, P.TEAM_VIEW}),
    Role.CHANNEL_MANAGER: frozenset(_CHANNEL_MANAGER),
    Role.SALES: frozenset(_SALES),
    Role.VIEWER: frozenset(_VIEWER),
    Role.USER: frozenset(_PARTNER),
    Role.MANAGER: frozenset(_LEADER),
    Role.EXECUTIVE: frozenset(_LEADER),
}
