"""The next step of each lead: what is planned on it that is due first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.activities.queries import own_side
from app.kernel.actor import Actor
from app.kernel.among import among
from app.web.filters import local_date


@dataclass(frozen=True, slots=True)
class NextStep:
    subject: str
    due_at: datetime | None

    @property
    def text(self) -> str:
        return f"{self.subject} · {local_date(self.due_at)}" if self.due_at is not None else self.subject


def next_steps(session: Session, actor: Actor, lead_ids: Collection[int]) -> Mapping[int, NextStep]:
    """Lead's key → its next step, of leads that the actor reads; partner people have their own company's.  One statement."""
    if not lead_ids:
        return {}
    first = (
        func.row_number()
        .over(
            partition_by=Activity.lead_id,
            order_by=(Activity.due_at.is_(None), Activity.due_at, Activity.id),
        )
        .label("place")
    )
    planned = (
        select(Activity.lead_id, Activity.subject, Activity.due_at, first)
        .where(among(session, Activity.lead_id, lead_ids), ~Activity.is_done)
        .where(own_side(actor, Activity.company_id))
        .subquery()
    )
    rows = session.execute(
        select(planned.c.lead_id, planned.c.subject, planned.c.due_at).where(planned.c.place == 1)
    )
    return {key: NextStep(subject, due_at) for key, subject, due_at in rows}
