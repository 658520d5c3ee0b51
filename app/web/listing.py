"""The address of a list page: its filters and sort, and the addresses that change one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

Given = Mapping[str, Sequence[str]]
# What a query may hold as it is (RFC 3986), so that a combined filter can be read in the address.
_LEGIBLE = "(),:;"


@dataclass(frozen=True, slots=True)
class ListAddress:
    """Where a list is shown, with what it is narrowed to.

    path: the page's own path.  given: filter → values.  sort: as in the address, None for the page's own.
    fixed: further parameters that every address keeps, such as the tab.
    empty: what stands for no filter at all, where an address without any means something else.
    paged: further parameters that its other pages keep.
    """

    path: str
    given: Given
    sort: str | None = None
    fixed: Given = field(default_factory=dict)
    empty: Given = field(default_factory=dict)
    paged: Given = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The first page of the list as it is."""
        return self._make(self.given, self.sort)

    @property
    def counted_url(self) -> str:
        """The same with all of the list counted, for numbers that lead to it."""
        url = self.url
        return f"{url}{'&' if '?' in url else '?'}count=all"

    @property
    def clear_url(self) -> str:
        """The list without any filter."""
        return self._make({}, self.sort)

    def without(self, name: str, value: str) -> str:
        """The list with one value of one filter less."""
        kept = {n: [v for v in values if (n, v) != (name, value)] for n, values in self.given.items()}
        return self._make(kept, self.sort)

    def without_all(self, name: str) -> str:
        """The list without that filter."""
        return self._make({n: values for n, values in self.given.items() if n != name}, self.sort)

    def with_filter(self, name: str, value: str) -> str:
        """The list narrowed to one value of that filter."""
        return self._make({**self.given, name: [value]}, self.sort)

    def sorted_by(self, key: str, *, first_descending: bool) -> str:
        """The list sorted by the key; the other way round where it is already."""
        ascending, descending = key, f"-{key}"
        if self.sort == descending:
            return self._make(self.given, ascending)
        if self.sort == ascending:
            return self._make(self.given, descending)
        return self._make(self.given, descending if first_descending else ascending)

    def direction(self, key: str) -> str:
        """ "asc" or "desc" where the list is sorted by the key, else ""."""
        if self.sort is None or self.sort.removeprefix("-") != key:
            return ""
        return "desc" if self.sort.startswith("-") else "asc"

    def page(self, cursor: str | None) -> str:
        """The page that the cursor names; "" for none."""
        return self._make(self.given, self.sort, cursor) if cursor else ""

    def _make(self, given: Given, sort: str | None, cursor: str | None = None) -> str:
        pairs = [
            (n, v) for part in (self.fixed, given or self.empty) for n, values in part.items() for v in values
        ]
        if sort:
            pairs.append(("sort", sort))
        if cursor:
            pairs += [(n, v) for n, values in self.paged.items() for v in values]
            pairs.append(("cursor", cursor))
        return f"{self.path}?{urlencode(pairs, safe=_LEGIBLE)}" if pairs else self.path
