"""Prefix search that both databases answer from an index."""

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.kernel.db import is_sqlite

_LAST = "\U0010ffff"


def starts_with(session: Session, column: InstrumentedAttribute[Any], prefix: str) -> ColumnElement[bool]:
    """That the column's text begins with `prefix`, case counting.

    SQLite's LIKE ignores case and so no index helps it; a range over bytes does the same.  PostgreSQL's
    order depends on its locale, so there it is a LIKE, for an index with `text_pattern_ops`.
    """
    if is_sqlite(session):
        return and_(column >= prefix, column < prefix + _LAST)
    return column.startswith(prefix, autoescape=True)
