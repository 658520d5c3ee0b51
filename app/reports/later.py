"""What is worked out when it is looked at: of a report's many rows a page shows the first alone, with their lists."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

From = TypeVar("From")
To = TypeVar("To")


class Later(Sequence[To]):
    """What `make` makes of each of these, made anew each time that it is asked for."""

    def __init__(self, make: Callable[[From], To], given: Sequence[From]) -> None:
        self._make: Callable[[Any], To] = make
        self._given = given

    def __len__(self) -> int:
        return len(self._given)

    @overload
    def __getitem__(self, place: int) -> To: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[To]: ...
    def __getitem__(self, place: int | slice) -> To | Sequence[To]:
        if isinstance(place, slice):
            return [self._make(each) for each in self._given[place]]
        return self._make(self._given[place])

    def __iter__(self) -> Iterator[To]:
        return map(self._make, self._given)


class Addresses(Mapping[str, str]):
    """Names → addresses of lists.

    of: gives what writes an address.  criteria: name → what it writes the address of.
    """

    __slots__ = ("_criteria", "_of", "_url")

    def __init__(self, of: Callable[[], Callable[..., str]], criteria: Mapping[str, Sequence[Any]]) -> None:
        self._of = of
        self._url: Callable[..., str] | None = None
        self._criteria = criteria

    def __getitem__(self, name: str) -> str:
        criteria = self._criteria[name]
        if self._url is None:
            self._url = self._of()
        return self._url(*criteria)

    def __iter__(self) -> Iterator[str]:
        return iter(self._criteria)

    def __len__(self) -> int:
        return len(self._criteria)
