"""How often something may be asked for: sign-in, public forms, the API.  Kept in this process's memory.

What sign-ins are counted by is in `identity.devices`.
"""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from app.settings import current_settings
from app.web.access import current_actor

limiter = Limiter(
    key_func=get_remote_address, headers_enabled=True, storage_uri="memory://", strategy="moving-window"
)


@limiter.request_filter
def is_off() -> bool:
    """Whether this application counts nothing; asked of each, as the counters are the process's."""
    return not current_settings().rate_limits


SIGN_IN = "10 per 5 minutes"
CODES = "50 per day"  # beside SIGN_IN: so that whoever knows a password cannot go through all codes
PUBLIC_FORM = "20 per minute"
API = "600 per minute"
CALENDAR = "60 per minute"  # by address: offices share one, and programs ask every few minutes
RESET_MAIL = "5 per hour"  # for one account, so that nobody's mailbox is filled


def _is_internal() -> bool:
    return current_actor().is_internal


# What a partner's person sends to addresses that they type, through all doors together.
invitations = limiter.shared_limit(
    "30 per hour",
    scope="invitations",
    key_func=lambda: current_actor().ref,
    exempt_when=_is_internal,
)
