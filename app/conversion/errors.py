"""What can stand against a conversion, or against undoing one."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict


class StillOffered(Conflict):
    """Nobody knows yet whose lead it is."""

    message = _l("It is offered to a partner. Wait for the answer, or take it back first.")


class NotConverted(Conflict):
    """There is nothing to undo."""

    message = _l("It is not converted.")


class TooLate(Conflict):
    """A conversion can be undone for a day."""

    slug = "too-late"
    message = _l("A conversion can be undone within a day; that has passed.")


class SomethingAdded(Conflict):
    """What the lead became has been worked on since.  obstacles: what stands in the way, in words."""

    message = _l("Something was added since, so that it cannot be undone.")

    def __init__(self, obstacles: Sequence[Any]) -> None:
        text = " ".join(str(obstacle) for obstacle in obstacles)
        super().__init__(_l("It cannot be undone any more: %(obstacles)s", obstacles=text))
        self.obstacles = list(obstacles)
