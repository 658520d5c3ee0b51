"""Finding and replacing texts in whatever table they stand: the part of an erasure that knows no table by its name.

Every table and every column that holds text takes part, so that a new one does by itself; `SKIPPED` says which do not.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, reduce
from operator import add
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Enum,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.campaigns.models import Campaign
from app.care.erasable import Needles, marked_leaves, marked_wholly, spellings, texts_in, without
from app.cases.models import Case
from app.documents.models import Document
from app.kernel.actor import Actor
from app.kernel.db import Base, is_sqlite
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

# What is erased is erased everywhere, whoever sees the records that it stands in; nobody is shown them.
_ERASING = Actor.system("erasing a person")
_SHARED = {
    model.__tablename__: model for model in (Lead, Account, Contact, Opportunity, Case, Document, Campaign)
}
# Users sign in with what is theirs and have their own end; words of the search are removed one by one.
SKIPPED = frozenset({"user", "spelling", "erasure", "erasure_gate"})
# Whoever did something as a user of Canal stays on record, and keys and digests say nothing.
_SKIPPED_COLUMNS = frozenset({"ref", "actor_name", "lease", "digest", "path"})
# Of these one hit is the whole of what somebody typed: all their texts go.
_WHOLE = frozenset({"lead_form_post", "import_issue"})
# Rows of the file, cut into columns: what is beside the hit is the person's too.
_SAMPLES = "samples"
# Of these a hit removes the row: they are answers kept for a day, words and places in an index.
_REMOVED = frozenset({"idempotency_key", "sent_form", "search_entry", "document_word"})


def tables() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """The tables that take part, each with its columns that hold text."""
    for table in Base.metadata.sorted_tables:
        columns = [column for column in table.columns if _holds_text(column)]
        if columns and table.name not in SKIPPED:
            yield table, columns


def _holds_text(column: Column[Any]) -> bool:
    kind = column.type
    if column.name in _SKIPPED_COLUMNS or column.name.endswith("_hash") or isinstance(kind, Enum):
        return False
    return isinstance(kind, (String, Text, JSON)) or (isinstance(kind, LargeBinary) and column.name == "body")


def rows_with(
    session: Session, table: Table, columns: list[Column[Any]], needles: Needles
) -> list[Mapping[str, Any]]:
    """The rows in which one of the needles stands."""
    like = [f"%{_escaped(word)}%" for word in spellings(needles.everywhere)]
    if not like:
        return []
    # All columns as one text, so that each spelling is asked once of a row.
    whole = reduce(add, (_as_text(session, column) for column in columns))
    found = or_(*(func.lower(whole).like(pattern, escape="!") for pattern in like))
    rows = session.connection().execute(select(table).where(_scoped(table), found)).mappings()
    pattern = needles.pattern
    names = [column.name for column in columns]
    # The database finds them within longer words too, which are others'.
    return [
        dict(row)
        for row in rows
        if any(pattern.search(text) for name in names for text in texts_in(row[name]))
    ]


def _escaped(word: str) -> str:
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _as_text(session: Session, column: Column[Any]) -> Any:
    text: Any = cast(column, Text)
    if isinstance(column.type, LargeBinary) and not is_sqlite(session):
        text = func.convert_from(column, "UTF8", type_=Text)
    return func.coalesce(text, "", type_=Text)


def _scoped(table: Table) -> Any:
    model = _SHARED.get(table.name)
    return and_(True) if model is None else scope(model, _ERASING)


def replace_in(
    session: Session, table: Table, columns: list[Column[Any]], row: Mapping[str, Any], needles: Needles
) -> None:
    """Write the row without what is erased, or take it away where it is of no use without."""
    if table.name in _REMOVED:
        key = and_(*(column == row[column.name] for column in table.primary_key))
        session.connection().execute(table.delete().where(_scoped(table), key))
        return
    values = {}
    for column in columns:
        value = row[column.name]
        new = _whole(value, needles) if table.name in _WHOLE else _value(column, value, needles.pattern)
        if new != value and isinstance(new, str) and column.name in _one_of_a_kind(table):
            new = _told_apart(new, row["id"], getattr(column.type, "length", None))
        if new != value and isinstance(new, dict) and _SAMPLES in new:
            new = {**new, _SAMPLES: {}}
        if new != value:
            values[column.name] = new
    if values:
        rewrite(session, table.name, row, values)


@cache
def _one_of_a_kind(table: Table) -> frozenset[str]:
    """Columns of which no two rows may have the same: two queues may have been called after one person."""
    sets = [index.columns for index in table.indexes if index.unique]
    sets += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    return frozenset(column.name for columns in sets for column in columns)


def _told_apart(text: str, key: int, most: int | None) -> str:
    end = f" {key}"
    return text[: None if most is None else most - len(end)] + end


def rewrite(session: Session, name: str, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write values into one row of a table past the session, where nothing hangs on its being loaded."""
    table = Base.metadata.tables[name]
    key = and_(*(column == row[column.name] for column in table.primary_key))
    session.connection().execute(table.update().where(_scoped(table), key).values(dict(values)))


def rewrite_many(session: Session, name: str, wanted: Mapping[int, Mapping[str, Any]]) -> None:
    """The same for many rows at once.  wanted: key of the row → values, of the same columns for all."""
    if not wanted:
        return
    table = Base.metadata.tables[name]
    columns = next(iter(wanted.values()))
    statement = table.update().where(_scoped(table), table.c.id == bindparam("the_key"))
    session.connection().execute(
        statement.values({column: bindparam(f"new_{column}") for column in columns}),
        [
            {"the_key": key, **{f"new_{column}": value for column, value in values.items()}}
            for key, values in wanted.items()
        ],
    )


def rows_of(session: Session, name: str, column: str, values: Sequence[Any]) -> list[Mapping[str, Any]]:
    """The rows of a table that have one of the values in a column."""
    table = Base.metadata.tables[name]
    found = select(table).where(_scoped(table), table.c[column].in_(values))
    return [dict(row) for row in session.connection().execute(found).mappings()]


def _whole(value: Any, needles: Needles) -> Any:
    if isinstance(value, dict | list):
        return marked_wholly(value, needles.pattern)
    return without(value, needles.pattern) if isinstance(value, str) else value


def _value(column: Column[Any], value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return without(value, pattern, getattr(column.type, "length", None))
    return marked_leaves(value, pattern) if isinstance(value, dict | list) else value


def sweep(session: Session, needles: Needles, *, write: bool) -> dict[str, int]:
    """Table → rows in which something of it stands; replaced if `write`."""
    counts = {}
    for table, columns in tables():
        found = rows_with(session, table, columns, needles)
        if found:
            counts[table.name] = len(found)
        if write:
            for row in found:
                replace_in(session, table, columns, row, needles)
    return counts
