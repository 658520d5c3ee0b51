"""Months and quarters: when they begin and end, and what they are called.  Pure but for the words."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import format_date

from app.targets.models import Period

_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3}
# So many periods are offered, the present one first.
_OFFERED = {Period.MONTH: 6, Period.QUARTER: 4}


def first_day(period: Period, day: date) -> date:
    """The first day of the period that the day is in."""
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def next_first_day(period: Period, first: date, steps: int = 1) -> date:
    """The first day of the period that follows after so many steps; before, where they are negative."""
    months = first.year * 12 + first.month - 1 + _MONTHS[period] * steps
    return date(months // 12, months % 12 + 1, 1)


def bounds(period: Period, first: date, zone: str) -> tuple[datetime, datetime]:
    """When a period begins in a zone, and its last moment; as aware UTC."""
    return _midnight(first, zone), _midnight(next_first_day(period, first), zone) - timedelta(microseconds=1)


def period_name(period: Period, first: date) -> str:
    """ "November 2026", "Q4 2026"."""
    return str(format_date(first, "LLLL y" if period is Period.MONTH else "QQQ y"))


def periods_to_choose(today: date) -> Sequence[tuple[Period, date]]:
    """Quarters and months from the present ones on."""
    return [
        (period, next_first_day(period, first_day(period, today), step))
        for period in (Period.QUARTER, Period.MONTH)
        for step in range(_OFFERED[period])
    ]


def period_key(period: Period, first: date) -> str:
    """As forms have it: "quarter:2026-10-01"."""
    return f"{period.value}:{first.isoformat()}"


def read_period(key: str) -> tuple[Period, date] | None:
    """The period that a key names, None where it names none."""
    kind, _colon, day = key.partition(":")
    try:
        period, first = Period(kind), date.fromisoformat(day)
    except ValueError:
        return None
    return (period, first) if first_day(period, first) == first and 2000 <= first.year < 2200 else None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
