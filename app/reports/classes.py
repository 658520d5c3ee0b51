"""Classes of durations, scores and days: what is told apart where single values would be too many to count.

A duration is in the class whose limit it does not exceed; a median is told as the limit of the class in which it falls.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer

MINUTE, HOUR, DAY = 60, 3600, 86_400
# Seconds; what took longer than the last is in the class "more".
LIMITS = (
    5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, DAY,
    2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 90 * DAY,
)  # fmt: skip
MORE = "more"
BAND = 20
BANDS = (None, 0, 20, 40, 60, 80, 100)  # the lowest score of each; the first is of those below zero


def class_of(seconds: Any) -> ColumnElement[str]:
    """SQL of a duration's class as text, "" where there is none."""
    return case((seconds.is_(None), ""), *((seconds <= limit, str(limit)) for limit in LIMITS), else_=MORE)


def band_of(score: Any) -> ColumnElement[str]:
    """SQL of a score's band as text: the lowest score in it, "-" of those below zero."""
    return case(*((score >= low, str(low)) for low in reversed(BANDS) if low is not None), else_="-")


def quantile(counts: Mapping[str, int], share: float) -> int | None:
    """The limit of the class in which that share of what was measured lies, in seconds; None above the last limit,
    and for nothing measured.

    counts: class → how many.  The share of n is the ceil(share · n)-th smallest.
    """
    total = sum(counts.values())
    wanted = -(-total * round(share * 100) // 100)
    found = 0
    for limit in LIMITS:
        found += counts.get(str(limit), 0)
        if total and found >= wanted:
            return limit
    return None


def ends_of(class_: str) -> tuple[int | None, int | None]:
    """(above, at most) in seconds, None for no end."""
    if class_ == MORE:
        return LIMITS[-1], None
    place = LIMITS.index(int(class_))
    return (LIMITS[place - 1] if place else None), LIMITS[place]


def score_ends(band: str) -> tuple[int | None, int | None]:
    """(from, below) of a band of scores, None for no end."""
    if band == "-":
        return None, 0
    low = int(band)
    return low, None if low == BANDS[-1] else low + BAND


def bands() -> Sequence[str]:
    """The bands from the lowest on, as `band_of` writes them."""
    return ["-" if low is None else str(low) for low in BANDS]


class local_day(FunctionElement[int]):  # noqa: N801 - named as what it is in SQL
    """The day of a moment where the organisation is, as 20261122.  Two clauses: the moment, the zone."""

    type = Integer()
    inherit_cache = True
    name = "local_day"


@compiles(local_day)
def _local_day(element: Any, compiler: Any, **options: Any) -> str:
    moment, zone = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(to_char({moment} AT TIME ZONE {zone}, 'YYYYMMDD') AS INTEGER)"


@compiles(local_day, "sqlite")
def _local_day_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    moment, zone = (compiler.process(each, **options) for each in element.clauses)
    return f"canal_local_day({moment}, {zone})"
