"""How values look on screen: times, numbers, names, in the viewer's language and time zone.

Formatting a moment through CLDR costs tens of microseconds, and a list page does it a hundred
times, so the pure parts below are cached by what they depend on: never on who asks.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, dates, numbers
from flask import Flask
from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _
from markupsafe import escape

from app.kernel import bands, clock, refs

# Plain English follows the day-month order and the 24 hours that its readers here expect.
LOCALES = {"en": "en_GB"}
MINUTE, HOUR, DAY = 60, 3600, 86400
RELATIVE_FOR_DAYS = 30  # older moments read better as a date


def relative_time(moment: datetime, now: datetime | None = None) -> str:
    """ "12 min ago", "in 3 hr"; beyond 30 days the local date.

    moment: aware.  now: aware, the clock's by default.
    """
    seconds = ((now or clock.now()) - moment).total_seconds()
    distance = abs(seconds)
    if distance < MINUTE:
        return _("just now") if seconds >= 0 else _("in a moment")
    if distance >= RELATIVE_FOR_DAYS * DAY:
        return local_date(moment)
    return _distance_text(_whole_unit(distance) * (-1 if seconds > 0 else 1), _locale(), True)


def is_past(moment: datetime | None) -> bool:
    """Whether a moment has gone by; what has none has not."""
    return moment is not None and moment < clock.now()


def dial(number: str) -> str:
    """A telephone number as a telephone takes it, however it is written: "+44 (0)20 7946 0123" is +442079460123."""
    own = re.split(r"(?i)\s*(?:ext|x\s*\d)", number)[0].strip()
    is_abroad = own.startswith(("+", "00"))
    digits = re.sub(r"\D", "", own.replace("(0)", "") if is_abroad else own)
    return f"+{digits.removeprefix('00')}" if is_abroad else digits


def age(moment: datetime, now: datetime | None = None) -> str:
    """How old something is, without direction: "3 days", "12 min"."""
    seconds = abs(((now or clock.now()) - moment).total_seconds())
    if seconds < MINUTE:
        return _("under a minute")
    return _distance_text(_whole_unit(seconds), _locale(), False)


def countdown(moment: datetime, now: datetime | None = None) -> str:
    """What is left until a deadline: "1 hr left"; "time is up" from the moment itself on."""
    seconds = (moment - (now or clock.now())).total_seconds()
    if seconds <= 0:
        return _("time is up")
    if seconds < MINUTE:
        return _("less than a minute left")
    return _("%(duration)s left", duration=_distance_text(_whole_unit(seconds), _locale(), False))


def local_datetime(moment: datetime) -> str:
    """The exact moment to the minute in the viewer's zone: "21 Nov 2026, 11:12"."""
    zone = _zone()
    return _datetime_text(_to_minute(moment), _locale(), str(zone), zone)


def local_date(moment: datetime | date) -> str:
    """The day in the viewer's zone; a date has no zone and stays itself."""
    day = moment.astimezone(_zone()).date() if isinstance(moment, datetime) else moment
    return _date_text(day, _locale())


def local_time(moment: datetime) -> str:
    """The time of day in the viewer's zone: "11:12"."""
    return dates.format_time(moment, "short", tzinfo=_zone(), locale=_locale())


def number(value: float | Decimal | None, decimals: int | None = None) -> str:
    """A number as the viewer writes it; an en dash for None.  decimals: exactly so many."""
    if value is None:
        return "–"
    if decimals is None and isinstance(value, int) and -1000 < value < 1000:
        return str(value)
    pattern = None if decimals is None else "#,##0" + ("." + "0" * decimals if decimals else "")
    return numbers.format_decimal(value, format=pattern, locale=_locale())


def money(cents: int | None, currency: str = "EUR") -> str:
    """An amount given in cents, with its currency; whole amounts carry no decimals."""
    if cents is None:
        return "–"
    amount = Decimal(cents) / 100
    locale = Locale.parse(_locale())
    pattern = locale.currency_formats["standard"].pattern
    if amount == amount.to_integral_value():
        pattern = pattern.replace(".00", "")
    return numbers.format_currency(amount, currency, format=pattern, locale=locale, currency_digits=False)


