"""`flask leads import`: the upload page's import, from the command line."""

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click
from flask.cli import AppGroup

from app.intake.checks import Check, check_table
from app.intake.models import Import, ImportState
from app.intake.plans import COMMAND, find_day_first
from app.intake.reports import rejected_csv, rejected_rows, warning_rows, warnings_csv
from app.intake.run import run_one
from app.intake.tables import open_table
from app.intake.uploads import Wishes, mapping_of, submit_file
from app.kernel import clock
from app.kernel.db import transaction
from app.kernel.errors import DomainError, Invalid

REFUSED, UNUSABLE, FAILED = 3, 2, 1
_POLL_SECONDS = 0.5

leads = AppGroup("leads", help="Bring leads in.")


@leads.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--mapping",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file: column → field. Without it headers are matched to the names and labels of fields.",
)
@click.option("--source", help="Source of rows that name none; added if it is not known.")
@click.option("--dry-run", is_flag=True, help="Say what would happen and change nothing.")
@click.option("--again", is_flag=True, help="Although the same file has been imported before.")
def import_leads(file: Path, mapping: Path | None, source: str | None, dry_run: bool, again: bool) -> None:
    """Take in the leads of FILE, a CSV or XLSX.

    Exit code 0 when every row was taken, 3 when some were refused: they are in FILE.rejected.csv, with
    line number and reason, and warnings in FILE.warnings.csv.  Given again after an interruption it goes on.
    """
    try:
        wishes = Wishes(_read_mapping(mapping), source, again, largest=None)
        counts = _dry_run(file, wishes) if dry_run else _import(file, wishes)
    except DomainError as error:
        _refuse(_words(error))
    except OSError as error:
        _refuse(f"{file}: {error.strerror}")
    sys.exit(REFUSED if counts else 0)


def _import(file: Path, wishes: Wishes) -> int:
    """Take the file in; the number of refused rows."""
    with file.open("rb") as stream:
        import_ = submit_file(COMMAND, stream, file.name, wishes, now=clock.now())
    import_id = import_.id
    show = _Progress()
    while (import_ := _read(import_id)).state in (ImportState.WAITING, ImportState.RUNNING):
        if not run_one(import_id, progress=lambda run: show(run.done, run.rows)):
            show(import_.done, import_.rows)  # another process is at it
            time.sleep(_POLL_SECONDS)
    show.end()
    if import_.state is ImportState.FAILED and import_.done == 0 and not import_.mapping:
        _refuse(import_.detail or "")
    with transaction() as session:
        import_ = session.get_one(Import, import_id)
        if import_.refused:
            _write(file, "rejected", rejected_csv(session, import_))
        if import_.warnings:
            _write(file, "warnings", warnings_csv(session, import_))
        _say(import_, "")
        if import_.detail:
            click.echo(import_.detail)
        refused, state = import_.refused, import_.state
    if state is not ImportState.DONE:
        click.echo("The import did not come to its end.", err=True)
        sys.exit(FAILED)
    return refused


def _dry_run(file: Path, wishes: Wishes) -> int:
    """Say what an import of the file would do; the number of rows it would refuse."""
    table = open_table(file)
    mapping = mapping_of(table, wishes)
    import_ = Import(
        mapping=mapping, options={"source": wishes.source, "day_first": find_day_first(table, mapping)}
    )
    check, show, total = Check(), _Progress(), table.count_rows()
    refused: list[tuple[int, str, dict[str, str]]] = []
    warned: list[tuple[int, str]] = []
    for check, taken in check_table(COMMAND, import_, table):
        refused.extend((r.row.line_number, str(r.reason), r.row.cells) for r in taken.refused)
        warned.extend((line, str(reason)) for line, reason in taken.warnings)
        show(check.rows, total)
    show.end()
    if refused:
        _write(file, "rejected", rejected_rows(table.headers, refused))
    if warned:
        _write(file, "warnings", warning_rows(warned))
    _say(check, "Dry run: ")
    for target in check.targets.most():
        click.echo(f"  {target.count:>8,} to {target.label}")
    return check.refused


def _read_mapping(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        mapping = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, UnicodeDecodeError):
        _refuse(f'{path} is not JSON. Write {{"Column": "field", …}}.')
    if not isinstance(mapping, dict):
        _refuse(f'{path} is not a mapping. Write {{"Column": "field", …}}.')
    return mapping


def _read(import_id: int) -> Import:
    with transaction() as session:
        return session.get_one(Import, import_id, populate_existing=True)


def _say(counts: Import | Check, before: str) -> None:
    done = counts.done if isinstance(counts, Import) else counts.rows
    click.echo(
        f"{before}{done:,} rows: {counts.created:,} created, {counts.updated:,} updated,"
        f" {counts.unchanged:,} unchanged, {counts.refused:,} refused, {counts.warnings:,} warnings."
    )


def _write(file: Path, what: str, pieces: Iterable[str]) -> None:
    target = file.with_name(f"{file.name}.{what}.csv")
    try:
        with target.open("w", encoding="utf-8", newline="") as out:
            out.writelines(pieces)
    except OSError as error:
        click.echo(f"{target} cannot be written ({error.strerror}).", err=True)
    else:
        click.echo(f"See {target}", err=True)


def _words(error: DomainError) -> str:
    if isinstance(error, Invalid) and error.errors:
        return " ".join(str(message) for messages in error.errors.values() for message in messages)
    return str(error.message)


def _refuse(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(UNUSABLE)


class _Progress:
    """A line on standard error: rewritten in place on a terminal, now and then elsewhere."""

    def __init__(self) -> None:
        self._told = 0.0
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, done: int, rows: int | None) -> None:
        now = time.monotonic()
        if now - self._told < (0.1 if self._is_terminal else 5.0) and done != rows:
            return
        self._told = now
        share = f" of {rows:,} ({done * 100 // rows}%)" if rows else ""
        begin = "\r" if self._is_terminal else ""
        click.echo(f"{begin}{done:,}{share} rows", nl=not self._is_terminal, err=True)

    def end(self) -> None:
        if self._is_terminal and self._told:
            click.echo("", err=True)
