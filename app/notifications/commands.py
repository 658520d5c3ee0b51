"""`flask outbox`: stop and resume sending."""

import click
from flask.cli import AppGroup

from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import transaction
from app.notifications.outbox_acts import hold_sending, release_sending

outbox = AppGroup("outbox", help="Stop and resume sending mail.")
# Whoever runs commands on the machine may do anything an administrator may.
_OPERATOR = Actor.system("outbox command", door="command")


@outbox.command("hold")
def hold() -> None:
    """Send no mail until it is released; what is due waits."""
    with transaction() as session:
        is_new = hold_sending(session, _OPERATOR, now=clock.now())
    click.echo("Sending is on hold." if is_new else "Sending was on hold already.")


@outbox.command("release")
def release() -> None:
    """Send mail again, what has waited first."""
    with transaction() as session:
        is_new = release_sending(session, _OPERATOR, now=clock.now())
    click.echo("Sending is resumed." if is_new else "Sending was not on hold.")
