"""`flask scores verify`."""

import sys
from itertools import islice

import click
from flask.cli import AppGroup

from app.kernel import clock
from app.kernel.db import reading
from app.scores.verify import Report, differences

MOST_SHOWN = 100

scores = AppGroup("scores", help="Check the scores of leads.")


@scores.command("verify")
def verify() -> None:
    """Compute every score anew and compare it with what is stored.

    Exit 0 and "0 differences", or 1 and the differences.
    """
    report = Report()
    with reading() as session:
        found = differences(session, clock.now().date(), report)
        shown = list(islice(found, MOST_SHOWN))
        count = len(shown) + sum(1 for _more in found)
    for line in shown:
        click.echo(line)
    if count > len(shown):
        click.echo(f"and {count - len(shown)} more")
    told = f"{report.leads} leads compared"
    if report.waiting:
        told += f", {report.waiting} of them change today"
    click.echo(told, err=True)
    click.echo(f"{count} differences")
    sys.exit(1 if count else 0)
