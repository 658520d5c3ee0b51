"""Moving everything that refers to one record over to another, whichever table it is in.

Foreign keys are found in the tables themselves, so that a new table's rows move without a word here; what
must not simply move is named in `OTHERWISE`.  Records named by kind and key are listed in `BY_KIND`; a test
compares that list with the tables.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Integer, UniqueConstraint, and_, delete, exists, func, select, tuple_, update
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.among import among
from app.kernel.db import Base
from app.search.upkeep import follow_account
from app.sharing.rules import SHARED_TABLES
from app.sharing.scope import scope
from app.sharing.subjects import SUBJECTS
from app.sharing.touched import touch

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


def move_references(
    session: Session, kind: str, losers: Sequence[int], survivor: int, *, most: int | None = None
) -> tuple[dict[str, int], int]:
    """Let what names one of the losers name the survivor: (table → rows moved, how many were seen to).  Does not commit.

    most: see to no more than that; it is to be called again until there are none.
    A row that the survivor has already (the same responsible, the same interest) goes away, and one that would
    name the survivor twice (a relationship between the two).
    """
    session.flush()
    moved: Counter[str] = Counter()
    seen = 0
    for table, ends in _joining(kind).items():
        both = and_(*(column.in_([*losers, survivor]) for column in ends))
        session.execute(delete(table).where(*_scoped(table), both), execution_options=_QUIETLY)
    for column, also in _moving(kind):
        for loser in losers:
            left = None if most is None else most - seen
            if left is None or left > 0:
                count, gone = _move(session, column, loser, survivor, left, also)
                moved[column.table.name] += count
                seen += count + gone
    session.expire_all()
    return {name: count for name, count in sorted(moved.items()) if count}, seen


def count_references(session: Session, kind: str, losers: Sequence[int]) -> int:
    """How many rows there are to move.  A statement for each column that names such records."""
    return sum(
        session.scalar(
            select(func.count())
            .select_from(column.table)
            .where(*_scoped(column.table), column.in_(losers), *also)
        )
        or 0
        for column, also in _moving(kind)
    )


def _moving(kind: str) -> Iterator[tuple[Column[Any], Sequence[Any]]]:
    """Every column whose rows go along, and which of its rows these are."""
    for column in references(kind):
        yield column, ()
    for (name, kind_column, key_column), goes_along in BY_KIND.items():
        if goes_along:
            table = Base.metadata.tables[name]
            yield table.c[key_column], (table.c[kind_column] == kind,)


def _joining(kind: str) -> dict[Any, list[Column[Any]]]:
    """Tables whose rows join two records of a kind, with both ends: moved as they are, both could be the survivor."""
    ends: dict[Any, list[Column[Any]]] = {}
    for column in references(kind):
        if not column.nullable:
            ends.setdefault(column.table, []).append(column)
    return {table: columns for table, columns in ends.items() if len(columns) > 1}


def _scoped(table: Any) -> list[Any]:
    models = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}  # type: ignore[attr-defined]
    return [scope(models[table.name], _MOVING)] if table.name in SHARED_TABLES else []


def _move(
    session: Session, column: Column[Any], loser: int, survivor: int, most: int | None, also: Sequence[Any]
) -> tuple[int, int]:
    """(how many rows were moved, how many went away)"""
    table: Any = column.table
    which = [*_scoped(table), column == loser, *also]
    keys = list(table.primary_key.columns)
    if most is not None or table.name in SUBJECTS:
        found = session.execute(select(*keys).where(*which).limit(most)).all()
        if not found:
            return 0, 0
        if table.name in SUBJECTS:
            touch(session, table.name, (key for (key,) in found))
        if len(keys) == 1 and isinstance(keys[0].type, Integer):
            which.append(among(session, keys[0], [key for (key,) in found]))
        else:
            which.append(tuple_(*keys).in_([tuple(key) for key in found]))
        if table.name == "contact" and column.name == "account_id":
            follow_account(session, [key for (key,) in found], loser, survivor)
    gone = _drop_doubles(session, column, survivor, which)
    done = session.execute(
        update(table).where(*which).values({column.name: survivor}), execution_options=_QUIETLY
    )
    return int(done.rowcount), gone  # type: ignore[attr-defined]


def _drop_doubles(session: Session, column: Column[Any], survivor: int, which: Sequence[Any]) -> int:
    """Take rows away that the survivor has already; how many."""
    gone = 0
    for unique in _uniques(column.table, column):
        theirs: Any = column.table.alias("theirs")
        same = [theirs.c[c.name] == (survivor if c is column else c) for c in unique]
        double = exists().where(*same)
        done = session.execute(
            delete(column.table).where(*which, double),
            execution_options=_QUIETLY,
        )
        gone += int(done.rowcount)  # type: ignore[attr-defined]
    return gone


def _uniques(table: Any, column: Column[Any]) -> Iterator[list[Column[Any]]]:
    for index in table.indexes:
        if index.unique and column in list(index.columns):
            yield list(index.columns)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and column in list(constraint.columns):
            yield list(constraint.columns)
    if column.primary_key:
        yield list(table.primary_key.columns)
