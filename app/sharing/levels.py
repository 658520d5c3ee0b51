"""How much of a record the actor has: the highest level that any rule gives."""

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, literal, or_, select
from sqlalchemy.orm import Session

from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.db import Base
from app.kernel.errors import NotFound
from app.sharing.scope import branches, scope, scoped

Record = TypeVar("Record", bound=Base)


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


def get_with_level(
    session: Session, actor: Actor, model: type[Record], prefix: str, ref: str, *, for_update: bool = False
) -> tuple[Record, Level]:
    """The record of that public name as it is now, with how much of it the actor has, who reads it at least.

    prefix: of such names.  for_update: held against changes until the transaction ends.
    Raises NotFound, alike for hidden and absent.
    """
    if not refs.is_ref(prefix, ref):
        raise NotFound(prefix, ref)
    named: Any = model
    statement = select(model, given_level(model, actor)).where(
        scope(model, actor, Level.READ), named.ref == ref
    )
    if for_update:
        statement = statement.with_for_update(of=model)
    found = session.execute(statement.execution_options(populate_existing=True)).first()
    if found is None:
        raise NotFound(prefix, ref)
    return found[0], Level(found[1])
