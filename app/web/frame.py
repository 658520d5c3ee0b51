"""The numbers in the frame of every page: waiting leads, unread notifications.  Never above their cap."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Select, func, literal_column, select, union_all

from app.kernel.actor import Actor
from app.kernel.db import db, planned_once
from app.kernel.paging import fixed
from app.leads.models import Lead
from app.notifications.queries import unread_notifications
from app.sharing.scope import branches, scoped

CAP = 100


def frame_counts(actor: Actor) -> dict[str, int]:
    """Number of waiting and offered leads (`inbox`, partner people) and of unread notifications (`unread`)."""
    return {what: int(count) for what, count in db.session().execute(_counting(actor))}


@lru_cache(maxsize=128)
def _counting(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Kept by the actor's whole value: making it costs more than running it."""
    # In front of the statement rather than inside: what may be seen is long, and SQLite reads to a certain depth only.
    unread = unread_notifications(actor).limit(fixed(CAP)).cte("unread")
    parts = [select(literal_column("'unread'").label("what"), unread.c.id)]
    if actor.is_partner:
        for rule in branches(Lead, actor):
            if rule.cause == "queue":
                waiting = select(Lead.id).where(scoped(Lead, rule.where)).limit(fixed(CAP)).subquery()
                parts.append(select(literal_column("'inbox'").label("what"), waiting.c.id))
    every = union_all(*parts).subquery()
    return planned_once(select(every.c.what, func.count()).group_by(every.c.what))
