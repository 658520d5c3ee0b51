"""Taking the next lead of a queue: first in, first out, without waiting for others who do the same."""

from datetime import datetime

from sqlalchemy import Select, and_, literal, select, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import NotAllowed, NotFound
from app.leads.capacity import hold_seat
from app.leads.errors import AtCapacity
from app.leads.models import AssignmentCause, Lead
from app.leads.placement import Move, Owner, place
from app.routing.models import Queue
from app.sharing.scope import branches, scoped


def claim_next(session: Session, actor: Actor, *, now: datetime, queue_ref: str | None = None) -> Lead | None:
    """Make the actor the owner of the lead that has waited longest in their queues; None when none waits.

    queue_ref: that queue alone.  Two who ask at once get different leads.  Writes what `place` writes.
    Does not commit.

    Raises NotAllowed, NotFound (no member of that queue), AtCapacity.
    """
    actor.require(Permission.LEAD_CLAIM)
    if actor.user_id is None:
        raise NotAllowed
    queues = _waiting_in(session, actor, queue_ref)
    if not queues:
        return None
    seat = hold_seat(session, actor)
    if not seat:
        raise AtCapacity
    for queue_id in _longest_first(session, queues):
        lead = session.scalar(_first(session, queues[queue_id]))
        if lead is not None:
            place(session, actor, lead, Owner(user=seat.user), Move(AssignmentCause.CLAIM), now=now)
            return lead
    return None


def _waiting_in(session: Session, actor: Actor, queue_ref: str | None) -> dict[int, Select[Lead]]:
    """For each queue of the actor's: the leads that wait there for them, first in first."""
    only = None
    if queue_ref is not None:
        only = session.scalar(select(Queue.id).where(Queue.ref == queue_ref))
        if only is None or only not in actor.queue_ids:
            raise NotFound("queue", queue_ref)
    rules = [rule for rule in branches(Lead, actor) if rule.cause == "queue"]
    return {
        queue_id: select(Lead)
        .where(scoped(Lead, and_(rule.where, Lead.owner_queue_id == queue_id)))
        .order_by(Lead.waiting_since, Lead.id)
        .limit(1)
        for queue_id, rule in zip(actor.queue_ids, rules, strict=True)
        if only is None or queue_id == only
    }


def _longest_first(session: Session, queues: dict[int, Select[Lead]]) -> list[int]:
    """The queues in which something waits, by how long it has."""
    if len(queues) == 1:
        return list(queues)
    heads = [
        statement.with_only_columns(
            literal(queue_id).label("queue"), Lead.waiting_since.label("since"), Lead.id.label("key")
        ).subquery()
        for queue_id, statement in queues.items()
    ]
    merged = union_all(*(select(head) for head in heads)).subquery()
    return list(session.scalars(select(merged.c.queue).order_by(merged.c.since, merged.c.key)))


def _first(session: Session, statement: Select[Lead]) -> Select[Lead]:
    if not is_sqlite(session):
        # Whoever is taking the first one has it; the next is free.
        statement = statement.with_for_update(key_share=True, skip_locked=True)
    return statement.execution_options(populate_existing=True)
