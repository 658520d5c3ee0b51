"""Queues, round robins and versions of the rules, newest first, a page at a time; for integrators."""

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.routing.models import Queue, RoundRobin, RuleSet, RuleState


def list_queues(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Queue]:
    """Queues that have not been deleted, partner accounts' own included.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.ROUTING_MANAGE)
    every = select(Queue).where(Queue.deleted_at.is_(None))
    return _newest(session, actor, ["queues"], every, Queue.id, cursor, limit)


def list_round_robins(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[RoundRobin]:
    """Round robins that have not been deleted.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.ROUTING_MANAGE)
    every = select(RoundRobin).where(RoundRobin.deleted_at.is_(None))
    return _newest(session, actor, ["round robins"], every, RoundRobin.id, cursor, limit)


def list_rule_sets(
    session: Session,
    actor: Actor,
    states: tuple[RuleState, ...] = (),
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[RuleSet]:
    """Versions of the rules, of all states unless some are named.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.ROUTING_MANAGE)
    every = select(RuleSet)
    if states:
        every = every.where(RuleSet.state.in_(states))
    shape = ["rules", *sorted(states)]
    return _newest(session, actor, shape, every, RuleSet.id, cursor, limit)


def _newest(
    session: Session,
    actor: Actor,
    shape: list[str],
    statement: Select[Any],
    key: Any,
    cursor: str | None,
    limit: int,
) -> Page[Any]:
    if cursor:
        _value, after, _back = read_cursor(actor.user_id, shape, cursor)
        statement = statement.where(key < after)
    rows = session.scalars(statement.order_by(key.desc()).limit(limit + 1)).all()
    shown = rows[:limit]
    return Page(shown, make_cursor(actor.user_id, shape, None, shown[-1].id) if len(rows) > limit else None)
