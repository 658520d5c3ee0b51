"""How long leads waited to be taken, and then for their first touch: half of them, nine in ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.reports.asked import Asked, Criteria
from app.reports.classes import quantile
from app.reports.dimensions import DIMENSIONS, Value
from app.reports.later import Addresses
from app.reports.ranking import Ranking, are_shown_first, rank
from app.reports.reading import count_cells, count_classes
from app.reports.telling import Classes, TooMany, Wanted

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


@dataclass(frozen=True, slots=True)
class Response:
    """How leads of one partner or queue were answered.  taken, touched: None where none was measured."""

    label: str
    taken: TimesRow | None
    touched: TimesRow | None


def read_times(
    session: Session, actor: Actor, asked: Asked, what: str, partners: Sequence[Value]
) -> Mapping[str, TimesRow]:
    """Key → how fast leads of these partners were taken or touched, of each that has any that were measured; none where there are
    too many leads to count.
    """
    keys = [key for value in partners for key in value.keys]
    counted = _count(session, actor, asked, "partner", what, keys)
    if isinstance(counted, TooMany):
        return {}
    return {value.key: _row(asked, value, what, counted) for value in partners if value.key in counted}


def read_responses(session: Session, actor: Actor, asked: Asked, by: str) -> Ranking[Response] | TooMany:
    """Both of a partner or queue in one row: most taken leads first, then those of which none was taken by most touched."""
    known: dict[str, dict[str, Classes]] = {what: {} for what in WHAT}

    def look(values: Sequence[Value]) -> None:
        keys = [key for value in values for key in value.keys]
        for what in WHAT:
            found = _count(session, actor, asked, by, what, keys) if keys else {}
            known[what].update({} if isinstance(found, TooMany) else found)

    counts = _count_first(session, actor, asked, by)
    is_first = counts is not None
    if counts is None:
        for what in WHAT:
            counted = _count(session, actor, asked, by, what)
            if isinstance(counted, TooMany):
                return counted
            known[what].update(counted)
        counts = {what: {key: each.count for key, each in known[what].items()} for what in WHAT}

    def weigh(keys: Sequence[str]) -> tuple[int, int]:
        taken, touched = (sum(counts[what].get(key, 0) for key in keys) for what in WHAT)
        return taken, 0 if taken else touched

    def make(value: Value) -> Response:
        def row(what: str) -> TimesRow | None:
            counted = known[what]
            return _row(asked, value, what, counted) if any(key in counted for key in value.keys) else None

        return Response(value.label, row("taken"), row("touched"))

    keys = {**counts["taken"], **counts["touched"]}
    return rank(session, actor, asked, DIMENSIONS[by], keys, weigh, make, look if is_first else None)


def _count_first(
    session: Session, actor: Actor, asked: Asked, by: str
) -> Mapping[str, Mapping[str, int]] | None:
    """What is measured → key → of how many leads; None where all is read at once."""
    if by != "partner" or not are_shown_first(actor, asked, DIMENSIONS[by]):
        return None
    found: dict[str, Mapping[str, int]] = {}
    for what, (column, _field) in WHAT.items():
        cells = count_cells(session, actor, asked, Wanted("partner", needs=column))
        if isinstance(cells, TooMany):
            return None
        found[what] = {key: counts[0] for (key, _b), counts in cells.items() if counts[0]}
    return found


def _count(
    session: Session, actor: Actor, asked: Asked, by: str, what: str, only: Sequence[str] = ()
) -> Mapping[str, Classes] | TooMany:
    column = WHAT[what][0]
    return count_classes(
        session, actor, asked, Wanted(DIMENSIONS[by].column, column, column, keys=tuple(only))
    )


def _row(asked: Asked, value: Value, what: str, counted: Mapping[str, Classes]) -> TimesRow:
    classes = Classes.together(counted[key] for key in value.keys if key in counted).unpacked()
    urls: Mapping[str, str] = {}
    if value.criteria is not None:
        measured: Criteria = {"field": WHAT[what][1], "op": "is_not_empty"}
        urls = Addresses(partial(asked.lists_of, value.criteria), {"all": (measured,)})
    count = sum(classes.values())
    return TimesRow(value.key, value.label, count, urls, quantile(classes, 0.5), quantile(classes, 0.9))
