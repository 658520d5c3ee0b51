"""How what hangs on one record is found for who may not see all of it.

Two ways lead there: along the record's own index, asking of each row whether it is given, which is right where few
hang on it; and from what the reader is given, which passes over what is hidden, however much that is.  So the second
is gone where many hang on the record and the reader is given few.  Where both are many each row is asked about.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.kernel.actor import Actor, Level
from app.sharing.scope import branches, scoped
from app.sharing.walking import gives_many

# So many rows are asked about one by one.
STRETCH = 400
# And so many that the reader is given are gone through instead.
MOST_GIVEN = 2000
Condition = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Hanging:
    """That rows hang on a record, in two ways of saying it.  indexed: for finding them.  of_row: for asking one."""

    indexed: Condition
    of_row: Condition


@dataclass(frozen=True, slots=True)
class Way:
    """How rows are found.  here: that they hang on the record.  by_row: as `sharing.merge` takes it."""

    here: Condition
    by_row: bool

    def only(
        self, column: InstrumentedAttribute[Any], test: Callable[[ColumnElement[Any]], Condition]
    ) -> Condition:
        """A further condition on a text, which is not to lead to an index of its own where rows are asked about."""
        return test(column.expression if self.by_row else func.coalesce(column, ""))


def on_column(column: InstrumentedAttribute[int] | InstrumentedAttribute[int | None], key: int) -> Hanging:
    """Rows that name their record in a column."""
    return Hanging(column == key, func.coalesce(column, 0) == key)


def way_to(session: Session, actor: Actor, model: Any, hanging: Hanging) -> Way:
    """Which way to go for the rows that the actor may read.  Two statements at most; none for who is given all there are."""
    along = Way(hanging.indexed, by_row=True)
    rules = () if actor.is_system else branches(model, actor, Level.READ)
    if not rules or any(rule.is_whole for rule in rules):
        return along
    live = scoped(model, model.deleted_at.is_(None))
    beyond = select(model.id).where(live, hanging.indexed).offset(STRETCH).limit(1)
    if session.scalar(beyond) is None or session.scalar(gives_many(model, actor, most=MOST_GIVEN)):
        return along
    return Way(hanging.of_row, by_row=False)
