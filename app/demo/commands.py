"""`flask demo load`: the demo company, into an empty database."""

import sys

import click
from flask.cli import AppGroup, with_appcontext

from app.kernel import clock
from app.kernel.db import transaction

demo = AppGroup("demo", help="The demo company.")


@demo.command("load")
@click.option("--leads", type=click.IntRange(0, 2_000_000), default=2400, help="About how many leads.")
@click.option("--seed", type=int, default=1, help="The same seed gives the same company.")
@click.option(
    "--before-partners",
    is_flag=True,
    help="With partner management still off, and things to decide about before it is on.",
)
@with_appcontext
def load_command(leads: int, seed: int, before_partners: bool) -> None:
    """Load the demo company.  Refuses a database that somebody uses already."""
    from app.demo.company import is_empty, load, sign_ins  # data and code that only the demo needs

    with transaction() as session:
        if not is_empty(session):
            click.echo("This database is in use; the demo company needs an empty one.", err=True)
            sys.exit(1)
        load(session, now=clock.now(), leads=leads, seed=seed, before_partners=before_partners)
        lines = [f"{who.role}: {who.email}   password: {who.password}" for who in sign_ins(session)]
    for line in lines:
        click.echo(line)
