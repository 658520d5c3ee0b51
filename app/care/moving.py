"""Moving everything that refers to one record over to another, whichever table it is in.

Foreign keys are found in the tables themselves, so that a new table's rows move without a word here; what
must not simply move is named in `OTHERWISE`.  Records named by kind and key are listed in `BY_KIND`; a test
compares that list with the tables.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint, and_, delete, select, update
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.db import Base
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope

# A record's rows move whoever may see each of them: they stay with what they belong to.
_MOVING = Actor.system("merging")
_QUIETLY = {"synchronize_session": False}
# Handled by `merging` with care of its own: trees without circles, partners, what tells of the merge itself.
OTHERWISE = frozenset(
    {
        ("account", "parent_id"),
        ("contact", "reports_to_id"),
        ("account", "merged_into_id"),
        ("contact", "merged_into_id"),
        ("partner_account", "account_id"),
    }
)
# (table, kind, key) → whether the rows go along.  What stays tells of what happened to the record that is no more;
# entries, checks and pairs are about it alone; grants and shares are moved by `sharing.shares`.
BY_KIND = {
    ("record_tag", "kind", "record_id"): True,
    ("recent_record", "kind", "record_id"): True,
    ("notification", "record_kind", "record_id"): True,
    ("event", "record_kind", "record_id"): False,
    ("search_entry", "kind", "record_id"): False,
    ("duplicate_check", "kind", "record_id"): False,
    ("sharing_grant", "object", "record_id"): False,
    ("manual_share", "object", "record_id"): False,
    ("conversion_grant", "object", "record_id"): False,
    ("list_job_change", "kind", "record_id"): False,
}


def references(kind: str) -> list[Column[Any]]:
    """The columns of all tables that name an account, or a contact, and move by themselves."""
    return [
        column
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.target_fullname == f"{kind}.id" for key in column.foreign_keys)
        and (table.name, column.name) not in OTHERWISE
    ]


def move_references(session: Session, kind: str, losers: Sequence[int], survivor: int) -> dict[str, int]:
    """Let what names one of the losers name the survivor; table → rows moved.  Does not commit.

    A row that the survivor has already (the same responsible, the same interest) goes away, and one that would
    name the survivor twice (a relationship between the two).
    """
    session.flush()
    moved: Counter[str] = Counter()
    columns = references(kind)
    for table in {column.table for column in columns}:
        _drop_loops(session, table, [c for c in columns if c.table is table], [*losers, survivor])
    for column in columns:
        moved[str(column.table.name)] += _move(session, column, losers, survivor)
    for (name, kind_column, key_column), goes_along in BY_KIND.items():
        if goes_along:
            table = Base.metadata.tables[name]
            moved[name] += _move(session, table.c[key_column], losers, survivor, table.c[kind_column] == kind)
    session.expire_all()
    return {name: count for name, count in sorted(moved.items()) if count}


def _scoped(table: Table) -> list[Any]:
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    return [scope(models[table.name], _MOVING)] if table.name in SHARED_TABLES else []


def _drop_loops(session: Session, table: Table, columns: Sequence[Column[Any]], group: Sequence[int]) -> None:
    """Take rows away that name two of the group: both ends would be the survivor."""
    ends = [column for column in columns if not column.nullable]
    if len(ends) > 1:
        both = and_(*(column.in_(group) for column in ends))
        session.execute(delete(table).where(*_scoped(table), both), execution_options=_QUIETLY)


def _move(session: Session, column: Column[Any], losers: Sequence[int], survivor: int, *also: Any) -> int:
    table: Any = column.table
    _drop_doubles(session, table, column, losers, survivor, also)
    statement = (
        update(table).where(*_scoped(table), column.in_(losers), *also).values({column.name: survivor})
    )
    return int(session.execute(statement, execution_options=_QUIETLY).rowcount)  # type: ignore[attr-defined]


def _drop_doubles(
    session: Session, table: Table, column: Column[Any], losers: Sequence[int], survivor: int, also: Any
) -> None:
    """Take rows of the losers away that the survivor has already, or another loser before it."""
    keys = list(table.primary_key.columns)
    for unique in _uniques(table, column):
        others = [c for c in unique if c is not column]
        rows = session.execute(
            select(column.label("at"), *(c.label(f"k{i}") for i, c in enumerate(keys)), *others)
            .where(*_scoped(table), column.in_([survivor, *losers]), *also)
            .order_by((column != survivor), *keys)
        ).all()
        seen: set[tuple[Any, ...]] = set()
        for row in rows:
            value = tuple(row[1 + len(keys) :])
            if value in seen and None not in value:
                double = and_(*(key == row[1 + i] for i, key in enumerate(keys)))
                session.execute(delete(table).where(*_scoped(table), double), execution_options=_QUIETLY)
            seen.add(value)


def _uniques(table: Table, column: Column[Any]) -> Iterator[list[Column[Any]]]:
    for index in table.indexes:
        if index.unique and column in list(index.columns):
            yield list(index.columns)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and column in list(constraint.columns):
            yield list(constraint.columns)
    if column.primary_key:
        yield list(table.primary_key.columns)