def initials(name: str | None) -> str:
    """One or two capitals that stand for a person: "Marta Puig" is MP; "?" for nobody."""
    words = [word for word in (name or "").split() if word[0].isalnum()]
    if not words:
        return "?"
    last = words[-1][0] if len(words) > 1 else ""
    return (words[0][0] + last).upper()


def country_name(code: str | None) -> str:
    """The country of a two-letter code in the viewer's language; other text unchanged."""
    if not code:
        return ""
    return _territories(_locale()).get(code.upper(), code)


def employee_band(employees: int | str | None) -> str:
    """A company's size without saying it exactly: "50–199 people".  Takes a number or a band; "" for none."""
    band = employees if isinstance(employees, str) else bands.employee_band(employees)
    return _("%(band)s people", band=band) if band else ""


def exact_moment(moment: datetime) -> tuple[str, str]:
    """(UTC as ISO 8601, the viewer's local time) to the minute, for a <time> element."""
    zone = _zone()
    minute = _to_minute(moment)
    return minute.strftime("%Y-%m-%dT%H:%MZ"), _title_text(minute, _locale(), str(zone), zone)


def page_language() -> str:
    """The language of the page, for its `lang` attribute: "en", "es", "ca"."""
    locale = get_locale()
    return locale.language if locale else "en"


def init_filters(app: Flask) -> None:
    """Register the filters and what templates draw with (`web.tags`)."""
    from app.web.tags import init_tags  # it builds on the filters

    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(page_language=page_language)
    init_tags(app)


FILTERS: dict[str, Callable[..., Any]] = {
    "relative_time": relative_time,
    "is_past": is_past,
    "dial": dial,
    "age": age,
    "countdown": countdown,
    "local_datetime": local_datetime,
    "local_date": local_date,
    "local_time": local_time,
    "number": number,
    "money": money,
    "initials": initials,
    "country_name": country_name,
    "room": refs.room_of,
    "employee_band": employee_band,
}


def _locale() -> str:
    locale = get_locale()
    name = locale.language if locale else "en"  # its text would cost more than looking it up
    return LOCALES.get(name, name)


def _zone() -> tzinfo:
    return get_timezone() or UTC


def _to_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _whole_unit(seconds: float) -> int:
    """Seconds cut down to the largest whole unit, so that 50 minutes never read as an hour."""
    unit = DAY if seconds >= DAY else HOUR if seconds >= HOUR else MINUTE
    return int(seconds // unit) * unit


@lru_cache(maxsize=4096)
def _distance_text(seconds: int, locale: str, direction: bool) -> str:
    unit = DAY if abs(seconds) >= DAY else HOUR if abs(seconds) >= HOUR else MINUTE
    text = dates.format_timedelta(
        timedelta(seconds=seconds),
        add_direction=direction,
        format="short",
        # A unit is taken from this many of it on: days stay days, where Babel would say "1 week".
        threshold=abs(seconds) // unit,
        locale=locale.removesuffix("_GB"),
    )
    # CLDR's short English is "12 min. ago" and "1 hr": a point reads as a sentence's end, and the unit is h.
    text = text.replace(". ", " ").removesuffix(".")
    return text.replace(" hr", " h") if locale.startswith("en") else text


@lru_cache(maxsize=8192)
def _datetime_text(moment: datetime, locale: str, zone_name: str, zone: tzinfo) -> str:
    local = moment.astimezone(zone)
    day = dates.format_date(local, "medium", locale=locale)
    return f"{day}, {dates.format_time(local, 'short', locale=locale)}"


@lru_cache(maxsize=8192)
def _title_text(moment: datetime, locale: str, zone_name: str, zone: tzinfo) -> str:
    """The moment with its weekday; the same for all who share language and zone.  Safe in an attribute."""
    local = moment.astimezone(zone)
    weekday = dates.format_date(local, "EEE", locale=locale)
    return str(escape(f"{weekday} {_datetime_text(moment, locale, zone_name, zone)}"))


@lru_cache(maxsize=4096)
def _date_text(day: date, locale: str) -> str:
    return dates.format_date(day, "medium", locale=locale)


@lru_cache(maxsize=16)
def _territories(locale: str) -> dict[str, str]:
    return dict(Locale.parse(locale).territories)
