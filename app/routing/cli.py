"""`flask routing verify`."""

import click
from flask.cli import AppGroup

from app.kernel.db import db, set_reading
from app.routing.verify import verify_routing

routing = AppGroup("routing", help="Check what routing did.")


@routing.command("verify")
def verify_command() -> None:
    """Replay every round robin's ledger and every stored trace.

    Exit 0 and "0 differences", or 1 and the differences.
    """
    set_reading(True)
    report = verify_routing(db.session())
    for difference in report.differences:
        click.echo(difference)
    click.echo(
        f"{report.round_robins} round robins, {report.turns} turns and {report.traces} traces replayed",
        err=True,
    )
    count = len(report.differences)
    click.echo(f"{count} difference" + ("" if count == 1 else "s"))
    if report.differences:
        raise SystemExit(1)
