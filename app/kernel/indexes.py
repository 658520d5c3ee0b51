"""Indexes that hold some rows of a table alone, said once for both databases."""

from sqlalchemy import Index, text


def partial_index(name: str, *columns: str, where: str, on_sqlite: str = "", unique: bool = False) -> Index:
    """An index of the rows that fulfil a condition.  on_sqlite: the condition as SQLite writes it, if it does so otherwise."""
    return Index(
        name,
        *columns,
        unique=unique,
        postgresql_where=text(where),
        sqlite_where=text(on_sqlite or where),
    )


def live_index(name: str, *columns: str) -> Index:
    """Of what is not deleted: with that condition in the index, lists and counts are found without reading rows."""
    return partial_index(name, *columns, where="deleted_at IS NULL")


def deleted_index(name: str) -> Index:
    """Of what is deleted, by the moment."""
    return partial_index(name, "deleted_at", where="deleted_at IS NOT NULL")
