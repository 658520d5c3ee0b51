"""Entries that can never match, because earlier entries take everything they would or they contradict
themselves.

Sound and incomplete: what is said to be shadowed is; what is not said may be all the same.  It supposes
that the earlier entries can be evaluated.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from app.routing.criteria import All, AnyOf, Criteria, FieldType, Leaf, Node, Not, Op, leaves
from app.routing.criteria_compiled import compares_by_day, compile_node, operands

_OPPOSITE = {
    Op.EQUALS: Op.NOT_EQUALS,
    Op.NOT_EQUALS: Op.EQUALS,
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.IS_EMPTY: Op.IS_NOT_EMPTY,
    Op.IS_NOT_EMPTY: Op.IS_EMPTY,
}
_FINITE = {Op.EQUALS, Op.IN, Op.IS_EMPTY}
_EXCLUDING = {Op.NOT_EQUALS, Op.NOT_IN}
_MOST_CASES = 300


def never_matches_after(earlier: Sequence[Criteria], entry: Criteria) -> tuple[int, ...] | None:
    """Positions of the earlier entries that together take every record the entry would match.

    () when the entry contradicts itself and matches nothing; None when it may match something.
    """
    before = [_positive(e.root) for e in earlier]
    whole = _positive(entry.root)
    for i, node in enumerate(before):
        if implies(whole, node):
            return (i,)
    takers: set[int] = set()
    for case in _cases(whole):
        if _contradicts_itself(case):
            continue
        taker = next((i for i, node in enumerate(before) if implies(case, node)), None)
        if taker is None:
            return None
        takers.add(taker)
    return tuple(sorted(takers))


def implies(first: Node, second: Node) -> bool:
    """Whether it is certain that every record matching `first` matches `second`.

    Both without `not` except before a single comparison (as `_positive` leaves them).
    """
    if first == second:
        return True
    match second:
        case All(parts):
            return all(implies(first, part) for part in parts)
        case AnyOf(parts) if any(implies(first, part) for part in parts):
            return True
    match first:
        case AnyOf(parts):
            return all(implies(part, second) for part in parts)
        case All(parts):
            return any(implies(part, second) for part in parts) or _values_imply(first, second)
        case Not(Leaf() as negated):
            return isinstance(second, Not) and implies(second.part, negated)
        case Leaf():
            return _values_imply(first, second) or (isinstance(second, Leaf) and _leaf_implies(first, second))
    return False


def _positive(node: Node, *, negated: bool = False) -> Node:
    """The same criteria with `not` pushed inwards to comparisons that have no opposite."""
    match node:
        case Not(part):
            return _positive(part, negated=not negated)
        case All(parts) | AnyOf(parts):
            inner = tuple(_positive(p, negated=negated) for p in parts)
            return All(inner) if isinstance(node, All) is not negated else AnyOf(inner)
        case Leaf(field, op, value, kind) if negated:
            return Leaf(field, _OPPOSITE[op], value, kind) if op in _OPPOSITE else Not(node)
    return node


def _cases(node: Node) -> Iterable[Node]:
    """Criteria of which at least one matches whenever the node does: an `any`, or an `in`, taken apart."""
    match node:
        case AnyOf(parts):
            cases = [case for part in parts for case in _cases(part)]
        case All(parts):
            for i, part in enumerate(parts):
                split = list(_cases(part))
                if len(split) != 1:
                    rest = parts[:i] + parts[i + 1 :]
                    cases = [All((case, *rest)) for case in split]
                    break
            else:
                return [node]
        case Leaf(field, Op.IN, tuple() as values, kind):
            cases = [Leaf(field, Op.EQUALS, value, kind) for value in values]
        case _:
            return [node]
    return cases if len(cases) <= _MOST_CASES else [node]


def _conjuncts(node: Node) -> tuple[Node, ...]:
    if isinstance(node, All):
        return tuple(leaf for part in node.parts for leaf in _conjuncts(part))
    return (node,)


def _finite_values(leaf: Leaf) -> tuple[Any, ...]:
    """What the field can hold, in comparable form, when the leaf matches; None stands for empty."""
    return (None,) if leaf.op is Op.IS_EMPTY else operands(leaf)


def _by_value(conjuncts: Sequence[Node], field: str) -> set[Any] | None:
    """The values the field can have when all conjuncts match; None when they are not a short list."""
    about = [c for c in conjuncts if {leaf.field for leaf in leaves(c)} == {field}]
    lists = [c for c in about if isinstance(c, Leaf) and c.op in _FINITE and not _is_rough(c)]
    if not lists:
        return None
    tests = [compile_node(c) for c in about]
    return {value for value in _finite_values(lists[0]) if all(test({field: value}) for test in tests)}


def _is_rough(leaf: Leaf) -> bool:
    """Whether a value stands for many: a day of moments."""
    return compares_by_day(leaf) and leaf.op is not Op.IS_EMPTY


def _values_imply(first: Node, second: Node) -> bool:
    """`first` leaves its field a few values only, and `second` is about that field and true of each."""
    about = {leaf.field for leaf in leaves(second)}
    if len(about) != 1:
        return False
    (field,) = about
    values = _by_value(_conjuncts(first), field)
    if values is None:
        return False
    test = compile_node(second)
    return all(test({field: value}) for value in values)


def _contradicts_itself(node: Node) -> bool:
    conjuncts = _conjuncts(node)
    fields = {leaf.field for c in conjuncts for leaf in leaves(c)}
    return any(_by_value(conjuncts, field) == set() for field in fields)


def _leaf_implies(first: Leaf, second: Leaf) -> bool:
    """Two comparisons of one field, the first not a list of values."""
    if first.field != second.field or first.type is not second.type:
        return False
    if first.op not in {Op.IS_EMPTY, *_EXCLUDING} and second.op is Op.IS_NOT_EMPTY:
        return True
    # To have "gold" says nothing of having "golden": what holds several values is compared by whole ones.
    if first.type is FieldType.CHOICES or compares_by_day(first) != compares_by_day(second):
        return False
    if second.op in _EXCLUDING:
        return _excludes(first, set(operands(second)))
    a, b = operands(first), operands(second)
    if {first.op, second.op} <= {Op.EQUALS, Op.IN}:
        return set(a) <= set(b)
    if not a or not b or len(b) > 1 or len(a) > 1:
        return False
    return _one_implies(first.op, a[0], second.op, b[0])


def _excludes(first: Leaf, values: set[Any]) -> bool:
    """Whether a record that matches `first` never holds one of the values."""
    if first.op in _EXCLUDING:
        return values <= set(operands(first))
    if first.op is Op.IS_EMPTY:
        return True
    if first.op is Op.IS_NOT_EMPTY or compares_by_day(first):
        return False
    test = compile_node(first)
    return not any(test({first.field: value}) for value in values)


def _one_implies(op: Op, a: Any, other: Op, b: Any) -> bool:
    match op, other:
        case (Op.CONTAINS, Op.CONTAINS) | (Op.STARTS_WITH, Op.CONTAINS):
            return b in a
        case Op.STARTS_WITH, Op.STARTS_WITH:
            return bool(a.startswith(b))
        case (Op.GT, Op.GT) | (Op.GTE, Op.GTE) | (Op.GT, Op.GTE):
            return bool(a >= b)
        case Op.GTE, Op.GT:
            return bool(a > b)
        case (Op.LT, Op.LT) | (Op.LTE, Op.LTE) | (Op.LT, Op.LTE):
            return bool(a <= b)
        case Op.LTE, Op.LT:
            return bool(a < b)
    return False
