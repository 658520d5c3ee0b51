"""How long leads waited to be taken, and then for their first touch: half of them, nine in ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.reports.asked import Asked, Criteria
from app.reports.classes import quantile
from app.reports.dimensions import DIMENSIONS, values_of
from app.reports.later import Addresses
from app.reports.reading import TooMany, Wanted, count_cells

# What is measured → (column of the facts, field of the list).
WHAT = {"taken": ("taken_class", "taken_after"), "touched": ("touched_class", "touched_after")}


@dataclass(frozen=True, slots=True)
class TimesRow:
    """Leads of one partner or queue that were measured.  median, p90: seconds, the limit of the class in which it lies; None
    where that is beyond the last limit.  urls: of their list under "all", none where no list of the reader's holds them.
    """

    key: str
    label: str
    count: int
    urls: Mapping[str, str]
    median: int | None
    p90: int | None

    @property
    def url(self) -> str:
        return self.urls.get("all", "")


def read_times(
    session: Session, actor: Actor, asked: Asked, by: str, what: str, *, only: Sequence[str] = ()
) -> Sequence[TimesRow] | TooMany:
    """A row for each partner or queue, most leads first.  by: partner or queue; what: taken or touched; only: keys of the
    rows that are wanted, () for all.
    """
    column, field = WHAT[what]
    dimension = DIMENSIONS[by]
    cells = count_cells(session, actor, asked, Wanted(dimension.column, column, column, keys=tuple(only)))
    if isinstance(cells, TooMany):
        return cells
    counted: dict[str, dict[str, int]] = {}
    for (key, class_), found in cells.items():
        if found[0]:
            counted.setdefault(key, {})[class_] = found[0]
    measured: Criteria = {"field": field, "op": "is_not_empty"}
    lists = {"all": (measured,)}
    rows = []
    for value in values_of(session, actor, asked, dimension, counted):
        classes: dict[str, int] = {}
        for key in value.keys:
            for class_, count in counted[key].items():
                classes[class_] = classes.get(class_, 0) + count
        urls: Mapping[str, str] = {}
        if value.criteria is not None:
            urls = Addresses(partial(asked.lists_of, value.criteria), lists)
        count = sum(classes.values())
        rows.append(
            TimesRow(value.key, value.label, count, urls, quantile(classes, 0.5), quantile(classes, 0.9))
        )
    return sorted(rows, key=lambda row: (-row.count, row.label))
