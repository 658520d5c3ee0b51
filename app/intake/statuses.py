"""The administrator's list of statuses as an import needs it, apart from the session it was read in."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.leads.models import LeadStatus, StatusCategory


@dataclass(frozen=True, slots=True)
class Status:
    """A status, apart from the session it was read in."""

    id: int
    name: str
    category: StatusCategory


@dataclass(frozen=True, slots=True)
class Statuses:
    """The statuses by id, and the one that a new lead without one begins with."""

    by_id: Mapping[int, Status]
    first: Status


def load_statuses(session: Session) -> Statuses:
    """All statuses; the first active one of category new is where leads begin."""
    rows = session.scalars(select(LeadStatus).order_by(LeadStatus.position, LeadStatus.id)).all()
    by_id = {row.id: Status(row.id, row.name, row.category) for row in rows}
    first = next(row.id for row in rows if row.is_active and row.category is StatusCategory.NEW)
    return Statuses(by_id, by_id[first])
