"""What a list is asked for: filters by name, a combined filter, an order; parsed into conditions.

Filters of one name stand in the address as `industry=Retail&owner=me`, several values of one any of which will
do; `filter=` holds what is combined (`filter_text`).  All of them must hold.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import False_

from app.fields.kinds import is_custom
from app.kernel import clock
from app.kernel.actor import Actor, Level
from app.kernel.errors import Invalid
from app.kernel.parse import parse_iso_moment
from app.kernel.text import clean_text
from app.lists.catalogue import Condition, Kind, ListField, ListObject, fields_of, sorts_of
from app.lists.conditions import condition_of, condition_of_node
from app.lists.filter_text import parts_of, read_filter, write_filter
from app.routing.criteria import AnyOf, Leaf, Node, Op, leaves, parse
from app.sharing.walking import all_of_first

LONGEST_VALUE = 1000
# Days that move on with the calendar: "today", "-30d" thirty days ago, "+7d" in a week.
_RELATIVE = re.compile(r"today|([+-])(\d{1,4})d\Z")
Given = Mapping[str, Sequence[str]]
# Ends of what is ordered have filters of their own: `score_from=50`, `created_at_to=2026-03-01`.
_ENDS = {"from": Op.GTE, "to": Op.LTE}
_WITH_ENDS = (Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.MOMENT)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that must hold.  name, values: of a filter by name; criteria: of a part of the combined one.

    node: what it compares, for saying it in words; None for a filter that is no field's.
    """

    condition: Condition
    node: Node | None
    name: str = ""
    values: tuple[str, ...] = ()
    criteria: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed request for a list.

    fields: those that the person's lists of the object have.  moving: days that were written as "-30d", by what
    they are today.  lost: fields and filters that are not known any more and were left out.
    level: how much must be given of a record for it to be listed; causes: for which reasons alone, None for any.
    only_first: whether of what a text finds those found first are enough, as for a page that somebody looks at.
    """

    object: ListObject
    fields: Mapping[str, ListField]
    parts: tuple[Part, ...]
    sort: str
    descending: bool
    moving: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    level: Level = Level.READ
    causes: frozenset[str] | None = None
    only_first: bool = False

    @property
    def conditions(self) -> tuple[Condition, ...]:
        # What holds for nothing is said of the key: the scope beside a plain "false" would be left out as well.
        nothing = self.object.model.id.is_(None)
        found = tuple(nothing if isinstance(each, False_) else each for each in self._said())
        if self.sort in self.object.sorts or (self.sorts_empty and self.empty is None):
            return found
        # As the index of such a field says it; the column of an added field holds something in every record.
        return (*found, self.sort_column.is_not(None))

    def _said(self) -> Iterator[Condition]:
        for part in self.parts:
            whole = None if self.only_first else all_of_first(self.object.model, part.condition)
            yield part.condition if whole is None else whole

    @property
    def finds_more(self) -> bool:
        """Whether a text finds more than what it finds first."""
        return any(all_of_first(self.object.model, part.condition) is not None for part in self.parts)

    @property
    def is_cut_short(self) -> bool:
        """Whether a text finds more than the list has."""
        return self.only_first and self.finds_more

    @property
    def is_void(self) -> bool:
        """Whether it is known that there is none: what was searched for has been looked up and not been found."""
        return any(isinstance(part.condition, False_) for part in self.parts)

    @property
    def sorts_empty(self) -> bool:
        """Whether records stand at the end that have nothing to sort by."""
        return any(each.sorts_empty for each in self.fields.values() if each.sort == self.sort)

    @property
    def empty(self) -> str | None:
        """What the column sorted by holds of these: nothing, or "" in the columns of added fields."""
        return "" if is_custom(self.sort) else None

    def where(self, *conditions: Condition) -> "ListQuery":
        """The same list, narrowed by what no address can ask for."""
        return replace(self, parts=(*self.parts, *(Part(each, None) for each in conditions)))

    @property
    def is_lasting(self) -> bool:
        """Whether everything follows from what was given, so that equal queries ask for the same."""
        known = self.object.lasting
        is_plain = self.sort in self.object.sorts and not self.moving
        return is_plain and all(_named_by(part.name) in known for part in self.parts)

    @property
    def sort_column(self) -> Any:
        return sorts_of(self.object, self.fields)[self.sort]

    @property
    def is_narrowed(self) -> bool:
        """Whether somebody asked for less than what lists show by themselves."""
        return any(part.name or part.criteria is not None for part in self.parts)

    @property
    def given(self) -> dict[str, list[str]]:
        """The parameters of the address that say the same filters."""
        found = {part.name: list(part.values) for part in self.parts if part.name}
        text = write_filter(self.criteria)
        return {**found, "filter": [text]} if text else found

    @property
    def criteria(self) -> dict[str, Any] | None:
        """The combined filter, None where there is none."""
        parts = [dict(part.criteria) for part in self.parts if part.criteria is not None]
        return {"all": parts} if len(parts) > 1 else (parts[0] if parts else None)

    @property
    def sort_key(self) -> str:
        """As it stands in the address: "-created_at"."""
        return f"-{self.sort}" if self.descending else self.sort

    @property
    def shape(self) -> list[Any]:
        """What a cursor fits."""
        return [self.object.name, self.sort_key, sorted(self.given.items())]


def parse_list(
    session: Session,
    actor: Actor,
    object_: ListObject,
    given: Given,
    *,
    sort: str = "",
    lenient: bool = False,
    with_left_out: bool = False,
) -> ListQuery:
    """A list as its address asks for it.

    given: name → values; empty values count as absent.  lenient: leave out what is not known (any more) and name
    it in `lost`, for views that were saved long ago.  with_left_out: also the records that lists leave out.
    Raises Invalid naming the filters or sort keys that are known, and for values that do not fit their field.
    """
    fields = fields_of(session, actor, object_.name)
    wanted = {name: [v for v in values if v.strip()] for name, values in given.items()}
    text = " ".join(wanted.pop("filter", []))
    wanted = {name: values for name, values in wanted.items() if values}
    known = filters_of(actor, object_, fields)
    lost = [name for name in wanted if name not in known]
    if lost and not lenient:
        names = ", ".join(sorted(known))
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=names)] for name in lost}
        )
    for name, values in wanted.items():
        for value in values:
            clean_text(value, max_length=LONGEST_VALUE, field=name)
    key, descending = _order(actor, object_, fields, sort, lost if lenient else None)
    moving: dict[str, str] = {}
    parts = [
        _simple(session, actor, object_, fields, name, values, moving)
        for name, values in wanted.items()
        if name not in lost
    ]
    combined, gone = _known_parts(read_filter(text), fields, lenient=lenient)
    lost += gone
    parts += [_combined(session, actor, fields, each, moving) for each in combined]
    level, causes = _sight(actor, object_, parts, key)
    if object_.left_out is not None and not with_left_out and not _asks_for_left_out(wanted, parts):
        parts.append(Part(object_.left_out.is_(None), None))
    gone_once = tuple(dict.fromkeys(lost))
    return ListQuery(object_, fields, tuple(parts), key, descending, moving, gone_once, level, causes)


def _sight(
    actor: Actor, object_: ListObject, parts: Sequence[Part], sort: str
) -> tuple[Level, frozenset[str] | None]:
    """How much must be given of what is listed, and for which reasons alone."""
    if object_.sight is None:
        return object_.level, None
    told = chain.from_iterable(leaves(part.node) for part in parts if part.node is not None)
    names = {leaf.field for leaf in told} | {_named_by(part.name) for part in parts if part.name}
    by_name = {part.name: part.values for part in parts if part.name}
    return object_.sight.level(actor, names, sort), object_.sight.causes(by_name)


def filters_of(actor: Actor, object_: ListObject, fields: Mapping[str, ListField]) -> set[str]:
    """The names of the filters by name that the person's lists of the object have."""
    sight = object_.sight
    simple = {name for name in object_.simple if sight is None or sight.knows(actor, name)}
    return simple | {name for name, each in fields.items() if each.is_filter} | set(ends_of(fields))


