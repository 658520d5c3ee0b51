"""Alembic's environment: the application's engine and metadata, online only."""

import warnings

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from app.kernel.db import Base


def include_object(
    _object: object, name: str | None, type_: str, _reflected: bool, _compare_to: object
) -> bool:
    """SQLite's own tables are not ours."""
    return not (type_ == "table" and name is not None and name.startswith("sqlite_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        compare_type=True,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction(), warnings.catch_warnings():
        # SQLite copies a table to change it, and reads those that it refers to: their own indexes stay as they are.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index")
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with current_app.extensions["migrate"].db.engine.connect() as connection:
        run(connection)
