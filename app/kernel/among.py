"""Asking for the rows of many keys at once, as files of many records do."""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.orm import Session

from app.kernel.db import is_sqlite

# Beyond so many, writing a parameter for each takes longer than reading the rows.
FEW = 200


def among(session: Session, column: Any, keys: Collection[Any]) -> ColumnElement[bool]:
    """That the column is one of these integer keys; none of which may be None."""
    if len(keys) <= FEW:
        return column.in_(list(keys))  # type: ignore[no-any-return]
    if is_sqlite(session):
        each = func.json_each(json.dumps(list(keys))).table_valued("value")
        return column.in_(select(each.c.value))  # type: ignore[no-any-return]
    return column == any_(literal(list(keys), ARRAY(BigInteger)))  # type: ignore[no-any-return]
