"""The one clock.  Only doors (views, API, commands, worker) call `now`; operations are given it."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


@cache
def zones() -> frozenset[str]:
    """The names of the time zones there are.  Read once: it looks into hundreds of files."""
    return frozenset(available_timezones())
