"""What can stand against an act on an opportunity."""

from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict, Invalid

_MESSAGES: dict[str, Any] = {
    "account_id": _l("There is no such account."),
    "partner_account_id": _l("There is no such partner."),
    "contact_id": _l("There is no such contact."),
}


def no_such(field: str) -> Invalid:
    """A record that does not exist or may not be seen; the two are answered alike."""
    return Invalid({field: [_MESSAGES[field]]})


class NeedTaken(Conflict):
    """The need has become an opportunity already, or is met."""

    message = _l("There is no open need here any more. Reload to see what became of it.")
