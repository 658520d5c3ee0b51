"""When a person's day begins, in their own zone.  Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# When the daily digest goes out.
MORNING = time(7)


def next_morning(moment: datetime, time_zone: str) -> datetime:
    """The first morning after the moment, as aware UTC; strictly later, whatever the clocks do that day."""
    day = local_day(moment, time_zone)
    found = morning_of(day, time_zone)
    return found if found > moment else morning_of(day + timedelta(days=1), time_zone)


def morning_of(day: date, time_zone: str) -> datetime:
    """The morning of a day in a zone, as aware UTC."""
    return datetime.combine(day, MORNING, ZoneInfo(time_zone)).astimezone(UTC)


def local_day(moment: datetime, time_zone: str) -> date:
    """The date that the moment has in the zone."""
    return moment.astimezone(ZoneInfo(time_zone)).date()
