"""Which of many like happenings are written down, so that nobody fills the record by repeating one.

What strangers can cause without end (failed sign-ins, refused attempts) is written one by one while there
is little of it, and then at the 10th, 20th, 50th, 100th… of an hour.  What was left out is told by the next
that is written.  Kept in the process's memory: it decides how much is told, never whether something is refused.
"""

from collections.abc import Hashable, Mapping
from datetime import datetime
from threading import Lock

from app.settings import current_settings

WINDOW_SECONDS = 3600
# Beyond so many different keys an hour new ones are not told apart any more.
MOST_KEYS = 20_000


class Flood:
    """Counts happenings by hour."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._window = 0
        self._counts: dict[Hashable, int] = {}
        self._left_out = 0

    def note(self, limits: Mapping[Hashable, int], now: datetime) -> int | None:
        """Count one more; how many before it were left out, or None when this one is to be left out too.

        limits: key → how many of it an hour are written one by one.  All have to agree.  Where the application
        counts nothing (`rate_limits`), everything is written.
        """
        if not current_settings().rate_limits:
            return 0
        with self._lock:
            window = int(now.timestamp()) // WINDOW_SECONDS
            if window != self._window:
                self._window, self._counts = window, {}
            # Every one is counted, also after the first that says no.
            told = [self._is_told(key, limit) for key, limit in limits.items()]
            if not all(told):
                self._left_out += 1
                return None
            before, self._left_out = self._left_out, 0
            return before

    def _is_told(self, key: Hashable, limit: int) -> bool:
        if key not in self._counts and len(self._counts) >= MOST_KEYS:
            return False
        number = self._counts[key] = self._counts.get(key, 0) + 1
        return number <= limit or _is_round(number)


def _is_round(number: int) -> bool:
    """10, 20, 50, 100, 200, 500, …"""
    while number >= 100 and number % 10 == 0:
        number //= 10
    return number in (10, 20, 50)
