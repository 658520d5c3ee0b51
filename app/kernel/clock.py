"""The one clock.  Only doors (views, API, commands, worker) call `now`; operations are given it."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)
