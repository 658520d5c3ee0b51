"""The way of a record through its stages, as `components/path.html` draws it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stop:
    """A stage on the way.  state: done, current, ahead.  act: what its button does, in words; "" for no button."""

    key: str
    name: str
    state: str
    act: str
