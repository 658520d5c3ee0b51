"""On SQLite, which of several filters leads to the records of a list.

SQLite knows how many records a value of a column has on average, not how many one value has (PostgreSQL does): given
a rare value and a common one it may go through all records of the common one.  A look at the first entries of each
filter's index says which is rare, at the same cost however many records there are.
"""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import BinaryExpression, func, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql.operators import eq, in_op

from app.kernel.actor import Actor
from app.kernel.db import Base, is_sqlite
from app.lists.catalogue import Condition
from app.lists.query import ListQuery
from app.sharing.scope import branches, scope

# A value of so many records is not rare: going along the list's order finds a page of them soon enough.
FEW = 300


def narrowest(session: Session, actor: Actor, query: ListQuery) -> int | None:
    """The place of the condition that few records meet; None where none is rare or the database knows by itself.

    Asked only of people whom one rule gives every record: with others it is the rules that lead.  One statement.
    """
    model, conditions = query.object.model, query.conditions
    if len(conditions) < 2 or not is_sqlite(session):
        return None
    indexed = [place for place, each in enumerate(conditions) if _of(model, each) in _leading(model)]
    if len(indexed) < 2 or not any(rule.is_whole for rule in branches(model, actor, query.level)):
        return None
    met = session.execute(
        select(
            *(
                select(func.count())
                .select_from(
                    select(model.id).where(scope(model, actor), conditions[place]).limit(FEW + 1).subquery()
                )
                .scalar_subquery()
                for place in indexed
            )
        )
    ).one()
    fewest = min(range(len(indexed)), key=met.__getitem__)
    return indexed[fewest] if met[fewest] <= FEW else None


def led_by(conditions: Sequence[Condition], place: int | None) -> Sequence[Condition]:
    """The conditions so that the index of that one is taken: no index holds whether another one is true."""
    if place is None:
        return conditions
    return [each if at == place else each.is_(true()) for at, each in enumerate(conditions)]


def _of(model: type[Base], condition: Condition) -> str:
    """What a condition compares with values, as the indexes write it; "" for those that compare otherwise."""
    if not isinstance(condition, BinaryExpression) or condition.operator not in (eq, in_op):
        return ""
    return str(condition.left).replace(f"{model.__tablename__}.", "")


@lru_cache
def _leading(model: type[Base]) -> frozenset[str]:
    """What the model's indexes begin with."""
    table = model.metadata.tables[model.__tablename__]
    starts = (next(iter(index.expressions)) for index in table.indexes)
    return frozenset(str(each).replace(f"{table.name}.", "") for each in starts)
