"""A visibility condition that can be recognised in the statement that carries it."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import InternalTraversal


class Scoped(ColumnElement[bool]):
    """The visibility condition of one table.

    hidden: columns of the table that are not to be selected for whom it is made.
    """

    __visit_name__ = "scoped"
    inherit_cache = True
    type = Boolean()
    _traverse_internals = [
        ("condition", InternalTraversal.dp_clauseelement),
        ("table_name", InternalTraversal.dp_string),
    ]

    def __init__(
        self, condition: ColumnElement[bool], table_name: str, hidden: frozenset[str] = frozenset()
    ) -> None:
        self.condition = condition
        self.table_name = table_name
        self.hidden = hidden

    def self_group(self, against: Any = None) -> "Scoped":
        """Itself, in any company: SQLAlchemy's own would compare it with 1 on SQLite, which defeats every index."""
        return self

    @property
    def _from_objects(self) -> list[Any]:
        return list(self.condition._from_objects)  # noqa: SLF001 - so that bare counts know their table


@compiles(Scoped)
def _compile_scoped(element: Scoped, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.condition, **kw)})"
