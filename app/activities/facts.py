"""When a record was last worked with, what was said, and what is planned next: for the top of its page.

facts = facts_of(session, actor, contact)     # in the view, with a record that the actor may read
{% include "activities/_facts.html" %}        # in the page
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.activities.on_page import first_on
from app.activities.places import Record
from app.activities.queries import MOST_PRESSING, NEWEST, own_side, rows_of
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
    own = own_side(actor, Activity.company_id)
    named = select(Activity, User.name).outerjoin(User, User.id == Activity.assignee_id)
    last = first_on(session, actor, record, named, [own, Activity.is_done], NEWEST, 1)
    pressing = first_on(session, actor, record, named, [own, ~Activity.is_done], MOST_PRESSING, 1)
    found = [(row[0], row[1] or "") for row in (*last, *pressing)]
    rows = iter(rows_of(session, actor, found, record))
    return Facts(next(rows) if last else None, next(rows) if pressing else None)
