"""Flask-Migrate, brought in when it is first asked for.

Alembic and what it imports cost a sixth of the time in which the application starts, and only commands
that migrate need them.
"""

from typing import Any

import click
from flask import Flask

from app.kernel.db import db


class Migrations:
    """Stands where Flask-Migrate keeps what `flask db` and `flask_migrate.upgrade` need."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate

        Migrate(self._app, db, render_as_batch=True)  # puts itself in this one's place
        return getattr(self._app.extensions["migrate"], name)


class MigrationCommands(click.Command):
    """`flask db`: hands over to the commands of Flask-Migrate."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from flask_migrate.cli import db as theirs

        context: click.Context = theirs.make_context(info_name, args, parent, **extra)
        return context


def init_migrations(app: Flask) -> None:
    """Let `flask db` find the application's database."""
    app.extensions["migrate"] = Migrations(app)
    app.cli.add_command(MigrationCommands("db", help="Bring the database's tables up to date."))
