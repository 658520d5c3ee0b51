"""How much of a record the actor has: the highest level that any rule gives."""

from typing import Any

from sqlalchemy import ColumnElement, case, literal, or_, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.db import Base
from app.sharing.scope import branches, scope, scoped


def given_level(model: type[Base], actor: Actor) -> ColumnElement[int]:
    """The level as a column of a statement that selects the model under its scope; 0 where there is none."""
    if actor.is_system:
        return literal(int(Level.FULL))
    rules = branches(model, actor)
    steps = []
    for level in sorted(Level, reverse=True):
        # What a rule gives at most, or instead: what it gives at levels between has matched before.
        here = [rule.at_least(level) for rule in rules if level in (rule.level, rule.instead)]
        if here:
            steps.append((scoped(model, or_(*here)), int(level)))
    return case(*steps, else_=0) if steps else literal(0)


def find_level(session: Session, actor: Actor, record: Any) -> Level | None:
    """The actor's level of a loaded record, as it is in the database now; None when they may not see it."""
    model = type(record)
    given = session.scalar(
        select(given_level(model, actor)).where(scope(model, actor), model.id == record.id)
    )
    return Level(given) if given else None
