"""When a record was last worked with, what was said, and what is planned next: for the top of its page.

facts = facts_of(session, actor, contact)     # in the view, with a record that the actor may read
{% include "activities/_facts.html" %}        # in the page
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.activities.places import Record
from app.activities.queries import belongs_to, own_side, rows_of
from app.activities.words import TimelineRow
from app.identity.models import User
from app.kernel.actor import Actor


@dataclass(frozen=True, slots=True)
class Facts:
    """last: the latest thing done.  next: the most pressing thing planned.  None where there is none."""

    last: TimelineRow | None
    next: TimelineRow | None


def facts_of(session: Session, actor: Actor, record: Record) -> Facts:
    """The facts of a record that the actor may read, as far as they may see them.  A few statements."""
    of_record = (belongs_to(actor, record), own_side(actor, Activity.company_id))
    named = select(Activity, User.name).outerjoin(User, User.id == Activity.assignee_id).where(*of_record)
    last = session.execute(
        named.where(Activity.is_done).order_by(Activity.at.desc(), Activity.id.desc()).limit(1)
    ).first()
    pressing = session.execute(
        named.where(~Activity.is_done)
        .order_by(Activity.due_at.is_(None), Activity.due_at, Activity.id)
        .limit(1)
    ).first()
    found = [(row[0], row[1] or "") for row in (last, pressing) if row is not None]
    rows = iter(rows_of(session, actor, found, record))
    return Facts(next(rows) if last is not None else None, next(rows) if pressing is not None else None)
