"""Unclaimed leads by how long they wait: in whole days of the organisation's zone, today counting as the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.reports.asked import Asked, Criteria
from app.reports.dimensions import DIMENSIONS, Value
from app.reports.later import Addresses
from app.reports.ranking import rank
from app.reports.reading import count_classes
from app.reports.telling import Classes, TooMany, Wanted


@dataclass(frozen=True, slots=True)
class Bucket:
    """Leads that wait since `first` to `last` days ago, both inclusive; None for no end."""

    key: str
    label: Any
    first: int
    last: int | None


BUCKETS = (
    Bucket("0", _l("Today"), 0, 0),
    Bucket("1", _l("1 to 2 days"), 1, 2),
    Bucket("3", _l("3 to 6 days"), 3, 6),
    Bucket("7", _l("7 to 13 days"), 7, 13),
    Bucket("14", _l("14 to 29 days"), 14, 29),
    Bucket("30", _l("30 days and more"), 30, None),
)


@dataclass(frozen=True, slots=True)
class AgeingRow:
    """counts, urls: key of a bucket, or "all" → how many leads, the list that holds them."""

    key: str
    label: str
    counts: Mapping[str, int]
    urls: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ageing:
    """rows: most leads first.  total: of all of them."""

    rows: Sequence[AgeingRow]
    total: AgeingRow
    buckets: Sequence[Bucket] = BUCKETS


def read_ageing(session: Session, actor: Actor, asked: Asked, by: str, *, now: datetime) -> Ageing | TooMany:
    """The open leads that nobody has, by partner or queue.  by: partner or queue; for internal people."""
    dimension = DIMENSIONS["waits_in" if by == "queue" else by]
    today = now.astimezone(ZoneInfo(asked.zone)).date()
    classes = count_classes(
        session, actor, asked, Wanted(dimension.column, "waiting_day", "waiting_day", _days(today))
    )
    if isinstance(classes, TooMany):
        return classes
    lists = {"all": (), **{each.key: tuple(_since(each, today, asked.zone)) for each in BUCKETS}}

    def weigh(keys: Sequence[str]) -> int:
        return sum(classes[key].count for key in keys)

    def make(value: Value) -> AgeingRow:
        counts = _sum(Classes.together(classes[key] for key in value.keys))
        return _row(asked, value.key, value.label, counts, value.criteria, lists)

    rows = rank(session, actor, asked, dimension, classes, weigh, make)
    every = _sum(Classes.together(classes.values()))
    return Ageing(rows, _row(asked, "", _("All"), every, (), lists))


def _sum(classes: Classes) -> Mapping[str, int]:
    """Key of a bucket → how many leads."""
    return {bucket or BUCKETS[-1].key: count for bucket, count in classes.unpacked().items()}


def _days(today: date) -> tuple[tuple[int, str], ...]:
    """The first day of each bucket but the last, as `Wanted.days`."""
    return tuple(
        (int((today - timedelta(days=each.last)).strftime("%Y%m%d")), each.key)
        for each in BUCKETS
        if each.last is not None
    )


def _row(
    asked: Asked,
    key: str,
    label: str,
    counts: Mapping[str, int],
    criteria: Sequence[Criteria] | None,
    lists: Mapping[str, Sequence[Criteria]],
) -> AgeingRow:
    whole = {each.key: counts.get(each.key, 0) for each in BUCKETS}
    whole["all"] = sum(whole.values())
    if criteria is None:
        return AgeingRow(key, label, whole, {})
    unclaimed: Criteria = {"field": "unclaimed", "op": "equals", "value": "true"}
    return AgeingRow(key, label, whole, Addresses(partial(asked.lists_of, (*criteria, unclaimed)), lists))


def _since(bucket: Bucket, today: Any, zone: str) -> list[Criteria]:
    """The days of a bucket as moments, for the reader may work in another zone."""

    def begin(days_ago: int) -> str:
        local = datetime.combine(today - timedelta(days=days_ago), time(), ZoneInfo(zone))
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")

    found: list[Criteria] = []
    if bucket.last is not None:
        found.append({"field": "waiting_since", "op": "gte", "value": begin(bucket.last)})
    if bucket.first:
        found.append({"field": "waiting_since", "op": "lt", "value": begin(bucket.first - 1)})
    return found
