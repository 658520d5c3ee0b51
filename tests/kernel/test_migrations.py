"""The tables that the migrations make are those that the models describe."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.kernel.db import Base


# Indexes of expressions cannot be read back from SQLite; PostgreSQL's, made by the same lines, are compared.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrated_tables_are_the_models(session):
    options = {
        "compare_type": True,
        "include_object": lambda _thing, name, kind, *_rest: (
            not (kind == "table" and name.startswith("sqlite_"))
        ),
    }
    context = MigrationContext.configure(session.connection(), opts=options)
    found = compare_metadata(context, Base.metadata)
    assert [change for change in found if not _is_circle(change)] == []


def _is_circle(change: object) -> bool:
    """The two keys from user to account and contact, which the models add after the tables."""
    return isinstance(change, tuple) and getattr(change[1], "use_alter", False) is True
