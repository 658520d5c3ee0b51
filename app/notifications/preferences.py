"""What each person wants mailed at once, what once a day, and what they read in the portal only.  Pure.

`user.mail_preferences` holds kind → `now`, `digest` or `portal` where the person chose; security mail and
invitations are not theirs to mute.
"""

from app.identity.models import User
from app.notifications.models import NotificationKind as Kind

MAIL, DIGEST, PORTAL = "now", "digest", "portal"
WAYS = (MAIL, DIGEST, PORTAL)

ALWAYS_MAILED = frozenset(
    {
        Kind.INVITATION,
        Kind.PASSWORD_RESET,
        Kind.PASSWORD_CHANGED,
        Kind.SECOND_FACTOR,
        Kind.NEW_DEVICE,
        Kind.DAILY_DIGEST,
        Kind.REPORT_MAIL,
        Kind.MAIL_TEST,
    }
)
# Of what the bell shows nothing: links that work once, and mails about what it shows already.
MAIL_ONLY = frozenset(
    {Kind.INVITATION, Kind.PASSWORD_RESET, Kind.DAILY_DIGEST, Kind.REPORT_MAIL, Kind.MAIL_TEST}
)
CHOOSABLE = tuple(kind for kind in Kind if kind not in ALWAYS_MAILED)


def way_of(user: User, kind: Kind) -> str:
    """How a notification of that kind reaches the person beside the bell: one of `WAYS`."""
    if kind in ALWAYS_MAILED:
        return MAIL
    return choice(user, kind) or MAIL


def wants_mail(user: User, kind: Kind) -> bool:
    """Whether a notification of that kind is mailed to the person at once."""
    return way_of(user, kind) == MAIL


def choice(user: User, kind: Kind) -> str | None:
    """What the person chose for that kind; None where they never did."""
    chosen = (user.mail_preferences or {}).get(kind.value)
    return chosen if chosen in WAYS else None
