"""`scope`: the condition that every statement on a shared table carries, and the guard that insists.

A condition made by `scope` is a `Scoped` node in the statement's tree.  Before a statement is
executed the guard looks for the shared tables it touches and for their `Scoped` nodes, and refuses
it where one is missing.  It also refuses a statement that selects a column of a lead that tells what is
hidden from whom it is scoped for; whole leads pass, which operations act on.  Rows are looked up with the conditions OR-ed; lists are merged branch by
branch (`sharing.merge`), since an OR over a sorted list defeats every index.
"""

import re
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from sqlalchemy import ColumnElement, false, or_, true
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql.elements import ColumnClause, TextClause
from sqlalchemy.sql.operators import json_getitem_op

from app.cases.models import Case
from app.kernel.actor import Actor, Level
from app.kernel.db import Base
from app.leads.models import Lead
from app.leads.seen import columns_of
from app.opportunities.models import Opportunity
from app.sharing.rule import Rule
from app.sharing.rules import (
    SHARED_TABLES,
    deleted_case_rules,
    deleted_lead_rules,
    deleted_opportunity_rules,
    rules_for,
    rules_of_deleted,
    rules_of_merged,
)
from app.sharing.scoped import Scoped

__all__ = [
    "Rule",
    "Scoped",
    "UnscopedStatement",
    "branches",
    "refuse_unscoped",
    "scope",
    "scope_of_deleted",
    "scope_of_deleted_cases",
    "scope_of_deleted_leads",
    "scope_of_deleted_opportunities",
    "scope_of_merged",
]


class UnscopedStatement(RuntimeError):
    """A statement on a shared table without its scope: a bug, never shown to people as anything else."""


class HiddenFieldSelected(RuntimeError):
    """A statement for somebody that selects a field which is hidden from them: a bug, as above."""


def branches(model: type[Base], actor: Actor, level: Level = Level.PREVIEW) -> Sequence[Rule]:
    """The labelled conditions that give the actor the model's records, at that level at least."""
    return [rule for rule in rules_for(model, actor) if rule.can_give(level)]


