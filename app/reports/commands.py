"""`flask reports verify`, `flask reports rebuild`."""

import sys
from itertools import islice

import click
from flask.cli import AppGroup

from app.kernel.db import reading, transaction
from app.reports.counting import rebuild
from app.reports.verify import differences, waiting

MOST_SHOWN = 100

reports = AppGroup("reports", help="Check what reports count, or count anew.")


@reports.command("verify")
def verify_command() -> None:
    """Compare what reports count with every lead.

    Exit 0 and "0 differences", or 1 and the differences.
    """
    with reading() as session:
        found = differences(session)
        shown = list(islice(found, MOST_SHOWN))
        count = len(shown) + sum(1 for _more in found)
        noted = waiting(session)
    for line in shown:
        click.echo(line)
    if count > len(shown):
        click.echo(f"and {count - len(shown)} more")
    if noted:
        click.echo(f"{noted} changes are not counted yet; whoever reads a report counts them", err=True)
    click.echo(f"{count} differences")
    sys.exit(1 if count else 0)


@reports.command("rebuild")
def rebuild_command() -> None:
    """Count every lead from nothing.  Leads can be read meanwhile, changes wait."""
    with transaction() as session:
        count = rebuild(session)
    click.echo(f"{count} leads counted")
