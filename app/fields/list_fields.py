"""What lists of accounts, contacts and leads can show, filter and sort by of the fields that administrators added.

Those that are indexed are compared and sorted by their column, from an index; the others by what the record holds.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, false, func, not_, or_
from sqlalchemy.orm import Session

from app.fields.catalogue import Definition, catalogue
from app.fields.kinds import Kind
from app.fields.queries import MODELS
from app.fields.values import for_index, names_of_people
from app.kernel.actor import Actor
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.lists.catalogue import IS_ONE_OF, ORDERED, SAME, TEXTUAL, Condition, ListField, add_provider
from app.lists.catalogue import Kind as ListKind
from app.lists.people import colleague_choices, user_names
from app.routing.criteria import Op

SECTION = _l("Further details")
_KINDS: Mapping[Kind, ListKind] = {
    Kind.TEXT: ListKind.TEXT,
    Kind.NUMBER: ListKind.NUMBER,
    Kind.MONEY: ListKind.MONEY,
    Kind.DATE: ListKind.DATE,
    Kind.CHOICE: ListKind.CHOICE,
    Kind.CHOICES: ListKind.NAMES,
    Kind.YES_NO: ListKind.YES_NO,
    Kind.LINK: ListKind.URL,
    Kind.USER: ListKind.CHOICE,
}
_OPS: Mapping[Kind, tuple[Op, ...]] = {
    Kind.TEXT: TEXTUAL,
    Kind.NUMBER: ORDERED,
    Kind.MONEY: ORDERED,
    Kind.DATE: ORDERED,
    Kind.CHOICE: SAME,
    Kind.CHOICES: (*IS_ONE_OF, Op.IS_EMPTY, Op.IS_NOT_EMPTY),
    Kind.YES_NO: (Op.EQUALS, Op.IS_EMPTY, Op.IS_NOT_EMPTY),
    Kind.LINK: TEXTUAL,
    Kind.USER: SAME,
}
_NEGATED = {Op.NOT_EQUALS: Op.EQUALS, Op.NOT_IN: Op.IN, Op.IS_EMPTY: Op.IS_NOT_EMPTY}


def _provider(object_: str) -> Callable[[Session, Actor], Sequence[ListField]]:
    def provide(session: Session, actor: Actor) -> Sequence[ListField]:
        seen = catalogue(session).seen(actor, object_).values()
        return [_list_field(MODELS[object_], field) for field in seen]

    return provide


def _list_field(model: Any, field: Definition) -> ListField:
    value = model.custom[field.name]
    return ListField(
        field.name,
        field.label,
        _KINDS[field.kind],
        value.as_string() if field.kind is Kind.CHOICES else value,
        condition=_condition(model, field),
        ops=_OPS[field.kind],
        choices=_choices(field),
        names=user_names if field.kind is Kind.USER else None,
        resolve=_resolve(field),
        text=_names(field),
        sort=field.name if field.is_indexed else "",
        sort_column=getattr(model, field.column) if field.is_indexed else None,
        sorts_empty=field.is_indexed,
        edits=field.name if field.kind is not Kind.CHOICES else "",
        section=SECTION,
    )


# Comparing


def _condition(model: Any, field: Definition) -> Callable[[Session, Actor, Op, Any], Condition]:
    compare = _by_index if field.is_indexed else _by_value

    def make(session: Session, actor: Actor, op: Op, value: Any) -> Condition:
        value = _own(actor, field, value)
        positive = _NEGATED.get(op)
        if positive is None:
            return compare(session, model, field, op, value)
        return not_(func.coalesce(compare(session, model, field, positive, value), false()))

    return make


def _own(actor: Actor, field: Definition, value: Any) -> Any:
    """Values as records keep them: a day as text, oneself by name."""
    if isinstance(value, tuple):
        return tuple(_own(actor, field, each) for each in value)
    if field.kind is Kind.USER and value == "me":
        return actor.ref
    return value.isoformat() if isinstance(value, date) else value


def _by_index(session: Session, model: Any, field: Definition, op: Op, value: Any) -> ColumnElement[bool]:
    column: Any = getattr(model, field.column)
    if op is Op.IS_NOT_EMPTY:
        return and_(column.is_not(None), column != "")
    if op is Op.IN:
        return column.in_([for_index(field, each) for each in value])  # type: ignore[no-any-return]
    if op is Op.CONTAINS:
        return column.contains(fold(value), autoescape=True)  # type: ignore[no-any-return]
    if op is Op.STARTS_WITH:
        return starts_with(session, column, fold(value))
    return and_(column != "", _ordered(column, op, for_index(field, value)))


def _by_value(_session: Session, model: Any, field: Definition, op: Op, value: Any) -> ColumnElement[bool]:
    held: Any = model.custom[field.name]
    text = held.as_string()
    if op is Op.IS_NOT_EMPTY:
        return text.is_not(None)  # type: ignore[no-any-return]
    match field.kind:
        case Kind.NUMBER | Kind.MONEY:
            number = held.as_float()
            return (
                number.in_([float(v) for v in value]) if op is Op.IN else _ordered(number, op, float(value))
            )
        case Kind.YES_NO:
            return held.as_boolean().is_(bool(value))  # type: ignore[no-any-return]
        case Kind.CHOICES:
            # Keys are of letters and digits alone, and stand in quotes in the list.
            keys = value if isinstance(value, tuple) else (value,)
            return or_(false(), *(text.contains(f'"{key}"', autoescape=True) for key in keys))
        case Kind.DATE | Kind.CHOICE | Kind.USER:
            return text.in_(list(value)) if op is Op.IN else _ordered(text, op, value)
    lowered = func.lower(text)
    if op is Op.IN:
        return lowered.in_([each.lower() for each in value])
    if op is Op.CONTAINS:
        return lowered.contains(value.lower(), autoescape=True)
    if op is Op.STARTS_WITH:
        return lowered.startswith(value.lower(), autoescape=True)
    return _ordered(lowered, op, value.lower())


def _ordered(column: Any, op: Op, value: Any) -> ColumnElement[bool]:
    match op:
        case Op.GT:
            return column > value  # type: ignore[no-any-return]
        case Op.GTE:
            return column >= value  # type: ignore[no-any-return]
        case Op.LT:
            return column < value  # type: ignore[no-any-return]
        case Op.LTE:
            return column <= value  # type: ignore[no-any-return]
    return column == value  # type: ignore[no-any-return]


# Showing


def _choices(field: Definition) -> Callable[[Session, Actor], Sequence[tuple[str, str]]] | None:
    if field.kind is Kind.USER:
        return colleague_choices
    if not field.choices:
        return None
    return lambda _session, _actor: [(choice.key, choice.label) for choice in field.choices]


def _names(field: Definition) -> Callable[[Any], Any] | None:
    """What a file says of a choice, which a cell names by its choices."""
    if field.kind is not Kind.CHOICE:
        return None
    return lambda key: found.name if (found := field.choice(key)) else key


def _resolve(field: Definition) -> Any:
    def several(_session: Session, _actor: Actor, values: Collection[Any]) -> Mapping[Any, Any]:
        names = {choice.key: choice.label for choice in field.choices}
        return {text: [names.get(key, key) for key in json.loads(text)] for text in values}

    def people(session: Session, _actor: Actor, values: Collection[Any]) -> Mapping[Any, Any]:
        return names_of_people(session, values)

    def days(_session: Session, _actor: Actor, values: Collection[Any]) -> Mapping[Any, Any]:
        return {text: date.fromisoformat(text) for text in values}

    return {
        Kind.CHOICES: several,
        Kind.USER: people,
        Kind.DATE: days,
    }.get(field.kind)


for _object in MODELS:
    add_provider(_object, _provider(_object))
