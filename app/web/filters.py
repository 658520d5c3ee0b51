"""How values look on screen: times, numbers, names, in the viewer's language and time zone.

Formatting a moment through CLDR costs tens of microseconds, and a list page does it a hundred
times, so the pure parts below are cached by what they depend on: never on who asks.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from babel import Locale, dates, numbers
from flask import Flask, has_request_context, request
from flask_babel import get_locale, get_timezone
from flask_babel import gettext as _
from markupsafe import Markup

from app.kernel import clock

# Plain English follows the day-month order and the 24 hours that its readers here expect.
LOCALES = {"en": "en_GB"}
MINUTE, HOUR, DAY = 60, 3600, 86400
RELATIVE_FOR_DAYS = 30  # older moments read better as a date

# Upper ends of the bands in which a company's size may be told without naming the company.
EMPLOYEE_BANDS = (10, 50, 200, 500, 1000, 5000)


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


def age(moment: datetime, now: datetime | None = None) -> str:
    """How old something is, without direction: "3 days", "12 min"."""
    seconds = ((now or clock.now()) - moment).total_seconds()
    return _distance_text(_whole_unit(max(abs(seconds), MINUTE)), _locale(), False)


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
    """A company's size as a band, "51–200 people"; a band given as text keeps its figures."""
    if employees is None or employees == "":
        return ""
    band = employees if isinstance(employees, str) else _band(employees)
    return _("%(band)s people", band=band)


def time_tag(moment: datetime | date | None, mode: str = "relative") -> Markup:
    """A <time> element: what a person reads, the exact local time as its title.

    mode: relative, date, datetime, age or left (a deadline).  None gives an en dash.
    """
    if moment is None:
        return Markup('<span class="is-quiet">–</span>')
    if not isinstance(moment, datetime):
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), local_date(moment))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _to_minute(moment).strftime("%Y-%m-%dT%H:%MZ"), local_datetime(moment), TIME_MODES[mode](moment)
    )


TIME_MODES: dict[str, Callable[[datetime], str]] = {
    "relative": relative_time,
    "date": local_date,
    "datetime": local_datetime,
    "time": local_time,
    "age": age,
    "left": countdown,
}


def page_language() -> str:
    """The language of the page, for its `lang` attribute: "en", "es", "ca"."""
    locale = get_locale()
    return locale.language if locale else "en"


def init_filters(app: Flask) -> None:
    """Register the filters, and the globals `static_url`, `sprite` and `page_language`, for the templates of `app`."""
    folder, url_path = Path(app.static_folder or ""), app.static_url_path or ""

    @lru_cache(maxsize=256)
    def versioned(filename: str) -> str:
        file = folder / filename
        mark = f"?v={sha256(file.read_bytes()).hexdigest()[:8]}" if file.is_file() else ""
        return f"{url_path}/{filename}{mark}"

    def static_url(filename: str) -> str:
        """A static file's address with a mark of its content, so that it may be cached for good.

        Cheap enough for every icon of a list, unlike `url_for`.
        """
        root = request.script_root if has_request_context() else ""
        return root + versioned(filename)

    @lru_cache(maxsize=256)
    def drawn(root: str, name: str, extra_class: str) -> Markup:
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>').format(
            f"icon {extra_class}".rstrip(), root + versioned("icons.svg"), name
        )

    def sprite(name: str, extra_class: str = "") -> Markup:
        """An icon: decoration, hidden from screen readers; the words stand beside it."""
        return drawn(request.script_root if has_request_context() else "", name, extra_class)

    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(static_url=static_url, sprite=sprite, page_language=page_language)


FILTERS: dict[str, Callable[..., Any]] = {
    "relative_time": relative_time,
    "age": age,
    "countdown": countdown,
    "local_datetime": local_datetime,
    "local_date": local_date,
    "local_time": local_time,
    "number": number,
    "money": money,
    "initials": initials,
    "country_name": country_name,
    "employee_band": employee_band,
    "time_tag": time_tag,
}


def _locale() -> str:
    name = str(get_locale() or "en")
    return LOCALES.get(name, name)


def _zone() -> tzinfo:
    return get_timezone() or UTC


def _to_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _whole_unit(seconds: float) -> int:
    """Seconds cut down to the largest whole unit, so that 50 minutes never read as an hour."""
    unit = DAY if seconds >= DAY else HOUR if seconds >= HOUR else MINUTE
    return int(seconds // unit) * unit


def _band(employees: int) -> str:
    low = 1
    for high in EMPLOYEE_BANDS:
        if employees <= high:
            return f"{number(low)}–{number(high)}"
        low = high + 1
    return f"{number(EMPLOYEE_BANDS[-1])}+"


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


@lru_cache(maxsize=4096)
def _date_text(day: date, locale: str) -> str:
    return dates.format_date(day, "medium", locale=locale)


@lru_cache(maxsize=16)
def _territories(locale: str) -> dict[str, str]:
    return dict(Locale.parse(locale).territories)
