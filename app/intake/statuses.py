"""The administrator's list of statuses as an import needs it, apart from the session it was read in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.identity.organisation import LANGUAGES
from app.kernel.fold import fold
from app.leads.choices import reason_name
from app.leads.models import LeadStatus, StatusCategory, UnqualifiedReason
from app.leads.process import ALWAYS_REQUIRED, is_score_computed, lead_process


@dataclass(frozen=True, slots=True)
class Status:
    """A status, apart from the session it was read in."""

    id: int
    key: str
    name: str
    category: StatusCategory
    moves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses by id, and the one that a new lead without one begins with.

    required: fields that a qualified lead has; added: those that administrators added and are in use.
    reasons: not to qualify, by id; called: what each may be called, folded.
    """

    by_id: Mapping[int, Status]
    first: Status
    required: Sequence[str] = ALWAYS_REQUIRED
    added: Sequence[str] = ()
    is_score_computed: bool = False
    reasons: Mapping[int, str] = field(default_factory=dict)
    called: Mapping[int, Collection[str]] = field(default_factory=dict)

    def is_held(self, name: str, text: str, attributes: Mapping[str, Any]) -> bool:
        """Whether the text means the status, or reason, that a lead has, in use or not.  attributes: of the lead."""
        if name == "unqualified_reason":
            return fold(text) in self.called.get(attributes["unqualified_reason_id"] or 0, ())
        status = self.by_id.get(attributes["status_id"])
        return status is not None and fold(text) in (fold(status.key), fold(status.name))

    def names(self, keys: Sequence[str]) -> list[str]:
        """What the statuses of these keys are called, in their order."""
        return [status.name for status in self.by_id.values() if status.key in keys]


def load_statuses(session: Session) -> Statuses:
    """All statuses; the first active one of category new is where leads begin."""
    rows = session.scalars(select(LeadStatus).order_by(LeadStatus.position, LeadStatus.id)).all()
    by_id = {row.id: Status(row.id, row.key, row.name, row.category, tuple(row.moves)) for row in rows}
    first = next(row.id for row in rows if row.is_active and row.category is StatusCategory.NEW)
    required = lead_process(session).required
    added = tuple(catalogue(session).active("lead"))
    reasons = {reason.id: reason.name for reason in session.scalars(select(UnqualifiedReason))}
    return Statuses(
        by_id, by_id[first], required, added, is_score_computed(session), reasons, called(reasons)
    )


def called(reasons: Mapping[int, str]) -> dict[int, set[str]]:
    """What exports may call reasons, folded: those that come with Canal by their name in a language."""
    texts: dict[int, set[str]] = {key: set() for key in reasons}
    for language in LANGUAGES:
        with force_locale(language):
            for key, name in reasons.items():
                texts[key].add(fold(reason_name(name)))
    return texts
