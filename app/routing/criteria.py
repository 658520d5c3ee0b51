"""The criteria language of assignment rules: which records an entry is for.

`{"all": […]}`, `{"any": […]}`, `{"not": …}` or `{"field", "op", "value"}`; absent or `{"all": []}` matches
everything.  `parse` checks what was written and says where it is wrong, `matches` evaluates (about a
microsecond a condition).  `criteria_words` says criteria in a sentence, `criteria_form` turns them into
rows of a form and back, `criteria_shadow` finds entries that can never match.

On an empty value (None, blank text) only `is_empty`, `not_equals` and `not_in` are true.  `not` negates
what it holds, so `not equals` is true on an empty value too.  Parts are evaluated in the order written,
and no further than needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.text import clean_text

DEEPEST = 10
MOST_CONDITIONS = 200  # comparisons and groups together
MOST_VALUES = 1000
LONGEST_TEXT = 500


class FieldType(StrEnum):
    """What a field holds in the record given to `matches`, None when empty in every case.

    text and choice: str; choices: list of str; number: int, Decimal or float; date: date;
    datetime: aware datetime; country: two-letter code; boolean: bool.
    """

    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    COUNTRY = "country"
    BOOLEAN = "boolean"


class Op(StrEnum):
    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    NOT_IN = "not_in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IS_EMPTY = "is_empty"
    IS_NOT_EMPTY = "is_not_empty"


LISTS = frozenset({Op.IN, Op.NOT_IN})
WITHOUT_VALUE = frozenset({Op.IS_EMPTY, Op.IS_NOT_EMPTY})
TRUE_ON_EMPTY = frozenset({Op.IS_EMPTY, Op.NOT_EQUALS, Op.NOT_IN})
_SAME = (Op.EQUALS, Op.NOT_EQUALS, Op.IN, Op.NOT_IN, Op.IS_EMPTY, Op.IS_NOT_EMPTY)
_ORDER = (Op.GT, Op.GTE, Op.LT, Op.LTE)

# Which operators a type of field takes, in the order an editor offers them.
OPERATORS: Mapping[FieldType, tuple[Op, ...]] = {
    FieldType.TEXT: (*_SAME[:4], Op.CONTAINS, Op.STARTS_WITH, *_ORDER, *_SAME[4:]),
    FieldType.CHOICE: (*_SAME[:4], Op.CONTAINS, Op.STARTS_WITH, *_ORDER, *_SAME[4:]),
    FieldType.CHOICES: (Op.CONTAINS, Op.IS_EMPTY, Op.IS_NOT_EMPTY),
    FieldType.NUMBER: (*_SAME[:4], *_ORDER, *_SAME[4:]),
    FieldType.DATE: (*_SAME[:4], *_ORDER, *_SAME[4:]),
    FieldType.DATETIME: (*_SAME[:4], *_ORDER, *_SAME[4:]),
    FieldType.COUNTRY: _SAME,
    FieldType.BOOLEAN: _SAME,
}

Scalar = str | int | Decimal | date | datetime | bool


class CannotEvaluate(Exception):
    """A record that lacks a field, or holds a value of another type in it.  reason: for the alert."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison.  value: None for is_empty and is_not_empty, a tuple for in and not_in, else one."""

    field: str
    op: Op
    value: Scalar | tuple[Scalar, ...] | None
    type: FieldType


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Node


