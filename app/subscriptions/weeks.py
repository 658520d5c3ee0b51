"""When a weekly mail is due, what its days are called, and what of an address is kept.  Pure but for the words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, urlencode

from flask_babel import format_date

from app.notifications.mornings import local_day, morning_of

_MONDAY = date(2024, 1, 1)


def next_mail(moment: datetime, weekday: int, time_zone: str) -> datetime:
    """The first morning of that day of the week after the moment, as aware UTC; strictly later."""
    day = local_day(moment, time_zone)
    day += timedelta(days=(weekday - day.weekday()) % 7)
    found = morning_of(day, time_zone)
    return found if found > moment else morning_of(day + timedelta(days=7), time_zone)


def weekday_names() -> Sequence[tuple[int, str]]:
    """(0, "Monday") to (6, "Sunday")."""
    return [(day, format_date(_MONDAY + timedelta(days=day), "EEEE")) for day in range(7)]


def kept_query(given: Iterable[tuple[str, str]]) -> str:
    """The parameters of a report's address that have a value, in an order of their own: equal ones read alike."""
    return urlencode(sorted((name, value.strip()) for name, value in given if value.strip()))


def args_of(query: str) -> Mapping[str, Sequence[str]]:
    """The parameters that a kept query holds."""
    return parse_qs(query)
