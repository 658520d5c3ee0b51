"""What happened to a user, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.events.models import Event


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history.  text: what exactly changed, where there is more to say."""

    icon: str
    who: str
    what: Any
    at: datetime
    text: str = ""


_WORDS = {
    "created": ("user-plus", _l("created this user")),
    "address_taken": ("user-x", _l("sent nothing: the address is another user's")),
    "invited": ("mail", _l("sent an invitation")),
    "accepted_invitation": ("check", _l("accepted the invitation")),
    "signed_in": ("log-in", _l("signed in")),
    "signed_out": ("log-out", _l("signed out")),
    "edited": ("edit", _l("changed the details")),
    "link_asked": ("mail", _l("asked for a link to set a password")),
    "changed_password": ("key", _l("changed the password; other sessions and all tokens ended")),
    "second_factor_set_up": ("smartphone", _l("set up a second factor")),
    "second_factor_turned_off": ("smartphone", _l("turned off the second factor")),
    "second_factor_reset": ("smartphone", _l("reset the second factor; every session ended")),
    "second_factor_failed": ("alert", _l("gave a wrong code of the second factor")),
    "recovery_codes_renewed": ("key", _l("made new recovery codes")),
    "recovery_code_used": ("key", _l("used a recovery code")),
    "sign_in_failed": ("x-circle", _l("a sign-in with this address failed")),
    "refused": ("shield", _l("tried what they may not do")),
    "exported": ("download", _l("exported a list")),
    "session_ended": ("log-out", _l("ended a session")),
    "sessions_ended": ("log-out", _l("ended sessions")),
    "token_created": ("key", _l("made an API token")),
    "token_revoked": ("key", _l("revoked an API token")),
    "calendar_opened": ("calendar", _l("made a secret address of their calendar")),
    "calendar_closed": ("calendar", _l("revoked the secret address of their calendar")),
    "viewing_started": ("eye", _l("began to see Canal as this user does")),
    "viewing_stopped": ("eye", _l("stopped seeing Canal as this user does")),
    "deactivated": ("user-x", _l("deactivated this user")),
    "reactivated": ("check-circle", _l("reactivated this user")),
}
# What is changed of a person, as its readers call it; the audit log says it so too.
PERSON_FIELDS = {
    "name": _l("Name"),
    "role": _l("Role"),
    "account_scope": _l("Account scope"),
    "capacity": _l("Most open leads"),
    "away_until": _l("Away until"),
    "language": _l("Language"),
    "time_zone": _l("Time zone"),
    "theme": _l("Theme"),
    "mail_preferences": _l("Mail"),
}


def in_words(events: Iterable[Event]) -> list[Entry]:
    """Each event as a line; a verb without words stands for itself."""
    return [_entry(event) for event in events]


def _entry(event: Event) -> Entry:
    icon, what = _WORDS.get(event.verb, ("circle", event.verb.replace("_", " ")))
    return Entry(icon, event.actor_name, what, event.at, _changes(event))


def _changes(event: Event) -> str:
    told = [
        _("%(field)s: %(old)s → %(new)s", field=PERSON_FIELDS[name], old=_value(old), new=_value(new))
        for name, (old, new) in event.changes.items()
        if name in PERSON_FIELDS and name != "mail_preferences"
    ]
    return "; ".join(told)


def _value(value: Any) -> str:
    return "–" if value is None else str(value)
