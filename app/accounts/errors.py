"""What can stand in the way of an act on an account or contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import format_percent
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict


@dataclass(frozen=True, slots=True)
class Match:
    """A record that is probably the same.  type: "account" or "contact"; reasons: codes, see `REASONS`.

    likeness: of the names, in per cent.
    """

    type: str
    ref: str
    name: str
    note: str
    reasons: tuple[str, ...]
    likeness: int = 100


# What two records have in common; also the reasons of the JSON API.
REASONS = {
    "name": _l("same name"),
    "address": _l("same address"),
    "domain": _l("same website"),
    "email": _l("same e-mail"),
    "phone": _l("same phone"),
}


def common_words(reason: str, likeness: int = 100) -> str:
    """What two records have in common, in words; of names that are not the same how much."""
    if reason == "name" and likeness < 100:
        return _("nearly the same name, %(percent)s alike", percent=format_percent(likeness / 100))
    return str(REASONS[reason])


class ProbableDuplicate(Conflict):
    """It is probably there already.  matches: those that the person may see."""

    slug = "probable-duplicate"
    message = _l("This is probably there already. Look at the ones found, or save it all the same.")

    def __init__(self, matches: Sequence[Match]) -> None:
        as_json: list[dict[str, Any]] = [
            {"type": match.type, "id": match.ref, "reasons": list(match.reasons)} for match in matches
        ]
        super().__init__(matches=as_json)
        self.matches = tuple(matches)


class BeingMerged(Conflict):
    """A job is making the record one with another; until that is done nobody changes it."""

    slug = "in-progress"
    message = _l("This is being merged with another record. It can be changed again in a moment.")
