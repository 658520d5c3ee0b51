"""`flask sharing …`: proving what sharing rules have stored."""

import sys
from itertools import islice

import click
from flask.cli import AppGroup

from app.kernel.db import reading
from app.sharing.verify import differences

MOST_SHOWN = 100

sharing = AppGroup("sharing", help="What sharing rules give.")


@sharing.command("verify")
def verify() -> None:
    """Compute anew what sharing rules give and compare it with what is stored."""
    with reading() as session:
        found = differences(session)
        shown = list(islice(found, MOST_SHOWN))
        count = len(shown) + sum(1 for _more in found)
    for line in shown:
        click.echo(line)
    if count > len(shown):
        click.echo(f"and {count - len(shown)} more")
    click.echo(f"{count} differences")
    sys.exit(1 if count else 0)
