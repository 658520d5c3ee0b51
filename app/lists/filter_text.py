"""A combined filter as it stands in the address bar: `any(industry.equals:Retail,employees.gte:500)`.

    filter     = group | comparison
    group      = ("all" | "any" | "not") "(" filter { "," filter } ")"
    comparison = field "." operator [ ":" value { ";" value } ]

A value with one of `( ) , ; "` in it, or blanks at its ends, stands in double quotes, doubled inside.  It says the
same as the JSON of the contract's criteria, which is taken too.  Left to `routing.criteria.parse`: fields, operators
and what values mean.
"""

import json
import re
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.routing.criteria import DEEPEST, LISTS, WITHOUT_VALUE, Op

LONGEST = 4_000
_HEAD = re.compile(r"(all|any|not)\(")
_COMPARISON = re.compile(r"([A-Za-z0-9_]{1,80})\.([a-z_]{1,20})")
_BARE = re.compile(r'[^(),;"]*')
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_SPECIAL = re.compile(r'[(),;"]|\A\s|\s\Z|\A\Z')
_LISTS, _WITHOUT = {op.value for op in LISTS}, {op.value for op in WITHOUT_VALUE}

Criteria = dict[str, Any]


def read_filter(text: str) -> Criteria | None:
    """The criteria that a filter says, as JSON; None for none.  Raises Invalid."""
    text = text.strip()
    if not text:
        return None
    if len(text) > LONGEST:
        raise Invalid({"filter": [_l("This filter is too long.")]})
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _unreadable(0) from error
        return value if isinstance(value, dict) else None
    reader = _Reader(text)
    found = reader.filter(1)
    if reader.at < len(text):
        raise _unreadable(reader.at)
    return found


def write_filter(criteria: Any) -> str:
    """Criteria of the contract's shape as text; "" for what matches everything."""
    if not criteria or criteria == {"all": []}:
        return ""
    return _write(criteria)


def parts_of(criteria: Criteria | None) -> list[Criteria]:
    """What must all hold: the parts of an `all`, else the whole as one."""
    if not criteria:
        return []
    return list(criteria["all"]) if set(criteria) == {"all"} else [criteria]


def _write(node: Criteria) -> str:
    for key in ("all", "any"):
        if key in node:
            return f"{key}({','.join(_write(part) for part in node[key])})"
    if "not" in node:
        return f"not({_write(node['not'])})"
    start = f"{node['field']}.{node['op']}"
    if node["op"] in _WITHOUT:
        return start
    value = node.get("value")
    values = value if isinstance(value, list) else [value]
    return f"{start}:{';'.join(_write_value(each) for each in values)}"


def _write_value(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def _unreadable(at: int) -> Invalid:
    return Invalid(
        {"filter": [_l("This filter cannot be read from its character %(place)s on.", place=at + 1)]}
    )


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def filter(self, depth: int) -> Criteria:
        if depth > DEEPEST:
            raise Invalid({"filter": [_l("Conditions may be nested %(limit)s deep at most.", limit=DEEPEST)]})
        head = _HEAD.match(self.text, self.at)
        if head is None:
            return self.comparison()
        self.at = head.end()
        parts = []
        if not self.take(")"):
            parts.append(self.filter(depth + 1))
            while self.take(","):
                parts.append(self.filter(depth + 1))
            self.need(")")
        if head[1] != "not":
            return {head[1]: parts}
        if len(parts) != 1:
            raise _unreadable(self.at)
        return {"not": parts[0]}

    def comparison(self) -> Criteria:
        head = _COMPARISON.match(self.text, self.at)
        if head is None or head[2] not in set(Op):
            raise _unreadable(self.at)
        self.at = head.end()
        found: Criteria = {"field": head[1], "op": head[2]}
        if head[2] in _WITHOUT:
            return found
        self.need(":")
        values = [self.value()]
        while self.take(";"):
            values.append(self.value())
        if head[2] in _LISTS:
            return {**found, "value": values}
        if len(values) > 1:
            raise _unreadable(self.at)
        return {**found, "value": values[0]}

    def value(self) -> str:
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is not None:
            self.at = quoted.end()
            return quoted[1].replace('""', '"')
        bare = _BARE.match(self.text, self.at)
        assert bare is not None
        self.at = bare.end()
        return bare[0].strip()

    def take(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise _unreadable(self.at)