def ends_of(fields: Mapping[str, ListField]) -> list[str]:
    """The names of the filters by the ends of what is ordered."""
    ordered = [name for name, each in fields.items() if each.is_filter and each.kind in _WITH_ENDS]
    return [f"{name}_{end}" for name in ordered for end, op in _ENDS.items() if op in fields[name].operators]


def _named_by(name: str) -> str:
    """The field that a filter by name tells of."""
    base, _rest, end = name.rpartition("_")
    return base if base and end in _ENDS else name


def _asks_for_left_out(wanted: Given, parts: Sequence[Part]) -> bool:
    """Whether it is said which records are wanted, marked or not; who searches wants all."""
    if "left_out" in wanted or "q" in wanted:
        return True
    named = {leaf.field for part in parts if part.node is not None for leaf in leaves(part.node)}
    return "left_out" in named


def _order(
    actor: Actor, object_: ListObject, fields: Mapping[str, ListField], sort: str, lost: list[str] | None
) -> tuple[str, bool]:
    sort, sight = sort or object_.sort, object_.sight
    sorts = [key for key in sorts_of(object_, fields) if sight is None or sight.knows(actor, key)]
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    if key in sorts:
        return key, descending
    if lost is None:
        names = ", ".join(sorts)
        raise Invalid({"sort": [_l("This cannot be sorted by. Known: %(known)s.", known=names)]})
    lost.append(key)
    return object_.sort.removeprefix("-"), object_.sort.startswith("-")


