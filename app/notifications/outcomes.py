"""What can become of a delivery other than being sent as it should be, and how that is said.

`delivery.error` holds one of these names, or the words of the mail server.
"""

from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l


class Outcome(StrEnum):
    """Why a mail was withheld or could not be written, or not as it should be."""

    NO_ACCESS = "no_access"
    NOT_ACTIVE = "not_active"
    LINK_USED = "link_used"
    LINK_EXPIRED = "link_expired"
    ADDRESS_CHANGED = "address_changed"
    UNWRITABLE = "unwritable"
    TEXT_UNUSABLE = "text_unusable"


class Withheld(Exception):
    """The mail must not be sent to this person any more."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


_WORDS = {
    Outcome.NO_ACCESS: _l("The recipient may not see the record any more."),
    Outcome.NOT_ACTIVE: _l("The recipient cannot sign in any more."),
    Outcome.LINK_USED: _l("The link was used already, or a newer one replaced it."),
    Outcome.LINK_EXPIRED: _l("The link expired before the mail could be sent."),
    Outcome.ADDRESS_CHANGED: _l("The recipient's address has changed."),
    Outcome.UNWRITABLE: _l("The mail could not be written. The log says why."),
    Outcome.TEXT_UNUSABLE: _l("Your own text could not be used, so it was sent with the built-in one."),
}


def in_words(error: str | None) -> Any:
    """The text for people: a sentence of ours in their language, or what the mail server said."""
    if not error:
        return ""
    return _WORDS[Outcome(error)] if error in set(Outcome) else error
