"""What each person wants mailed and what they read in the portal only.  Pure.

`user.mail_preferences` holds kind → `now` or `portal` where the person chose; security mail and
invitations are not theirs to mute.
"""

from app.identity.models import User
from app.notifications.models import NotificationKind as Kind

MAIL, PORTAL = "now", "portal"

ALWAYS_MAILED = frozenset(
    {
        Kind.INVITATION,
        Kind.PASSWORD_RESET,
        Kind.PASSWORD_CHANGED,
        Kind.SECOND_FACTOR,
        Kind.NEW_DEVICE,
    }
)
MAIL_ONLY = frozenset({Kind.INVITATION, Kind.PASSWORD_RESET})
CHOOSABLE = tuple(kind for kind in Kind if kind not in ALWAYS_MAILED)


def wants_mail(user: User, kind: Kind) -> bool:
    """Whether a notification of that kind is mailed to the person as well."""
    return kind in ALWAYS_MAILED or choice(user, kind) != PORTAL


def choice(user: User, kind: Kind) -> str | None:
    """What the person chose for that kind; None where they never did."""
    chosen = (user.mail_preferences or {}).get(kind.value)
    return chosen if chosen in (MAIL, PORTAL) else None
