"""How figures of reports read."""

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from app.reports.asked import first_day
from app.reports.classes import DAY, HOUR, LIMITS, MINUTE, MORE, score_ends


def month_name(month: int) -> str:
    """A month, as "Nov 2026"; by itself, so that Catalan puts no "de" before it."""
    return str(format_date(first_day(month), "LLL yyyy"))


def duration(seconds: int) -> str:
    """A limit of a class, as "4 hours"."""
    if seconds < HOUR:
        return ngettext("%(num)s minute", "%(num)s minutes", seconds // MINUTE)
    if seconds < DAY:
        return ngettext("%(num)s hour", "%(num)s hours", seconds // HOUR)
    return ngettext("%(num)s day", "%(num)s days", seconds // DAY)


def within(seconds: int | None) -> str:
    """A median or another share: the limit in which it lies."""
    if seconds is None:
        return _("more than %(duration)s", duration=duration(LIMITS[-1]))
    return _("within %(duration)s", duration=duration(seconds))


def class_name(class_: str) -> str:
    """A class of durations."""
    return within(None if class_ == MORE else int(class_))


def band_name(band: str) -> str:
    """A band of scores, as "20 to 39"."""
    low, high = score_ends(band)
    if low is None:
        return _("below 0")
    if high is None:
        return _("%(score)s and more", score=low)
    return _("%(low)s to %(high)s", low=low, high=high - 1)
