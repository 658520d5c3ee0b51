"""Commands that switch partner management on and publish the portal, for whoever sits at the machine."""

import sys

import click
from flask.cli import AppGroup

from app.identity.organisation import publish_portal
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import transaction
from app.kernel.errors import DomainError
from app.sharing.audience import Audience
from app.sharing.enabling import enable_prm
from app.sharing.reaching import Fate, what_reaches_partners

# Whoever may run commands on the machine owns the database anyway.
_COMMAND = Actor.system("command", door="command")

_FATES = {
    Fate.KEEP: "kept as it is",
    Fate.NARROW: "narrowed to internal people",
    Fate.REMOVE: "removed",
}

prm = AppGroup("prm", help="Partner management.")
portal = AppGroup("portal", help="The partners' portal.")


@prm.command("enable")
@click.option("--confirm", is_flag=True, help="Say that you know it cannot be undone.")
def enable(confirm: bool) -> None:
    """Switch partner management on, for good, with the safe answers: nothing is shared with partners.

    Rules and shares by hand that would reach them are narrowed to internal people, or end where nobody else
    is reached through them.
    """
    if not confirm:
        click.echo("This cannot be undone. Say so with --confirm.", err=True)
        sys.exit(2)
    with transaction() as session:
        items = what_reaches_partners(session, Audience(session))
        is_new = enable_prm(session, _COMMAND, now=clock.now())
    for item in items if is_new else ():
        click.echo(f"{_FATES[item.safe]}: {item.kind} {item.name}")
    click.echo("Partner management is on." if is_new else "Partner management was on already.")


@portal.command("publish")
def publish() -> None:
    """Let partner users sign in."""
    try:
        with transaction() as session:
            is_new = publish_portal(session, _COMMAND, now=clock.now())
    except DomainError as error:
        click.echo(str(error.message), err=True)
        sys.exit(1)
    click.echo("The portal is published." if is_new else "The portal was published already.")
