"""The administrator's list of statuses as an import needs it, apart from the session it was read in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
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
    reasons: not to qualify, by id.
    """

    by_id: Mapping[int, Status]
    first: Status
    required: Sequence[str] = ALWAYS_REQUIRED
    added: Sequence[str] = ()
    is_score_computed: bool = False
    reasons: Mapping[int, str] = field(default_factory=dict)

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
    return Statuses(by_id, by_id[first], required, added, is_score_computed(session), reasons)
