"""Whether rows that hang on other records are found by these, or by going along the rows.

Who is given few records has their rows found by them; who is given many has the rows walked in the list's order,
with a look at the record of each.  Neither grows with what there is besides.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    ColumnElement,
    Select,
    case,
    false,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.operators import in_op

from app.kernel.actor import Actor, Level
from app.sharing.merge import many_granted
from app.sharing.rule import Followed
from app.sharing.scope import branches, scoped

# Of more records the rows are not looked for one record after the other.
MOST_FOLLOWED = 2000


def walked_by(
    session: Session,
    actor: Actor,
    model: Any,
    conditions: Sequence[ColumnElement[bool]] = (),
    *,
    most: int | None = None,
) -> frozenset[Followed]:
    """The records, of those by which rules of the model find rows, that are too many for it.

    conditions: what the list is narrowed to; where they name the rows, nothing has to be found by records.
    most: how many records are not too many, MOST_FOLLOWED unless told.
    One statement, or none: not for models whose rows stand for themselves.
    """
    followed = [] if actor.is_system else _followed(actor, model)
    if not followed:
        return frozenset()
    if names_rows(model, conditions):
        return frozenset(followed)
    many = session.execute(_which_are_many(actor, model, MOST_FOLLOWED if most is None else most)).one()
    return frozenset(each for each, is_many in zip(followed, many, strict=True) if is_many)


class FirstKeys(list[int]):
    """Keys of the first rows that were found, where more were not looked for.  whole: what holds for all of them."""

    def __init__(self, keys: Iterable[int], whole: ColumnElement[bool]) -> None:
        super().__init__(keys)
        self.whole = whole


def all_of_first(model: Any, condition: ColumnElement[bool]) -> ColumnElement[bool] | None:
    """What holds for all rows, where the condition names some that were found first; else None."""
    keys = _keys_named(model, condition)
    return keys.whole if isinstance(keys, FirstKeys) else None


def names_rows(model: Any, conditions: Sequence[ColumnElement[bool]]) -> bool:
    """Whether one of them compares the rows' keys with some that are known: no more rows than these are looked at."""
    return any(_keys_named(model, each) is not None for each in conditions)


def _keys_named(model: Any, condition: ColumnElement[bool]) -> Any | None:
    """The keys, where it is a comparison of the rows' with some that are known."""
    if not isinstance(condition, BinaryExpression) or condition.operator is not in_op:
        return None
    is_key = str(condition.left) in (f"{model.__tablename__}.id", f"{model.__tablename__}.ref")
    return condition.right.value if is_key and isinstance(condition.right, BindParameter) else None


def _followed(actor: Actor, model: Any) -> Sequence[Followed]:
    rules = branches(model, actor, Level.READ)
    return [rule.followed for rule in rules if rule.followed is not None]


@lru_cache(maxsize=256)
def _which_are_many(actor: Actor, model: Any, most: int) -> Select[*tuple[Any, ...]]:
    """For each of them whether there are more than enough; made once for each person."""
    return select(
        *(
            each.keys.offset(most).limit(1).scalar_subquery().is_not(None).label(f"many_{place}")
            for place, each in enumerate(_followed(actor, model))
        )
    )


def gives_many(model: Any, actor: Actor, *, most: int) -> Select[bool]:
    """Select of whether rules give the actor more than `most` records to read, or at less than that.

    For choosing a way, not for saying who sees what: what only some of a rule's rows are given for (an offer that
    waits) is left out of account, so that the keys are counted along each rule's index and no record is read.
    """
    given = [
        select(model.id).where(scoped(model, condition)).limit(most + 1).subquery()
        for rule in branches(model, actor, Level.READ)
        if rule.grants is None
        for condition in [rule.as_listed().where]
    ]
    numbers = (select(func.count()).select_from(each).scalar_subquery() for each in given)
    found: list[ColumnElement[bool]] = [sum(numbers, start=literal(0)) > most]
    granted = many_granted(model, actor, cap=most, level=Level.READ)
    if granted is not None:
        found.append(granted.scalar_subquery())
    return select(case(*((each, true()) for each in found), else_=false()))
