"""What keeps the installation well and is done by hand or by a clock: checks, and backups.  Their last results are kept."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app.health.operations import note_upkeep
from app.kernel import clock
from app.kernel.db import transaction

# Commands that check, each a `verify` of its group.
CHECKS = ("documents", "reports", "routing", "scores", "sharing")
BACKUP = "backup"

backup = AppGroup(BACKUP, help="Tell Canal of the backups that you make.")


@backup.command("done")
@click.option("--failed", is_flag=True, help="It did not work.")
@click.option("--note", default="", help="Where it is, or why it failed; administrators read it.")
def done_command(failed: bool, note: str) -> None:
    """Note that a backup was made: the last line of the script that makes it."""
    with transaction() as session:
        note_upkeep(session, BACKUP, is_well=not failed, note=note, now=clock.now())


def keep_results(app: Flask) -> None:
    """Let every check note how it ended."""
    for name in CHECKS:
        group = app.cli.commands[name]
        assert isinstance(group, click.Group)
        command = group.commands["verify"]
        assert command.callback is not None
        if not hasattr(command.callback, "keeps_result"):
            command.callback = _kept(name, command.callback)


def _kept(name: str, check: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(check)
    def run(*args: Any, **named: Any) -> Any:
        try:
            return check(*args, **named)
        except SystemExit as end:  # how a check tells its result
            app: Flask = click.get_current_context().obj.load_app()
            with app.app_context(), transaction() as session:
                note_upkeep(session, name, is_well=not end.code, note="", now=clock.now())
            raise

    run.keeps_result = True  # type: ignore[attr-defined]
    return run
