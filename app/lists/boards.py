"""What boards share: a column for each stage with its first cards, how many it holds, and what each card may do.

A room makes a `Column` for each stage, counts `union_of` them up to COUNT_CAP and reads the first rows up to SHOWN.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CompoundSelect, Select, literal, select, union_all

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.sharing.levels import given_level
from app.sharing.merge import Window, merged_ids

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Card:
    """A record on a board.  row: for what its room writes on it.

    move_url: where its form goes, "" for who may not move it; seen: name and value that the form tells of what was
    seen, so that a page out of date moves nothing.
    """

    ref: str
    title: str
    url: str
    row: Any
    move_url: str = ""
    seen: tuple[str, Any] = ("", "")


@dataclass(slots=True)
class Column:
    """A stage with its first rows.  number: of all in it, COUNT_CAP + 1 for more; totals: of these, by currency.

    goes_to: (key, name) of this and of every stage that its records go on to, those that close last.
    cards, more_url: what the page shows, put there by its view.
    """

    stage: Any
    key: str
    name: str
    goes_to: Sequence[tuple[str, str]]
    rows: list[Any] = field(default_factory=list)
    number: int = 0
    totals: list[Any] = field(default_factory=list)
    cards: Sequence[Card] = ()
    more_url: str = ""

    @property
    def count_text(self) -> str:
        return f"{COUNT_CAP:,}+" if self.number > COUNT_CAP else str(self.number)

    @property
    def more(self) -> str:
        """How many are not shown, "" for none."""
        left = self.number - len(self.rows)
        return "" if left <= 0 else f"{COUNT_CAP:,}+" if self.number > COUNT_CAP else str(left)


def union_of(
    model: Any,
    actor: Actor,
    filters: Mapping[int, Sequence[Any]],
    window: Window,
    *,
    level: Level,
) -> CompoundSelect[*tuple[Any, ...]]:
    """(stage, id) of the first of each stage, one more than the window's limit.  filters: of each stage by its key."""
    return union_all(*_firsts(model, actor, filters, window, level))


def _firsts(
    model: Any, actor: Actor, filters: Mapping[int, Sequence[Any]], window: Window, level: Level
) -> Iterable[Select[*tuple[Any, ...]]]:
    for stage, conditions in filters.items():
        ids = merged_ids(model, actor, window, conditions, level=level).subquery()
        yield select(literal(stage).label("stage"), ids.c.id)


def level_of(model: Any, actor: Actor) -> Any:
    """The level that the reader has of each card: the first rule that gives a list is not always the highest."""
    return given_level(model, actor).label("given")
