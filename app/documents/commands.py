"""`flask --app app documents …`: for whoever runs the installation."""

import sys

import click
from flask.cli import AppGroup

from app.documents.collecting import verify_contents

documents = AppGroup("documents", help="Stored documents.")


@documents.command("verify")
def verify_command() -> None:
    """Read every stored content and compare it with its digest: `0 differences`, or each of them and exit code 1."""
    report = verify_contents()
    for name, found in (
        ("missing", report.missing),
        ("damaged", report.damaged),
        ("unused, to be removed by the worker", report.orphans),
        ("not known", report.strays),
    ):
        for each in found:
            click.echo(f"{name}: {each}")
    click.echo(f"{report.checked} contents read, {report.differences} differences")
    sys.exit(1 if report.differences else 0)
