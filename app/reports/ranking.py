"""Rows of a report, most leads first: of thousands a page shows a hundred, so that only these are named and made."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar, overload

from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.reports.asked import Asked
from app.reports.dimensions import Dimension, Value, values_of
from app.reports.reading import sees_all

Row = TypeVar("Row")
# Fewer than these are named all at once.
FEW = 300
# Rows that are made together where all are wanted.
AT_ONCE = 500


class Ranking(Sequence[Row]):
    """A row for each value with these keys, the heaviest first, those of one weight by their names.

    weigh: keys of one value → what they are ranked by, the greatest first.  make: a value → its row, made anew each
    time that it is asked for.  look: called with the values of which rows are about to be made.
    """

    def __init__(
        self,
        name: Callable[[Collection[str]], Sequence[Value]],
        keys: Collection[str],
        weigh: Callable[[Sequence[str]], Any],
        make: Callable[[Value], Row],
        *,
        are_apart: bool,
        look: Callable[[Sequence[Value]], None] | None = None,
    ) -> None:
        """are_apart: whether each key is a value by itself, so that there are as many rows as keys."""
        self._name, self._keys, self._weigh, self._make, self._look = name, keys, weigh, make, look
        self._are_apart = are_apart and len(keys) > FEW
        self._values: list[Value] | None = None

    def __len__(self) -> int:
        return len(self._keys) if self._are_apart and self._values is None else len(self._all())

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            found = self._first(stop) if step == 1 else self._all()
            return self._rows(found[start:stop:step])
        return self._rows([self._all()[place]])[0]

    def __iter__(self) -> Iterator[Row]:
        found = self._all()
        for begin in range(0, len(found), AT_ONCE):
            yield from self._rows(found[begin : begin + AT_ONCE])

    def _rows(self, values: Sequence[Value]) -> Sequence[Row]:
        if self._look is not None:
            self._look(values)
        return [self._make(value) for value in values]

    def _sorted(self, keys: Collection[str]) -> list[Value]:
        """The values with these keys in their order."""
        values = sorted(self._name(keys), key=lambda value: value.label)
        return sorted(values, key=lambda value: self._weigh(value.keys), reverse=True)

    def _all(self) -> list[Value]:
        if self._values is None:
            self._values = self._sorted(self._keys)
        return self._values

    def _first(self, count: int) -> list[Value]:
        """The first so many: those beyond the last of them that weigh as much may have names that come before."""
        if self._values is not None or not self._are_apart or count * 2 > len(self._keys):
            return self._all()
        weights = {key: self._weigh((key,)) for key in self._keys}
        least = sorted(weights.values(), reverse=True)[:count][-1:]
        heavy = [key for key, weight in weights.items() if least and weight >= least[0]]
        found = self._sorted(heavy)
        # Two keys that are one value after all are told by naming all.
        return found if len(found) == len(heavy) else self._all()


def are_shown_first(actor: Actor, asked: Asked, dimension: Dimension) -> bool:
    """Whether what a row tells is better read of those alone that are shown, once all are ranked: of thousands of partners or
    owners, of which it is quickly read how many leads they have.
    """
    return dimension.are_apart(actor) and not asked.given and sees_all(actor)


def rank(
    session: Session,
    actor: Actor,
    asked: Asked,
    dimension: Dimension,
    keys: Collection[str],
    weigh: Callable[[Sequence[str]], Any],
    make: Callable[[Value], Row],
    look: Callable[[Sequence[Value]], None] | None = None,
) -> Ranking[Row]:
    """The values of a dimension that have these keys."""
    return Ranking(
        lambda some: values_of(session, actor, asked, dimension, some),
        keys,
        weigh,
        make,
        are_apart=dimension.are_apart(actor),
        look=look,
    )
