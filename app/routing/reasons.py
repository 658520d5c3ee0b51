"""Why somebody is not given leads now: codes for storing, words for reading.  Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from babel.dates import format_date
from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString


class Reason(StrEnum):
    """Stored in traces and ledgers' notes; the values never change their meaning."""

    GONE = "gone"
    PRM_OFF = "prm_off"
    PORTAL_CLOSED = "portal_closed"
    ROLE_KEPT_OUT = "role_kept_out"
    COMPANY_SUSPENDED = "company_suspended"
    INVITED = "invited"
    DEACTIVATED = "deactivated"
    NEVER_SIGNED_IN = "never_signed_in"
    READS_ONLY = "reads_only"
    AWAY = "away"
    AT_CAPACITY = "at_capacity"
    COMPANY_AT_CAPACITY = "company_at_capacity"
    NOBODY_THERE = "nobody_there"
    NOBODY_PRESENT = "nobody_present"
    NO_MEMBER = "no_member"
    REFUSED_BEFORE = "refused_before"
    NO_MATCH = "no_match"


# Passed over for one lead alone, which changes nobody's eligibility.
FOR_THIS_LEAD = frozenset({Reason.REFUSED_BEFORE, Reason.NO_MATCH})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason with its particulars.  detail: plain values: `until` (ISO moment), `open`, `capacity`, `what`."""

    reason: Reason
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> Any:
        """The sentence, translated when it is shown."""
        return LazyString(reason_words, self.reason, self.detail)

    def to_json(self) -> list[Any]:
        """`["at_capacity", {…}]`, or the code alone."""
        return [self.reason.value, dict(self.detail)] if self.detail else [self.reason.value]


def reason_words(reason: str, detail: Mapping[str, Any] | None = None) -> str:
    """The reason as the end of "Nord Sistemes: …", without a full stop.  Unknown codes show as they are."""
    words = _WORDS.get(reason)
    return words(detail or {}) if words else reason


def date_locale() -> str:
    """The locale that dates are written in; English ones as pages write them, day first."""
    language = str(get_locale() or "en")
    return "en_GB" if language == "en" else language


def _away(detail: Mapping[str, Any]) -> str:
    until = detail.get("until")
    if not until:
        return _("away")
    moment = datetime.fromisoformat(until)
    local = moment.astimezone(get_timezone() or moment.tzinfo)
    return _("away until %(day)s", day=format_date(local, "medium", locale=date_locale()))


def _full(detail: Mapping[str, Any]) -> str:
    if "capacity" not in detail:
        return _("at capacity")
    return _("at capacity, %(open)s of %(capacity)s", open=detail["open"], capacity=detail["capacity"])


def _company_full(detail: Mapping[str, Any]) -> str:
    if "capacity" not in detail:
        return _("the company is at capacity")
    return _(
        "the company is at capacity, %(open)s of %(capacity)s",
        open=detail["open"],
        capacity=detail["capacity"],
    )


def _no_match(detail: Mapping[str, Any]) -> str:
    what = {
        "country": _("country"),
        "language": _("language"),
        "product": _("product"),
        "level": _("partner level"),
    }.get(detail.get("what", ""), "")
    return _("does not match: %(what)s", what=what) if what else _("does not match")


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    Reason.GONE: lambda _detail: _("no longer there"),
    Reason.PRM_OFF: lambda _detail: _("partner management is not switched on"),
    Reason.PORTAL_CLOSED: lambda _detail: _("the portal is not published"),
    Reason.ROLE_KEPT_OUT: lambda _detail: _("their role is no member of the portal"),
    Reason.COMPANY_SUSPENDED: lambda _detail: _("the company is suspended"),
    Reason.INVITED: lambda _detail: _("has not accepted the invitation"),
    Reason.DEACTIVATED: lambda _detail: _("deactivated"),
    Reason.NEVER_SIGNED_IN: lambda _detail: _("has never signed in on the web"),
    Reason.READS_ONLY: lambda _detail: _("may only read"),
    Reason.AWAY: _away,
    Reason.AT_CAPACITY: _full,
    Reason.COMPANY_AT_CAPACITY: _company_full,
    Reason.NOBODY_THERE: lambda _detail: _("nobody there can take one now"),
    Reason.NOBODY_PRESENT: lambda _detail: _("everybody there is away"),
    Reason.NO_MEMBER: lambda _detail: _("no member can be given anything now"),
    Reason.REFUSED_BEFORE: lambda _detail: _("declined it, or let it expire, before"),
    Reason.NO_MATCH: _no_match,
}