Node = Leaf | All | AnyOf | Not
Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Criteria:
    """Checked criteria.  Equal when written alike."""

    root: Node

    @cached_property
    def _test(self) -> Test:
        from app.routing.criteria_compiled import compile_node

        return compile_node(self.root)

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether the record meets the criteria.

        record: field → value as `FieldType` says; every field the criteria name must be a key.
        Raises CannotEvaluate for a missing field or a value of another type: the entry is to be skipped.
        """
        try:
            return self._test(record)
        except KeyError as error:
            raise CannotEvaluate(f"the field {error} does not exist") from error
        except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
            raise CannotEvaluate(f"a field holds a value of another type: {error}") from error

    @property
    def matches_everything(self) -> bool:
        return self.root == All(())

    @property
    def fields(self) -> frozenset[str]:
        """The fields that are compared."""
        return frozenset(leaf.field for leaf in leaves(self.root))

    def to_json(self) -> dict[str, Any]:
        """As the contract writes it; parse(to_json()) gives equal criteria."""
        return _to_json(self.root)


def matches(criteria: Criteria, record: Mapping[str, Any]) -> bool:
    """Whether the record meets the criteria; see `Criteria.matches`."""
    return criteria.matches(record)


def parse(value: object, fields: Mapping[str, FieldType], *, path: str = "criteria") -> Criteria:
    """Check criteria as they came in JSON.

    value: None matches everything.  fields: those that may be named.  path: what error paths begin with.
    Raises Invalid with every fault found, each under its path ("criteria.all[0].value").
    """
    if value is None:
        return Criteria(All(()))
    parser = _Parser(fields)
    node = parser.node(value, path, 1)
    if parser.errors or node is None:
        raise Invalid(parser.errors)
    return Criteria(node)


def leaves(node: Node) -> Iterator[Leaf]:
    """Every comparison in it, from left to right."""
    match node:
        case Leaf():
            yield node
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)


def named_fields(value: object) -> frozenset[str]:
    """The fields that criteria name, as they stand in JSON, whether or not they can be understood."""
    if isinstance(value, dict):
        own = {value["field"]} if isinstance(value.get("field"), str) else set()
        return frozenset(own.union(*(named_fields(part) for part in value.values())))
    if isinstance(value, list):
        return frozenset().union(*(named_fields(part) for part in value))
    return frozenset()


class _Parser:
    """Collects errors instead of stopping at the first; a faulty node is None."""

    def __init__(self, fields: Mapping[str, FieldType]) -> None:
        self.fields = fields
        self.errors: dict[str, list[Any]] = {}
        self.conditions = 0

    def complain(self, path: str, message: Any) -> None:
        self.errors.setdefault(path, []).append(message)

    def is_too_long(self, path: str) -> bool:
        """Counts one more condition, and complains once when there are too many."""
        self.conditions += 1
        if self.conditions == MOST_CONDITIONS + 1:
            self.complain(path, _l("At most %(limit)s conditions fit in an entry.", limit=MOST_CONDITIONS))
        return self.conditions > MOST_CONDITIONS

    def node(self, value: object, path: str, depth: int) -> Node | None:
        if not isinstance(value, dict):
            self.complain(path, _l("This must be an object with all, any, not, or field and op."))
            return None
        if depth > DEEPEST:
            self.complain(path, _l("Conditions may be nested %(limit)s deep at most.", limit=DEEPEST))
            return None
        keys = set(value)
        if keys == {"all"} or keys == {"any"}:
            return self.group(next(iter(keys)), value, path, depth)
        if keys == {"not"}:
            part = self.node(value["not"], f"{path}.not", depth + 1)
            return None if part is None else Not(part)
        if "field" in keys and "op" in keys and keys <= {"field", "op", "value"}:
            return self.leaf(value, path)
        self.complain(
            path,
            _l("Write exactly one of: all, any, not; or a field with its op and value."),
        )
        return None

    def group(self, key: str, value: dict[str, Any], path: str, depth: int) -> Node | None:
        parts = value[key]
        if not isinstance(parts, list):
            self.complain(f"{path}.{key}", _l("This must be a list of conditions."))
            return None
        if key == "any" and not parts:
            self.complain(f"{path}.any", _l("A choice between no conditions can never match."))
            return None
        nodes = []
        for i, part in enumerate(parts):
            if self.is_too_long(path):
                break
            nodes.append(self.node(part, f"{path}.{key}[{i}]", depth + 1))
        whole = tuple(n for n in nodes if n is not None)
        if len(whole) < len(parts):
            return None
        return All(whole) if key == "all" else AnyOf(whole)

    def leaf(self, value: dict[str, Any], path: str) -> Leaf | None:
        name, op_name = value["field"], value["op"]
        field_type = self.fields.get(name) if isinstance(name, str) else None
        if field_type is None:
            self.complain(f"{path}.field", _l("There is no such field."))
        op = Op(op_name) if isinstance(op_name, str) and op_name in set(Op) else None
        if op is None:
            self.complain(f"{path}.op", _l("There is no such operator."))
        if field_type is None or op is None:
            return None
        if op not in OPERATORS[field_type]:
            self.complain(f"{path}.op", _l("This operator does not fit the field's type."))
            return None
        try:
            return Leaf(name, op, _operand(op, field_type, value.get("value")), field_type)
        except Invalid as error:
            for key, messages in error.errors.items():
                for message in messages:
                    self.complain(f"{path}.value{key}", message)
            return None


def _operand(op: Op, field_type: FieldType, value: object) -> Scalar | tuple[Scalar, ...] | None:
    """Raises Invalid; its keys are what follows ".value" in the path."""
    if op in WITHOUT_VALUE:
        if value not in (None, ""):
            raise Invalid({"": [_l("This operator takes no value.")]})
        return None
    if op not in LISTS:
        return _with_one_precision((_scalar(field_type, value, ""),))[0]
    if not isinstance(value, list):
        raise Invalid({"": [_l("This operator takes a list of values.")]})
    if not value:
        raise Invalid({"": [_l("The list must not be empty.")]})
    if len(value) > MOST_VALUES:
        raise Invalid({"": [_l("At most %(limit)s values fit in a list.", limit=MOST_VALUES)]})
    return _with_one_precision(tuple(_scalar(field_type, v, f"[{i}]") for i, v in enumerate(value)))


def _with_one_precision(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    if len({isinstance(v, datetime) for v in values}) > 1:
        raise Invalid({"": [_l("Give either days or moments, not both.")]})
    return values


def _scalar(field_type: FieldType, value: object, key: str) -> Scalar:
    match field_type:
        case FieldType.TEXT | FieldType.CHOICE | FieldType.CHOICES:
            text = clean_text(value, max_length=LONGEST_TEXT, field=key)
            if text is None:
                raise Invalid({key: [_l("Give a value; for empty fields there is is_empty.")]})
            return text
        case FieldType.COUNTRY:
            code = country_code(value) if isinstance(value, str) else None
            if code is None:
                raise Invalid({key: [_l("This is not the code or name of a country.")]})
            return code
        case FieldType.NUMBER:
            return _number(value, key)
        case FieldType.BOOLEAN:
            truth = {"true": True, "false": False}.get(value) if isinstance(value, str) else value
            if not isinstance(truth, bool):
                raise Invalid({key: [_l("This must be true or false.")]})
            return truth
        case FieldType.DATE | FieldType.DATETIME:
            return _moment(field_type, value, key)


_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,15})?\Z")


def _number(value: object, key: str) -> int | Decimal:
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        value = format(Decimal(str(value)), "f")
    if not isinstance(value, str) or not _PLAIN_NUMBER.match(value.strip()):
        raise Invalid({key: [_l("This must be a number, such as 1000 or 12.5.")]})
    number = Decimal(value.strip())
    return int(number) if number == number.to_integral_value() else number


def _moment(field_type: FieldType, value: object, key: str) -> date | datetime:
    """A day, or for fields that hold moments an aware moment in UTC."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
        if field_type is FieldType.DATETIME:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    if field_type is FieldType.DATE:
        raise Invalid({key: [_l("This must be a day, such as 2026-01-31.")]})
    raise Invalid({key: [_l("This must be a day, such as 2026-01-31, or a moment with its time zone.")]})


def _to_json(node: Node) -> dict[str, Any]:
    match node:
        case All(parts):
            return {"all": [_to_json(p) for p in parts]}
        case AnyOf(parts):
            return {"any": [_to_json(p) for p in parts]}
        case Not(part):
            return {"not": _to_json(part)}
        case Leaf(field, op, value, _):
            condition: dict[str, Any] = {"field": field, "op": op.value}
            if isinstance(value, tuple):
                condition["value"] = [_json_scalar(v) for v in value]
            elif value is not None:
                condition["value"] = _json_scalar(value)
            return condition


def _json_scalar(value: Scalar) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value) if Decimal(str(float(value))) == value else str(value)
    return value