def scoped(model: type[Base], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Mark a condition made from `branches` as the scope of its table."""
    return Scoped(condition, model.__tablename__)


def scope(model: type[Base], actor: Actor, level: Level = Level.PREVIEW) -> ColumnElement[bool]:
    """The condition under which the actor has at least that level of a record of the model."""
    if actor.is_system:
        return Scoped(true(), model.__tablename__)
    rules = [rule for rule in branches(model, actor, level) if rule.covered is None or rule.covered < level]
    # Whoever has every live record is given nothing more by another rule, which would but keep indexes from being used.
    whole = [rule for rule in rules if rule.is_whole and rule.unless is None]
    given = [rule.at_least(level) for rule in whole[:1] or rules]
    hidden: frozenset[str] = columns_of(actor.hidden_fields) if model is Lead else frozenset()
    return Scoped(or_(false(), *given), model.__tablename__, hidden)


def scope_of_deleted_cases(actor: Actor, level: Level) -> ColumnElement[bool]:
    """The condition under which a deleted case would give the actor at least that level, were it brought back."""
    rules = [rule for rule in deleted_case_rules(actor) if rule.can_give(level)]
    return Scoped(or_(false(), *(rule.at_least(level) for rule in rules)), Case.__tablename__)


def scope_of_deleted_opportunities(actor: Actor, level: Level) -> ColumnElement[bool]:
    """The condition under which a deleted opportunity would give the actor at least that level."""
    rules = [rule for rule in deleted_opportunity_rules(actor) if rule.can_give(level)]
    return Scoped(or_(false(), *(rule.at_least(level) for rule in rules)), Opportunity.__tablename__)


def scope_of_deleted_leads(actor: Actor, level: Level) -> ColumnElement[bool]:
    """The condition under which a deleted lead would give the actor at least that level, were it brought back."""
    rules = [rule for rule in deleted_lead_rules(actor) if rule.can_give(level)]
    return Scoped(or_(false(), *(rule.at_least(level) for rule in rules)), Lead.__tablename__)


def scope_of_deleted(model: type[Base], actor: Actor, level: Level) -> ColumnElement[bool]:
    """The condition under which a deleted account, or contact, would give the actor that level, were it brought back."""
    rules = [rule for rule in rules_of_deleted(model, actor) if rule.can_give(level)]
    return Scoped(or_(false(), *(rule.at_least(level) for rule in rules)), model.__tablename__)


def scope_of_merged(model: type[Base], actor: Actor, level: Level = Level.READ) -> ColumnElement[bool]:
    """The condition under which an account, or a contact, that became part of another would give the actor that level."""
    rules = [rule for rule in rules_of_merged(model, actor) if rule.can_give(level)]
    return Scoped(or_(false(), *(rule.at_least(level) for rule in rules)), model.__tablename__)


# The table "case" is never written without quotes: the bare word begins an expression.
_SHARED_WORD = re.compile(
    r"\b(" + "|".join(sorted(SHARED_TABLES - {"case"})) + r')\b|["`\[]case["`\]]', re.IGNORECASE
)
_QUOTED = re.compile(r"'[^']*'")


# Statements are never changed once built, so that one kept by its module is looked through once.
_PASSED: WeakSet[Any] = WeakSet()


def refuse_unscoped(state: ORMExecuteState) -> None:
    """Listener of `do_orm_execute`.  Raises UnscopedStatement, HiddenFieldSelected.

    Reloading columns of an object that is already in the session passes: it was scoped when it came.
    """
    if state.is_column_load:
        return
    statement = state.statement
    if isinstance(statement, TextClause):
        _refuse_words(statement.text)
        return
    if statement in _PASSED:
        return
    # An insert shows nothing of the table that it writes to, but may take its rows from what it reads.
    pending: list[Any] = _read_by(statement) if state.is_insert else [statement]
    touched: set[str] = set()
    marked: set[str] = set()
    hidden: set[str] = set()
    selected: list[Any] = []
    while pending:
        element = pending.pop()
        kind = element.__visit_name__
        if kind == "scoped":
            marked.add(element.table_name)
            hidden |= element.hidden
            continue  # what a rule itself looks up is the rule's own matter
        if kind == "table":
            touched.add(element.name)
        elif kind == "textclause":
            _refuse_words(_QUOTED.sub("", element.text))
        elif kind == "column" and isinstance(element, ColumnClause):
            if element.is_literal:
                _refuse_words(_QUOTED.sub("", element.name))
            table: Any = element.table
            if table is not None and table.__visit_name__ == "table":
                touched.add(table.name)
        else:
            if kind == "select":
                selected.extend(element._raw_columns)  # noqa: SLF001 - entities apart from columns
            pending.extend(element.get_children())
    missing = (touched & SHARED_TABLES) - marked
    if missing:
        raise UnscopedStatement(f"no scope for {', '.join(sorted(missing))}")
    if hidden:
        _refuse_hidden(selected, hidden)
    _PASSED.add(statement)


def _refuse_words(text: str) -> None:
    """That no shared table is named in what is written as text.  Raises UnscopedStatement."""
    found = _SHARED_WORD.search(text)
    if found:
        raise UnscopedStatement(f"textual statement on {found.group(0)}")


def _read_by(statement: Any) -> list[Any]:
    """What an insert reads: the statement that its rows come from, those within its values."""
    values = (statement._values or {}).values()  # noqa: SLF001 - SQLAlchemy tells them in no other way
    found = [value for value in values if value.__visit_name__ != "bindparam"]
    return [*found, statement.select] if statement.select is not None else found


def _refuse_hidden(selected: list[Any], hidden: set[str]) -> None:
    """That none of what is selected is one of these columns of a lead, or made of one.  Raises HiddenFieldSelected."""
    pending = list(selected)
    while pending:
        element = pending.pop()
        kind = element.__visit_name__
        if kind in ("table", "alias", "select", "scoped"):
            continue  # a whole entity, or a statement of its own, whose columns are asked about as well
        if kind == "binary" and _is_added_field(element):
            # Told of by itself, not by the column in which all of them stand.
            if getattr(element.right, "value", "custom") in hidden:
                raise HiddenFieldSelected(f"{element.right} of a lead is hidden from whom this is read for")
            continue
        if kind == "column" and element.key in hidden:
            table: Any = element.table
            if getattr(getattr(table, "element", table), "name", "") == Lead.__tablename__:
                raise HiddenFieldSelected(f"lead.{element.key} is hidden from whom this is read for")
        pending.extend(element.get_children())


def _is_added_field(element: Any) -> bool:
    """Whether it is `lead.custom["…"]`, one of the fields that administrators added."""
    return element.operator is json_getitem_op and getattr(element.left, "key", None) == "custom"
