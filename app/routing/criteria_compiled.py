"""Criteria compiled to closures: each comparison becomes a function of the record.

Left to `criteria.matches`: turning the KeyError of a missing field and the TypeError or AttributeError
of a value of another type into CannotEvaluate.
"""

import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from app.routing.criteria import (
    LISTS,
    TRUE_ON_EMPTY,
    All,
    AnyOf,
    FieldType,
    Leaf,
    Node,
    Not,
    Op,
    Test,
)

_COMPARE: Mapping[Op, Callable[[Any, Any], Any]] = {
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
    Op.CONTAINS: operator.contains,
    Op.STARTS_WITH: str.startswith,
}


def compile_node(node: Node) -> Test:
    """The test; it raises KeyError, TypeError or AttributeError where it cannot be carried out."""
    match node:
        case Leaf():
            return _leaf(node)
        case All(parts):
            return _all([compile_node(p) for p in parts])
        case AnyOf(parts):
            return _any([compile_node(p) for p in parts])
        case Not(part):
            negated = compile_node(part)
            return lambda record: not negated(record)


def comparable(field_type: FieldType, value: Any) -> Any:
    """A value in the form in which values of its type are compared: text in lower case, countries in capitals.

    Raises TypeError or AttributeError for a value of another type.
    """
    return _COMPARABLE[field_type](value)


def _number(value: Any) -> int | Decimal:
    kind = type(value)
    if kind is int or kind is Decimal:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return Decimal(repr(value))
    raise TypeError(f"{kind.__name__} where a number was expected")


def _day(value: Any) -> date:
    if type(value) is date:
        return value
    raise TypeError(f"{type(value).__name__} where a day was expected")


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise TypeError(f"{type(value).__name__} where an aware moment was expected")


def _day_of_moment(value: Any) -> date:
    return _moment(value).astimezone(UTC).date()


def _truth(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise TypeError(f"{type(value).__name__} where true or false was expected")


def _folded(value: Any) -> str:
    return value.casefold()  # type: ignore[no-any-return]


def _capitals(value: Any) -> str:
    return value.upper()  # type: ignore[no-any-return]


_COMPARABLE: Mapping[FieldType, Callable[[Any], Any]] = {
    FieldType.TEXT: _folded,
    FieldType.CHOICE: _folded,
    FieldType.CHOICES: _folded,  # one of them, as a condition names it
    FieldType.NUMBER: _number,
    FieldType.DATE: _day,
    FieldType.DATETIME: _moment,
    FieldType.COUNTRY: _capitals,
    FieldType.BOOLEAN: _truth,
}


def compares_by_day(leaf: Leaf) -> bool:
    """Whether a field of moments is compared with days."""
    first = leaf.value[0] if isinstance(leaf.value, tuple) else leaf.value
    return leaf.type is FieldType.DATETIME and not isinstance(first, datetime)


def operands(leaf: Leaf) -> tuple[Any, ...]:
    """The values of a comparison, in comparable form."""
    if leaf.value is None:
        return ()
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if compares_by_day(leaf):
        return values
    return tuple(comparable(leaf.type, value) for value in values)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    fixed = tuple(tests)

    def every(record: Mapping[str, Any]) -> bool:
        for test in fixed:  # noqa: SIM110 - a generator would cost more than the tests
            if not test(record):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    fixed = tuple(tests)

    def some(record: Mapping[str, Any]) -> bool:
        for test in fixed:  # noqa: SIM110 - a generator would cost more than the tests
            if test(record):
                return True
        return False

    return some


def _leaf(leaf: Leaf) -> Test:
    if leaf.op in {Op.IS_EMPTY, Op.IS_NOT_EMPTY}:
        return _emptiness(leaf.field, wanted=leaf.op is Op.IS_EMPTY)
    if leaf.type in {FieldType.TEXT, FieldType.CHOICE}:
        return _text(leaf)
    if leaf.type is FieldType.CHOICES:
        return _among(leaf)
    field, on_empty, values = leaf.field, leaf.op in TRUE_ON_EMPTY, operands(leaf)
    convert = _day_of_moment if compares_by_day(leaf) else _COMPARABLE[leaf.type]
    compare = _COMPARE.get(leaf.op)
    if compare is None:
        among, positive = frozenset(values), leaf.op in {Op.EQUALS, Op.IN}

        def same(record: Mapping[str, Any]) -> bool:
            value = record[field]
            if value is None or value == "":
                return on_empty
            return (convert(value) in among) is positive

        return same
    ordered, wanted = compare, values[0]

    def in_order(record: Mapping[str, Any]) -> bool:
        value = record[field]
        if value is None or value == "":
            return False
        return bool(ordered(convert(value), wanted))

    return in_order


def _among(leaf: Leaf) -> Test:
    """Whether a field of several values has this one."""
    field, wanted = leaf.field, operands(leaf)[0]

    def has(record: Mapping[str, Any]) -> bool:
        value = record[field]
        return value is not None and wanted in [each.casefold() for each in value]

    return has


def _text(leaf: Leaf) -> Test:
    """Text is what most criteria compare, so it skips what the other types need."""
    field, on_empty, values = leaf.field, leaf.op in TRUE_ON_EMPTY, operands(leaf)
    compare = _COMPARE.get(leaf.op)
    wanted: Any = values[0]
    if leaf.op in LISTS:
        wanted = frozenset(values)
    positive = leaf.op in {Op.EQUALS, Op.IN}

    def one(record: Mapping[str, Any]) -> bool:
        value = record[field]
        if value is None or not value.strip():
            return on_empty
        return (value.casefold() == wanted) is positive

    def among(record: Mapping[str, Any]) -> bool:
        value = record[field]
        if value is None or not value.strip():
            return on_empty
        return (value.casefold() in wanted) is positive

    def compared(record: Mapping[str, Any]) -> bool:
        value = record[field]
        if value is None or not value.strip():
            return False
        return bool(ordered(value.casefold(), wanted))

    if compare is None:
        return among if leaf.op in LISTS else one
    ordered = compare
    return compared


def _emptiness(field: str, *, wanted: bool) -> Test:
    def empty(record: Mapping[str, Any]) -> bool:
        value = record[field]
        return (value is None or (isinstance(value, str) and not value.strip())) is wanted

    return empty