def _simple(
    session: Session,
    actor: Actor,
    object_: ListObject,
    fields: Mapping[str, ListField],
    name: str,
    values: Sequence[str],
    moving: dict[str, str],
) -> Part:
    """A filter by name.  What it compares is told in words where its values are of the field's kind."""
    known, make = fields.get(name), object_.simple.get(name)
    node: Node | None = None
    if known is None and make is None:
        return _end(session, actor, fields, name, values)
    if known is not None and known.is_filter:
        op = known.operators[0] if Op.EQUALS not in known.operators else Op.EQUALS
        several = len(values) > 1 and Op.IN in known.operators
        criteria = {
            "field": name,
            "op": (Op.IN if several else op).value,
            "value": list(values) if several else values[-1],
        }
        try:
            node = _parse(criteria, fields, moving, actor.time_zone)
        except Invalid as error:
            if make is None:
                raise _under(name, error) from error
    if make is not None:
        return Part(make(session, actor, values), node, name, tuple(values))
    assert isinstance(node, Leaf)
    condition = condition_of(session, actor, fields[name], node.op, node.value)
    return Part(condition, node, name, tuple(values))


def _end(
    session: Session, actor: Actor, fields: Mapping[str, ListField], name: str, values: Sequence[str]
) -> Part:
    """One end of what is ordered; a moment as the contract writes it, where a day is its beginning."""
    base, _rest, end = name.rpartition("_")
    field, op = fields[base], _ENDS[end]
    ends: list[Node] = []
    for value in values:
        if field.kind is Kind.MOMENT:
            moment = parse_iso_moment(value)
            if moment is None:
                raise Invalid({name: [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
            ends.append(Leaf(base, op, moment, field.type))
            continue
        try:
            ends.append(_parse({"field": base, "op": op.value, "value": value}, fields, {}, actor.time_zone))
        except Invalid as error:
            raise _under(name, error) from error
    node = ends[0] if len(ends) == 1 else AnyOf(tuple(ends))
    return Part(condition_of_node(session, actor, fields, node), node, name, tuple(values))


def _under(name: str, error: Invalid) -> Invalid:
    """The same complaints, of the filter of that name."""
    return Invalid({name: list(dict.fromkeys(m for messages in error.errors.values() for m in messages))})


def _combined(
    session: Session,
    actor: Actor,
    fields: Mapping[str, ListField],
    criteria: Mapping[str, Any],
    moving: dict[str, str],
) -> Part:
    node = _parse(criteria, fields, moving, actor.time_zone)
    return Part(condition_of_node(session, actor, fields, node), node, criteria=criteria)


def _parse(
    criteria: Mapping[str, Any], fields: Mapping[str, ListField], moving: dict[str, str], zone: str
) -> Node:
    """The criteria checked against the fields and what each can be compared by.  Raises Invalid."""
    types = {name: each.type for name, each in fields.items() if each.is_filter}
    dated = {name for name, each in fields.items() if each.kind in (Kind.DATE, Kind.MOMENT)}
    node = parse(_with_days(dict(criteria), dated, moving, zone), types, path="filter").root
    for leaf in leaves(node):
        if leaf.op not in fields[leaf.field].operators:
            message = _l("%(field)s cannot be compared like that.", field=fields[leaf.field].label)
            raise Invalid({"filter": [message]})
    return node


def _with_days(node: Any, dated: set[str], moving: dict[str, str], zone: str) -> Any:
    """The same with moving days as what they are today."""
    if not isinstance(node, dict):
        return node
    for key in ("all", "any"):
        if isinstance(node.get(key), list):
            return {key: [_with_days(part, dated, moving, zone) for part in node[key]]}
    if "not" in node:
        return {"not": _with_days(node["not"], dated, moving, zone)}
    value = node.get("value")
    if node.get("field") not in dated or not isinstance(value, str) or not _RELATIVE.match(value):
        return node
    day = moved_day(value, clock.now(), zone or "UTC").isoformat()
    moving[day] = value
    return {**node, "value": day}


def moved_day(value: str, now: datetime, zone: str) -> date:
    """The day that "today", "-30d" or "+7d" means now, where the person works."""
    found = _RELATIVE.match(value)
    assert found is not None
    today = now.astimezone(ZoneInfo(zone)).date()
    days = int(found[2]) if found[2] else 0
    return today - timedelta(days=days) if found[1] == "-" else today + timedelta(days=days)


def _known_parts(
    criteria: dict[str, Any] | None, fields: Mapping[str, ListField], *, lenient: bool
) -> tuple[list[dict[str, Any]], list[str]]:
    """What must hold together, and the fields that are gone; without these where that is asked for."""
    if not lenient or criteria is None:
        return parts_of(criteria), []
    lost: list[str] = []
    kept = _pruned(criteria, fields, lost)
    return parts_of(kept), lost


def _pruned(node: Any, fields: Mapping[str, ListField], lost: list[str]) -> Any:
    if not isinstance(node, dict):
        return node
    for key in ("all", "any"):
        if isinstance(node.get(key), list):
            parts = [_pruned(part, fields, lost) for part in node[key]]
            kept = [part for part in parts if part is not None]
            return {key: kept} if kept or not parts else None
    if "not" in node:
        inner = _pruned(node["not"], fields, lost)
        return None if inner is None else {"not": inner}
    name = node.get("field")
    if isinstance(name, str) and (name not in fields or not fields[name].is_filter):
        lost.append(name)
        return None
    return node
