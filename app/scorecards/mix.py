"""The mix of partners' leads by month, packed: what any months are compared by is a row for each partner, not thousands."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from struct import calcsize, unpack_from
from struct import pack as pack_numbers
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.reports.models import ReportFact
from app.reports.steps import KEYS

CONVERTED = KEYS.index("converted")
_AT_ONCE = 5_000
_EACH = calcsize("<I")
# (month as 202611, number of the kind) → how many leads
Cells = dict[tuple[int, int], int]


def pack(cells: Mapping[tuple[int, int], int]) -> bytes:
    """How many months there are, each month, the place behind its last cell; then the kinds of all cells, and how many each has.

    Months stand in their order; cells without any leads are left out.
    """
    rows = sorted((*key, count) for key, count in cells.items() if count)
    ends = {month: place for place, (month, _kind, _count) in enumerate(rows, 1)}
    numbers = [len(ends), *ends, *ends.values(), *(row[1] for row in rows), *(row[2] for row in rows)]
    return pack_numbers(f"<{len(numbers)}I", *numbers)


def sum_up(packed: bytes, first: int | None, last: int | None) -> dict[int, int]:
    """Kind → how many leads of these months, both inclusive, None for no end; kinds without any are missing."""

    def numbers(place: int, count: int) -> Sequence[int]:
        return unpack_from(f"<{count}I", packed, place * _EACH)

    [size] = numbers(0, 1)
    months, ends = numbers(1, size), (0, *numbers(1 + size, size))
    begin = ends[0 if first is None else bisect_left(months, first)]
    count = ends[size if last is None else bisect_right(months, last)] - begin
    kinds = 1 + 2 * size + begin
    found: dict[int, int] = {}
    had = found.get
    for kind, number in zip(numbers(kinds, count), numbers(kinds + ends[-1], count), strict=True):
        found[kind] = had(kind, 0) + number
    return found


def read_mixes(session: Session, *, now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of `ScorecardMix` of all partners that had leads, as these were counted last, and of all together."""
    numbers: dict[tuple[str, str, str], int] = {}
    all_had: Cells = {}
    all_converted: Cells = {}
    for partner, rows in groupby(_counted(session), key=lambda row: row[0]):
        had: Cells = {}
        converted: Cells = {}
        for _partner, month, *kind, count, count_converted in rows:
            key = month, numbers.setdefault((kind[0], kind[1], kind[2]), len(numbers))
            had[key], converted[key] = count, count_converted
            all_had[key] = all_had.get(key, 0) + count
            all_converted[key] = all_converted.get(key, 0) + count_converted
        yield _row(partner, had, converted, now)
    yield _row("", all_had, all_converted, now)


def _row(partner: str, had: Cells, converted: Cells, now: datetime) -> dict[str, Any]:
    return {"partner": partner, "had": pack(had), "converted": pack(converted), "counted_at": now}


def _counted(session: Session) -> Iterator[Any]:
    """(partner, month, source, country, product, how many, how many of them converted), each partner by itself."""
    fact = ReportFact
    apart = (fact.partner, fact.month, fact.source, fact.country, fact.product)
    converted = func.sum(case((fact.stage >= CONVERTED, 1), else_=0))
    found = select(*apart, func.count(), converted).where(fact.partner != "").group_by(*apart)
    yield from session.execute(found.order_by(fact.partner), execution_options={"yield_per": _AT_ONCE})
