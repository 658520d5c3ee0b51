"""The editor of a combined filter: rows of conditions and groups of them, for a form that needs no JavaScript.

A filter is a list of conditions joined by "all" or "any", with groups among them that are joined the other way or the
same.  What is nested deeper has no such form: the editor shows it as a sentence and keeps it as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.lists.catalogue import DATES, PEOPLE, RELATED, Kind, ListField, ListObject
from app.lists.filter_text import Criteria
from app.routing.criteria import LISTS, WITHOUT_VALUE, Op
from app.routing.criteria_form import join_values, split_values

MOST_ROWS = 30
MOST_GROUPS = 6
_LISTS, _WITHOUT = {op.value for op in LISTS}, {op.value for op in WITHOUT_VALUE}


@dataclass(frozen=True, slots=True)
class EditorRow:
    """One condition as it stands in the form.  group: 0 for the main list, else the number of its group."""

    field: str = ""
    op: str = ""
    value: str = ""
    group: int = 0


@dataclass(frozen=True, slots=True)
class Editor:
    """joins: of the main list, then of each group.  kept: parts too deep for the form."""

    joins: tuple[str, ...] = ("all",)
    rows: tuple[EditorRow, ...] = ()
    kept: tuple[Criteria, ...] = field(default_factory=tuple)

    def of_group(self, group: int) -> list[EditorRow]:
        return [row for row in self.rows if row.group == group]


def editor_of(criteria: Criteria | None) -> Editor:
    """The form that says the same."""
    if not criteria:
        return Editor(rows=(EditorRow(),))
    join, parts = _group(criteria) or ("all", [criteria])
    joins, rows, kept = [join], [], []
    for part in parts:
        if "field" in part:
            rows.append(_row(part, 0))
            continue
        inner = _group(part)
        if inner is not None and all("field" in each for each in inner[1]) and len(joins) <= MOST_GROUPS:
            joins.append(inner[0])
            rows.extend(_row(each, len(joins) - 1) for each in inner[1])
        elif join == "all":
            kept.append(part)
        else:
            return Editor(rows=(EditorRow(),), kept=(criteria,))
    return Editor(tuple(joins), tuple(rows), tuple(kept))


def criteria_of(editor: Editor) -> Criteria | None:
    """What the form says, as the contract's criteria; rows without a field are left out, None matches everything."""
    parts = [_condition(row) for row in editor.of_group(0) if row.field]
    for number in range(1, len(editor.joins)):
        inner = [_condition(row) for row in editor.of_group(number) if row.field]
        if inner:
            parts.append({editor.joins[number]: inner} if len(inner) > 1 else inner[0])
    found: Criteria | None = None
    if parts:
        found = {editor.joins[0]: parts} if len(parts) > 1 else parts[0]
    if not editor.kept:
        return found
    whole = [*([found] if found else []), *editor.kept]
    return {"all": whole} if len(whole) > 1 else whole[0]


def read_editor(form: Any) -> Editor:
    """The form as it was sent: parallel lists `field`, `op`, `value`, `group`, and `join` for each list.

    `add` names the group that gets another row, "group" a new one; `drop` the number of a row that goes.
    """
    joins = [join if join == "any" else "all" for join in form.getlist("join")][: MOST_GROUPS + 1] or ["all"]
    columns = [form.getlist(name)[:MOST_ROWS] for name in ("field", "op", "value", "group")]
    rows = [
        EditorRow(name[:80], op[:20], value[:1000], _number(group, len(joins)))
        for name, op, value, group in zip(*columns, strict=False)
    ]
    drop = form.get("drop", "")
    if drop.isdecimal() and int(drop) < len(rows):
        del rows[int(drop)]
    add = form.get("add", "")
    if add == "group" and len(joins) <= MOST_GROUPS:
        joins.append("any" if joins[0] == "all" else "all")
        rows.append(EditorRow(group=len(joins) - 1))
    elif add.isdecimal() and len(rows) < MOST_ROWS:
        rows.append(EditorRow(group=_number(add, len(joins))))
    return Editor(tuple(joins), tuple(rows))


def _number(text: str, below: int) -> int:
    return int(text) if text.isdecimal() and int(text) < below else 0


def _group(node: Criteria) -> tuple[str, list[Criteria]] | None:
    for join in ("all", "any"):
        if isinstance(node.get(join), list):
            return join, node[join]
    return None


def _row(leaf: Criteria, group: int) -> EditorRow:
    value = leaf.get("value", "")
    text = join_values([str(v) for v in value]) if isinstance(value, list) else _text(value)
    return EditorRow(leaf["field"], leaf["op"], text, group)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _condition(row: EditorRow) -> Criteria:
    found: Criteria = {"field": row.field, "op": row.op}
    if row.op in _WITHOUT:
        return found
    if row.op in _LISTS:
        return {**found, "value": split_values(row.value)}
    return {**found, "value": row.value.strip()}


# What the form offers


@dataclass(frozen=True, slots=True)
class Control:
    """How a row's value is given: `type` of its input ("select", "" for none), `options` of a select, a unit."""

    type: str
    options: Sequence[tuple[str, str]] = ()
    unit: str = ""
    hint: str = ""


def control_of(session: Session, actor: Actor, field: ListField | None, row: EditorRow) -> Control:
    """The input that fits the row's field and operator."""
    if field is None or row.op in _WITHOUT:
        return Control("")
    if row.op in _LISTS:
        return Control("text", hint=_("Several, between commas"))
    unit = str(field.unit)
    if field.choices is not None:
        return Control("select", field.choices(session, actor), unit)
    match field.kind:
        case Kind.YES_NO:
            return Control("select", [("true", _("yes")), ("false", _("no"))], unit)
        case Kind.NUMBER | Kind.MONEY:
            return Control("number", unit=unit)
        case Kind.DATE | Kind.MOMENT:
            return Control("text", hint=_("2026-01-31, today, or -30d for 30 days ago"))
        case Kind.REFERENCE:
            return Control("text", hint=_("The id in the address of its page"))
    return Control("text", unit=unit)


def operator_words(field: ListField | None) -> list[tuple[str, str]]:
    """(operator, what it is called) of those that fit the field, in the order offered."""
    if field is None:
        return []
    is_time = field.kind in (Kind.DATE, Kind.MOMENT)
    words = {
        Op.EQUALS: _("is"),
        Op.NOT_EQUALS: _("is not"),
        Op.IN: _("is one of"),
        Op.NOT_IN: _("is none of"),
        Op.CONTAINS: _("contains"),
        Op.STARTS_WITH: _("starts with"),
        Op.GT: _("after") if is_time else _("over"),
        Op.GTE: _("on or after") if is_time else _("at least"),
        Op.LT: _("before") if is_time else _("under"),
        Op.LTE: _("on or before") if is_time else _("at most"),
        Op.IS_EMPTY: _("is empty"),
        Op.IS_NOT_EMPTY: _("is filled in"),
    }
    return [(op.value, words[op]) for op in field.operators]


def field_groups(
    object_: ListObject, fields: Mapping[str, ListField]
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The fields that can be filtered by, under their headings: those of the record's page first, in its order."""
    first = [str(heading) for heading in object_.headings]
    last = [str(heading) for heading in (DATES, PEOPLE, RELATED)]
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, each in fields.items():
        if each.is_filter:
            groups.setdefault(str(each.heading), []).append((name, str(each.label)))
    others = [heading for heading in groups if heading not in (*first, *last)]
    return [(heading, groups[heading]) for heading in (*first, *others, *last) if heading in groups]
