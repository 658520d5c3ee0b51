"""The funnel: how many leads came to each step, by what they are told apart by; scores with what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.reports import classes, steps
from app.reports.asked import Asked, Criteria, came_to
from app.reports.dimensions import DIMENSIONS, Dimension, Value, values_of
from app.reports.later import Addresses
from app.reports.ranking import are_shown_first, rank
from app.reports.reading import count_cells
from app.reports.telling import TooMany, Wanted
from app.reports.words import band_name

# Measure → what tells its leads in the list, for partner people and for the vendor's.
_LISTS_OF_PARTNERS: Mapping[str, tuple[Criteria, ...]] = {
    **{step: (came_to(step),) for step in steps.KEYS},
    steps.UNQUALIFIED: ({"field": "category", "op": "equals", "value": "unqualified"},),
}
_LISTS: Mapping[str, tuple[Criteria, ...]] = {
    **_LISTS_OF_PARTNERS,
    steps.HANDED_OVER: ({"field": "marketing_qualified_at", "op": "is_not_empty"},),
}


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """Leads that are told apart by one value.  counts: `steps.MEASURES` → how many; urls: the same → their list."""

    key: str
    label: str
    counts: Mapping[str, int]
    urls: Mapping[str, str] = field(default_factory=dict)

    def rate(self, begin: str, end: str) -> float | None:
        """Which share of those in one step came to the other; None where there are none."""
        return self.counts[end] / self.counts[begin] if self.counts[begin] else None


@dataclass(frozen=True, slots=True)
class Funnel:
    """rows: most leads first, months and bands in their order.  total: of all of them."""

    rows: Sequence[FunnelRow]
    total: FunnelRow


def read_funnel(session: Session, actor: Actor, asked: Asked, by: str) -> Funnel | TooMany:
    """How many of the leads that the actor reads came to each step.  by: a key of `DIMENSIONS`, "" for all as one.

    Raises Invalid for filters that are not known.
    """
    dimension = DIMENSIONS[by] if by else None
    if dimension and are_shown_first(actor, asked, dimension):
        return _read_shown(session, actor, asked, dimension)
    counted = _count(session, actor, asked, Wanted(dimension.column if dimension else ""))
    if isinstance(counted, TooMany):
        return counted

    def make(value: Value) -> FunnelRow:
        return _row_of(actor, asked, value, counted)

    rows: Sequence[FunnelRow] = ()
    if dimension and by == "month":
        rows = [make(value) for value in values_of(session, actor, asked, dimension, counted)]
    elif dimension:
        rows = rank(session, actor, asked, dimension, counted, partial(_weigh, counted), make)
    return Funnel(rows, _total(actor, asked, counted))


def _read_shown(session: Session, actor: Actor, asked: Asked, dimension: Dimension) -> Funnel | TooMany:
    """The same, where only of the rows that are shown more is read than how many leads they have."""
    weights = _count(session, actor, asked, Wanted(dimension.column, is_bare=True))
    of_all = _count(session, actor, asked, Wanted())
    if isinstance(weights, TooMany) or isinstance(of_all, TooMany):
        return TooMany()
    known: dict[str, Sequence[int]] = {}

    def look(values: Sequence[Value]) -> None:
        keys = tuple(key for value in values for key in value.keys)
        found = _count(session, actor, asked, Wanted(dimension.column, keys=keys)) if keys else {}
        known.update({} if isinstance(found, TooMany) else found)

    def make(value: Value) -> FunnelRow:
        return _row_of(actor, asked, value, known)

    rows = rank(session, actor, asked, dimension, weights, partial(_weigh, weights), make, look)
    return Funnel(rows, _total(actor, asked, of_all))


def _count(
    session: Session, actor: Actor, asked: Asked, wanted: Wanted
) -> Mapping[str, Sequence[int]] | TooMany:
    """Value → how many leads in each of the measures wanted, of those that have any."""
    cells = count_cells(session, actor, asked, wanted)
    if isinstance(cells, TooMany):
        return cells
    return {a: found for (a, _b), found in cells.items() if any(found)}


def _weigh(counted: Mapping[str, Sequence[int]], keys: Sequence[str]) -> int:
    return sum(counted[key][0] for key in keys)


def _row_of(actor: Actor, asked: Asked, value: Value, counted: Mapping[str, Sequence[int]]) -> FunnelRow:
    counts = _sum([counted[key] for key in value.keys if key in counted])
    return make_row(asked, value.key, value.label, counts, value.criteria, seen_by=actor)


def _total(actor: Actor, asked: Asked, counted: Mapping[str, Sequence[int]]) -> FunnelRow:
    return make_row(asked, "", _("All"), _sum(list(counted.values())), (), seen_by=actor)


def read_scores(session: Session, actor: Actor, asked: Asked) -> Funnel | TooMany:
    """The same by bands of scores, the highest first."""
    counted = _count(session, actor, asked, Wanted("band"))
    if isinstance(counted, TooMany):
        return counted
    rows = [
        make_row(asked, band, band_name(band), counted[band], _of_band(band), seen_by=actor)
        for band in reversed(classes.bands())
        if band in counted
    ]
    return Funnel(rows, _total(actor, asked, counted))


def _of_band(band: str) -> tuple[Criteria, ...]:
    low, high = classes.score_ends(band)
    found: list[Criteria] = [{"field": "score", "op": "gte", "value": str(low)}] if low is not None else []
    if high is not None:
        found.append({"field": "score", "op": "lt", "value": str(high)})
    return tuple(found)


def _sum(counts: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*counts, strict=True)] if counts else [0] * len(steps.MEASURES)


def make_row(
    asked: Asked,
    key: str,
    label: str,
    counts: Sequence[int],
    criteria: Sequence[Criteria] | None,
    *,
    seen_by: Actor,
) -> FunnelRow:
    """A row of these `steps.MEASURES`.  criteria: what the list of its leads is filtered by; None where there is no such list."""
    named = dict(zip(steps.MEASURES, counts, strict=True))
    if criteria is None:
        return FunnelRow(key, label, named)
    lists = _LISTS if seen_by.is_internal else _LISTS_OF_PARTNERS
    return FunnelRow(key, label, named, Addresses(partial(asked.lists_of, criteria), lists))
