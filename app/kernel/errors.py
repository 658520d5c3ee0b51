"""Domain errors.  Four parents, each answered by one status; operations raise, doors never catch.

`slug` ends the `type` of the problem document in the JSON API; `message` is for people, and so is `title`,
for what the status alone says badly; both may be lazy translations.  What is not one of these is a bug and answers 500.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l


class DomainError(Exception):
    """Something the person can understand and act on."""

    status = 500
    slug = "error"
    title: Any = ""
    message: Any = ""

    def __init__(self, message: Any = None, **details: Any) -> None:
        if message is not None:
            self.message = message
        self.details = details
        super().__init__(str(self.message) if isinstance(self.message, str) else self.slug)


class NotFound(DomainError):
    """It does not exist, or may not be seen: the two are answered alike."""

    status = 404
    slug = "not-found"

    def __init__(self, kind: str = "record", ref: object = None) -> None:
        super().__init__()
        self.kind = kind


class NotAllowed(DomainError):
    """The actor may see it but not do this."""

    status = 403
    slug = "not-allowed"


class Conflict(DomainError):
    """The record is not in a state in which this can be done."""

    status = 409
    slug = "conflict"


class Invalid(DomainError):
    """What was given is not valid.  errors: field name → messages; "" is the form as a whole."""

    status = 422
    slug = "invalid"

    def __init__(self, errors: Mapping[str, Sequence[Any]] | None = None, message: Any = None) -> None:
        super().__init__(message)
        self.errors: dict[str, list[Any]] = {k: list(v) for k, v in (errors or {}).items()}


class Stale(Conflict):
    """Somebody changed the record since the form was opened.  current: the values as they are now."""

    slug = "stale"

    def __init__(self, message: Any = None, current: Any = None) -> None:
        super().__init__(message)
        self.current = current


class WrongOrder(Conflict):
    """A step that must come first has not been done: partners not enabled, portal not published."""

    slug = "wrong-order"
    title = _l("Something else comes first")


class InUse(Conflict):
    """It cannot be removed while other things refer to it; the message names them."""

    slug = "in-use"
    title = _l("It is still in use")


def why_in_use(look: Callable[..., None], *given: Any) -> Any:
    """What stands in the way, as `look` says by raising InUse when it is given these; None where nothing does."""
    try:
        look(*given)
    except InUse as error:
        return error.message
    return None
