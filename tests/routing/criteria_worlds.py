"""Random criteria and records over a small world, and an evaluator that shares no code with ours."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from app.routing.criteria import OPERATORS, FieldType, Op

FIELDS = {
    "company": FieldType.TEXT,
    "source": FieldType.CHOICE,
    "employees": FieldType.NUMBER,
    "revenue": FieldType.NUMBER,
    "met_on": FieldType.DATE,
    "arrived_at": FieldType.DATETIME,
    "country": FieldType.COUNTRY,
    "urgent": FieldType.BOOLEAN,
}

# Per type: what criteria write, and what records hold.
_WORDS = ["Acme", "acme", "ACM", "cm", "Beta", "b", "ß"]
_DAYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
_MOMENTS = ["2026-01-01T00:00:00Z", "2026-01-02T12:00:00Z", "2026-01-02T23:59:59Z"]
_WRITTEN: dict[FieldType, list[Any]] = {
    FieldType.TEXT: _WORDS,
    FieldType.CHOICE: _WORDS,
    FieldType.NUMBER: [0, 5, 5.5, "6", 10],
    FieldType.DATE: _DAYS,
    FieldType.DATETIME: _MOMENTS,
    FieldType.COUNTRY: ["ES", "Spain", "FR", "PT"],
    FieldType.BOOLEAN: [True, False],
}
_HELD: dict[FieldType, list[Any]] = {
    FieldType.TEXT: [None, "", "acme", "Acme Beta", "BETA", "b", "SS"],
    FieldType.CHOICE: [None, "acme", "Beta", "xacmx"],
    FieldType.NUMBER: [None, 0, 5, 6, 5.5, 10, 11],
    FieldType.DATE: [None, *map(date.fromisoformat, _DAYS)],
    FieldType.DATETIME: [None, *map(datetime.fromisoformat, _MOMENTS), datetime(2026, 1, 4, tzinfo=UTC)],
    FieldType.COUNTRY: [None, "ES", "FR", "DE"],
    FieldType.BOOLEAN: [None, True, False],
}


@st.composite
def _leaves(draw: st.DrawFn, fields: tuple[str, ...]) -> dict[str, Any]:
    field = draw(st.sampled_from(fields))
    kind = FIELDS[field]
    op = draw(st.sampled_from(OPERATORS[kind]))
    written = _WRITTEN[kind]
    if kind is FieldType.DATETIME and draw(st.booleans()):
        written = _DAYS
    if op in {Op.IS_EMPTY, Op.IS_NOT_EMPTY}:
        return {"field": field, "op": op.value}
    if op in {Op.IN, Op.NOT_IN}:
        value = draw(st.lists(st.sampled_from(written), min_size=1, max_size=3))
        return {"field": field, "op": op.value, "value": value}
    return {"field": field, "op": op.value, "value": draw(st.sampled_from(written))}


def criteria_json(fields: tuple[str, ...] = tuple(FIELDS), max_leaves: int = 8) -> st.SearchStrategy[Any]:
    return st.recursive(
        _leaves(fields),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=max_leaves,
    ).filter(lambda value: _depth(value) <= 10)


def records() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field: st.sampled_from(_HELD[kind]) for field, kind in FIELDS.items()})


def _depth(value: dict[str, Any]) -> int:
    if "not" in value:
        return 1 + _depth(value["not"])
    return 1 + max(map(_depth, value.get("all", value.get("any", []))), default=0)


def oracle(value: dict[str, Any], record: dict[str, Any]) -> bool:
    """What the contract says, word for word."""
    if "all" in value:
        return all(oracle(part, record) for part in value["all"])
    if "any" in value:
        return any(oracle(part, record) for part in value["any"])
    if "not" in value:
        return not oracle(value["not"], record)
    held, op = record[value["field"]], value["op"]
    kind = FIELDS[value["field"]]
    if held in (None, ""):
        return op in ("is_empty", "not_equals", "not_in")
    if op in ("is_empty", "is_not_empty"):
        return op == "is_not_empty"
    wanted = value["value"] if isinstance(value["value"], list) else [value["value"]]
    if kind in (FieldType.TEXT, FieldType.CHOICE):
        held, wanted = held.casefold(), [w.casefold() for w in wanted]
    elif kind is FieldType.NUMBER:
        held, wanted = float(held), [float(w) for w in wanted]
    elif kind is FieldType.DATE:
        held = held.isoformat()
    elif kind is FieldType.DATETIME:
        held = held.isoformat().replace("+00:00", "Z")[: len(wanted[0])]
    elif kind is FieldType.COUNTRY:
        wanted = ["ES" if w == "Spain" else w for w in wanted]
    return {
        "equals": held == wanted[0],
        "not_equals": held != wanted[0],
        "in": held in wanted,
        "not_in": held not in wanted,
        "contains": kind in (FieldType.TEXT, FieldType.CHOICE) and wanted[0] in held,
        "starts_with": kind in (FieldType.TEXT, FieldType.CHOICE) and held.startswith(wanted[0]),
        "gt": held > wanted[0],
        "gte": held >= wanted[0],
        "lt": held < wanted[0],
        "lte": held <= wanted[0],
    }[op]
