"""From comparisons to SQL: what each kind of field is compared by, and criteria as one condition.

The language is that of the contract's criteria: on an empty value (null, blank text) only `is_empty`,
`not_equals` and `not_in` are true; text ignores case.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.prefix import starts_with
from app.lists.catalogue import Condition, Kind, ListField
from app.routing.criteria import All, AnyOf, Leaf, Node, Not, Op

_NEGATED = {Op.NOT_EQUALS: Op.EQUALS, Op.NOT_IN: Op.IN, Op.IS_EMPTY: Op.IS_NOT_EMPTY}
LARGEST = 2**62
_BLANK = (Kind.TEXT, Kind.LONG_TEXT, Kind.EMAIL, Kind.PHONE, Kind.URL)


def condition_of(session: Session, actor: Actor, field: ListField, op: Op, value: Any) -> Condition:
    """The condition of one comparison.  value: as `catalogue.Kind` says.  Raises Invalid."""
    if field.condition is not None:
        return field.condition(session, actor, op, value)
    positive = _NEGATED.get(op)
    if positive is not None:
        return _negated(_compare(session, actor, field, positive, value))
    return _compare(session, actor, field, op, value)


def condition_of_node(session: Session, actor: Actor, fields: Any, node: Node) -> Condition:
    """Criteria as one condition.  fields: name → ListField, of every field the criteria name."""
    match node:
        case Leaf(name, op, value, _type):
            return condition_of(session, actor, fields[name], op, value)
        case All(parts):
            return and_(true(), *(condition_of_node(session, actor, fields, part) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(condition_of_node(session, actor, fields, part) for part in parts))
        case Not(part):
            return _negated(condition_of_node(session, actor, fields, part))


def _negated(condition: Condition) -> Condition:
    """True where the condition is false or unknown."""
    return not_(func.coalesce(condition, false()))


def _compare(session: Session, actor: Actor, field: ListField, op: Op, value: Any) -> Condition:
    column = field.column
    if op is Op.IS_NOT_EMPTY:
        filled = column.is_not(None)
        return and_(filled, column != "") if field.kind in _BLANK else filled
    match field.kind:
        case Kind.USER:
            return column.in_(users_named(actor, value))  # type: ignore[no-any-return]
        case Kind.MOMENT | Kind.DATE:
            return _compare_time(actor, field, op, value)
        case Kind.TEXT | Kind.LONG_TEXT | Kind.EMAIL | Kind.PHONE | Kind.URL:
            return _compare_text(session, column, op, value)
        case Kind.NUMBER | Kind.MONEY:
            return _compare_plain(column, op, _bounded(value))
    return _compare_plain(column, op, value)


def _bounded(value: Any) -> Any:
    """The number, or the largest that a database takes where it is larger; no record holds that."""
    if isinstance(value, tuple):
        return tuple(_bounded(each) for each in value)
    return max(-LARGEST, min(LARGEST, value))


def users_named(actor: Actor, value: Any) -> Select[Any]:
    """Keys of the users that a condition names: public names, or "me"; one or several.

    Partner people know nobody outside their company, whoever is asked for.
    """
    values = value if isinstance(value, tuple) else (value,)
    wanted = [actor.ref if each == "me" else str(each) for each in values]
    found = select(User.id).where(User.ref.in_(wanted))
    return found.where(User.partner_account_id == actor.company_id) if actor.is_partner else found


def _compare_plain(column: Any, op: Op, value: Any) -> ColumnElement[bool]:
    match op:
        case Op.EQUALS:
            return column == value  # type: ignore[no-any-return]
        case Op.IN:
            return column.in_(list(value))  # type: ignore[no-any-return]
        case Op.GT:
            return column > value  # type: ignore[no-any-return]
        case Op.GTE:
            return column >= value  # type: ignore[no-any-return]
        case Op.LT:
            return column < value  # type: ignore[no-any-return]
        case Op.LTE:
            return column <= value  # type: ignore[no-any-return]
    raise Invalid({"filter": [_l("This operator does not fit the field's type.")]})


def same_text(column: Any, value: str) -> ColumnElement[bool]:
    """That the column holds the text, case aside.

    SQLite folds ASCII only, so that text of other letters is asked for in two spellings; for all other text
    it is one value, which an index on lower(column) answers.
    """
    spellings = sorted({value.lower(), _ascii_lower(value)})
    lowered: Any = func.lower(column)
    return lowered == spellings[0] if len(spellings) == 1 else lowered.in_(spellings)  # type: ignore[no-any-return]


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _compare_text(session: Session, column: Any, op: Op, value: Any) -> ColumnElement[bool]:
    match op:
        case Op.EQUALS:
            return same_text(column, value)
        case Op.IN:
            return or_(false(), *(same_text(column, each) for each in value))
        case Op.CONTAINS:
            return func.lower(column).contains(value.lower(), autoescape=True) | column.contains(  # type: ignore[no-any-return]
                value, autoescape=True
            )
        case Op.STARTS_WITH:
            lowered: Any = func.lower(column)
            spellings = {value.lower(), _ascii_lower(value)}
            return or_(*(starts_with(session, lowered, each) for each in sorted(spellings)))
    raise Invalid({"filter": [_l("This operator does not fit the field's type.")]})


def _compare_time(actor: Actor, field: ListField, op: Op, value: Any) -> ColumnElement[bool]:
    """Days are whole days of the person's zone: after one is from the next, on or before one until its end."""
    if op in (Op.EQUALS, Op.IN):
        days = value if isinstance(value, tuple) else (value,)
        return or_(false(), *(_on(actor, field, day) for day in days))
    if field.kind is Kind.DATE or isinstance(value, datetime):
        return _compare_plain(field.column, op, value)
    match op:
        case Op.GTE:
            return _compare_plain(field.column, Op.GTE, start_of(actor, value))
        case Op.GT:
            return _compare_plain(field.column, Op.GTE, start_of(actor, value + timedelta(days=1)))
        case Op.LT:
            return _compare_plain(field.column, Op.LT, start_of(actor, value))
    return _compare_plain(field.column, Op.LT, start_of(actor, value + timedelta(days=1)))


def _on(actor: Actor, field: ListField, day: date) -> ColumnElement[bool]:
    if field.kind is Kind.DATE or isinstance(day, datetime):
        return _compare_plain(field.column, Op.EQUALS, day)
    next_day = start_of(actor, day + timedelta(days=1))
    return and_(field.column >= start_of(actor, day), field.column < next_day)


def start_of(actor: Actor, day: date) -> datetime:
    """When the day begins where the person works."""
    return datetime.combine(day, time(), ZoneInfo(actor.time_zone or "UTC")).astimezone(UTC)
