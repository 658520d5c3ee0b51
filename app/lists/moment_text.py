"""Moments as files hold them, read as such: most of an export's time went into making them and writing them again."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Dialect, type_coerce
from sqlalchemy.types import UserDefinedType

from app.kernel.db import Moment
from app.lists.catalogue import Kind, ListField


def moment_text(value: datetime) -> str:
    """To the second, in UTC: "2026-03-01T12:00:00Z"."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return f"{value.isoformat()[:19]}Z"  # a sixth of what strftime takes


class MomentText(UserDefinedType[str]):
    """What a column of moments is selected as."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, _coltype: Any) -> Callable[[Any], str | None]:
        """SQLite keeps text in UTC, whose first nineteen characters are all but what is written."""
        if dialect.name == "sqlite":
            return lambda kept: None if kept is None else f"{kept[:10]}T{kept[11:19]}Z"
        return lambda value: None if value is None else moment_text(value)


def is_moment(field: ListField) -> bool:
    """Whether the field shows a column of moments as it is."""
    is_shown = field.text is None and field.resolve is None and field.kind is Kind.MOMENT
    return is_shown and isinstance(getattr(field.column, "type", None), Moment)


def as_text(field: ListField) -> Any:
    """The column of such a field, selected as text."""
    return type_coerce(field.column, MomentText())
