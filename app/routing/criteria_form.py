"""Criteria as rows of a form, for the editor that needs no JSON, and back.

A form holds one list of conditions joined by "all" or "any".  Criteria nested deeper have no such form:
the editor shows them as a sentence and leaves them alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.kernel.countries import country_name
from app.routing.criteria import (
    LISTS,
    WITHOUT_VALUE,
    All,
    AnyOf,
    Criteria,
    FieldType,
    Leaf,
    Node,
    parse,
)

Join = Literal["all", "any"]


@dataclass(frozen=True, slots=True)
class Row:
    """One condition as typed.  value: "" where the operator takes none; lists as "Spain, France"."""

    field: str
    op: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class CriteriaForm:
    """rows: none matches everything."""

    join: Join
    rows: tuple[Row, ...]


def to_form(criteria: Criteria, *, language: str = "en") -> CriteriaForm | None:
    """The rows that say the same, or None when the criteria are nested too deep for rows."""
    match criteria.root:
        case Leaf() as leaf:
            return CriteriaForm("all", (_row(leaf, language),))
        case All(parts):
            return _flat("all", parts, language)
        case AnyOf(parts):
            return _flat("any", parts, language)
    return None


def from_form(join: str, rows: Sequence[Row], fields: Mapping[str, FieldType]) -> Criteria:
    """The criteria that the rows say; rows without a field are left out, no rows match everything.

    Raises Invalid as `parse` does; the paths are those of the filled rows, "criteria.all[0].value".
    """
    kind = "any" if join == "any" else "all"
    conditions = [_condition(row, fields.get(row.field)) for row in rows if row.field]
    return parse({kind: conditions} if conditions else None, fields)


def _flat(join: Join, parts: tuple[Node, ...], language: str) -> CriteriaForm | None:
    rows = [_row(part, language) for part in parts if isinstance(part, Leaf)]
    return CriteriaForm(join, tuple(rows)) if len(rows) == len(parts) else None


def _row(leaf: Leaf, language: str) -> Row:
    as_json: dict[str, Any] = Criteria(leaf).to_json()
    value = as_json.get("value", "")
    values = value if isinstance(value, list) else [value]
    if leaf.type is FieldType.COUNTRY:
        values = [country_name(v, language) if v else v for v in values]
    texts = [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    return Row(leaf.field, leaf.op.value, join_values(texts) if isinstance(value, list) else texts[0])


def _condition(row: Row, field_type: FieldType | None) -> dict[str, Any]:
    condition: dict[str, Any] = {"field": row.field, "op": row.op}
    if row.op in set(WITHOUT_VALUE):
        return condition
    if row.op in set(LISTS):
        return {**condition, "value": split_values(row.value)}
    return {**condition, "value": row.value.strip()}


def join_values(values: list[str]) -> str:
    """ "a, b, "c, d" " as one line; values with a comma, semicolon or quote are quoted."""
    return ", ".join(
        '"' + value.replace('"', '""') + '"' if set(value) & set(',;"\n') else value for value in values
    )


_VALUE = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*(?=[,;\n]|\Z)|([^,;\n]*))(?:[,;\n]|\Z)')


def split_values(text: str) -> list[str]:
    """Values between commas, semicolons or line ends; quotes keep those in."""
    values = (
        quoted.replace('""', '"') if quoted else plain.strip() for quoted, plain in _VALUE.findall(text)
    )
    return [value for value in values if value]
