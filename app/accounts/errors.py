"""What can stand in the way of an act on an account or contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Conflict


@dataclass(frozen=True, slots=True)
class Match:
    """A record that is probably the same.  type: "account" or "contact"; reasons: codes, see `REASONS`."""

    type: str
    ref: str
    name: str
    note: str
    reasons: tuple[str, ...]


# What two records have in common; also the reasons of the JSON API.
REASONS = {
    "name": _l("same name"),
    "address": _l("same address"),
    "domain": _l("same website"),
    "email": _l("same e-mail"),
    "phone": _l("same phone"),
}


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
