"""Running imports: batch after batch, each its own transaction, by whoever holds the lease.

A batch's leads and the count of rows done are committed together.  A run that ends in any way, kill -9
included, is gone on with after the last whole batch, by any process, and doubles nothing.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.events.operations import record
from app.intake.batch import Taken
from app.intake.files import remove_file, waiting_file
from app.intake.lead_updates import Overtaken
from app.intake.leases import LEASE, lease_next, lease_one
from app.intake.models import Import, ImportIssue, ImportState
from app.intake.plans import acting_for
from app.intake.record_later import as_issues, settle_some
from app.intake.tables import NotATable, Row, open_table
from app.intake.takers import Taker, find_taker
from app.intake.targets import Targets
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.bulk import insert_rows
from app.kernel.db import is_sqlite, transaction
from app.settings import current_settings

TRIES = 3
NOT_STORED = _l("This row could not be stored.")
GONE = _l("The file is not there any more. Upload it again.")
NO_ACTOR = _l("Whoever started this import may not import any more.")

log = logging.getLogger(__name__)


class Lost(Exception):
    """The import was cancelled, or another process has gone on with it: this one writes nothing more."""


class _Stop(Exception):
    """The import cannot be finished.  reason: in words, for whoever started it."""

    def __init__(self, reason: Any) -> None:
        super().__init__()
        self.reason = reason


class Run:
    """One process's work on one import, which it holds the lease of.

    `step` takes one batch in and says whether there is more.  Needs an application context.
    """

    def __init__(self, import_id: int, lease: str) -> None:
        self.import_id = import_id
        self.lease = lease
        self.done = 0
        self.rows: int | None = None
        self._source: Iterator[Row] | None = None
        self._has_ended = False
        self._taker: Taker

    def step(self) -> bool:
        """Take in the next batch; False when the import has ended, whichever way."""
        try:
            if self._source is None:
                self._open()
            assert self._source is not None
            rows = list(islice(self._source, self._taker.batch_rows))
            is_last = len(rows) < self._taker.batch_rows
            self._has_ended = False
            self._take(rows, is_last=is_last)
        except Lost:
            return False
        except _Stop as stop:
            self._end(ImportState.FAILED, stop.reason)
            return False
        except (NotATable, FileNotFoundError) as error:
            self._end(ImportState.FAILED, error.message if isinstance(error, NotATable) else GONE)
            return False
        except (OperationalError, InterfaceError, PoolTimeout):
            raise  # the database is away: the lease runs out and the import is gone on with
        except Exception:
            # A bug: it would come again with every try, so this import ends and others go on.
            log.exception("import %s failed after row %s", self.import_id, self.done)
            self._end(ImportState.FAILED, _broken(self.done))
            return False
        return not self._has_ended

    def release(self) -> None:
        """Let another process go on at once, when this one stops before the end."""
        with transaction() as session:
            held = self._find(session)
            if held is not None:
                held.leased_until = clock.now()

    # Opening

    def _open(self) -> None:
        with transaction() as session:
            held = self._hold(session)
            held.started_at = held.started_at or clock.now()
            self.done, self.rows = held.done, held.rows
            path = waiting_file(current_settings().data, held.path)
            sheet = held.options.get("sheet") or None
        table = open_table(path, sheet=sheet)  # reads all of it: not while SQLite's only writer
        rows = self.rows if self.rows is not None else table.count_rows()
        with transaction() as session:
            held = self._hold(session)
            held.rows = self.rows = rows
            self._taker = find_taker(session, held, table)
        if self.done:
            self._taker.meet(islice(table.rows(), self.done))
        self._source = islice(table.rows(), self.done, None)

    # Batches

    def _take(self, rows: Sequence[Row], *, is_last: bool) -> None:
        """Take the rows in as one batch; where that fails for good, as two halves, down to a single row."""
        for tries_left in reversed(range(TRIES)):
            try:
                self._take_once(rows, is_last)
            except (DataError, IntegrityError, Overtaken):
                # Somebody else was quicker with one of the same external ids: look again.
                if tries_left:
                    continue
                if len(rows) <= 1:
                    self._take_once([_unstorable(row) for row in rows], is_last)
                    return
                middle = len(rows) // 2
                self._take(rows[:middle], is_last=False)
                self._take(rows[middle:], is_last=is_last)
            return

    def _take_once(self, rows: Sequence[Row], is_last: bool) -> None:
        read = self._taker.read(rows)
        path = ""
        with transaction() as session:
            held = self._hold(session)
            actor = acting_for(session, held)
            if actor is None:
                raise _Stop(NO_ACTOR)
            now = clock.now()
            with force_locale(actor.language):
                taken = self._write(session, actor, held, read, now)
                has_ended = is_last and settle_some(session, actor, held, now)
            held.leased_until = now + LEASE
            if has_ended:
                _finish(session, actor, held, ImportState.DONE, now)
                path = held.path
        self.done += len(rows)
        self._taker.keep(taken)
        self._has_ended = has_ended
        if has_ended:
            remove_file(current_settings().data, path)

    def _write(
        self,
        session: Session,
        actor: Actor,
        held: Import,
        read: Sequence[Any],
        now: datetime,
    ) -> Taken:
        use_indexes(session)
        _keep_pages(session)
        taken = self._taker.take(session, actor, read, held.id, now)
        insert_rows(session, ImportIssue, _issues(held, taken))
        held.done += len(read)
        held.accepted += taken.accepted
        held.created += taken.created
        held.updated += taken.updated
        held.unchanged += taken.unchanged
        held.refused += len(taken.refused)
        held.warnings += len(taken.warnings)
        targets = Targets(held.options.get("targets", ()))
        targets.count(session, taken.new)
        flagged = sum(bool(arrival.attributes["duplicates"]) for arrival in taken.new) + taken.flagged
        halves = Counter(held.options.get("halves", {}))
        halves.update(taken.halves)
        held.options = {
            **held.options,
            "targets": targets.to_json(),
            "duplicates": held.options.get("duplicates", 0) + flagged,
            **({"halves": dict(halves)} if halves else {}),
        }
        return taken

    # The lease

    def _find(self, session: Session) -> Import | None:
        found = session.get(
            Import,
            self.import_id,
            populate_existing=True,
            with_for_update=None if is_sqlite(session) else True,
        )
        if found is None or found.lease != self.lease or found.state is not ImportState.RUNNING:
            return None
        return found

    def _hold(self, session: Session) -> Import:
        """The import, nobody else's until the transaction ends.  Raises Lost."""
        held = self._find(session)
        if held is None:
            raise Lost
        return held

    def _end(self, state: ImportState, reason: Any) -> None:
        with transaction() as session:
            held = self._find(session)
            if held is not None:
                actor = acting_for(session, held) or Actor.system("import")
                with force_locale(actor.language):
                    held.detail = str(reason)
                _finish(session, actor, held, state, clock.now())


def use_indexes(session: Session) -> None:
    """Let PostgreSQL look keys up by index whatever it believes of a table that has just grown.

    Its plans are made from statistics that a first import runs ahead of: it would read the whole table
    for every key.
    """
    if not is_sqlite(session):
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


def _keep_pages(session: Session) -> None:
    """Let SQLite keep 32 MB of pages on this connection: a batch changes leaves all over a dozen indexes."""
    if is_sqlite(session):
        session.execute(text("PRAGMA cache_size=-32000"))


def _finish(session: Session, actor: Actor, held: Import, state: ImportState, now: datetime) -> None:
    held.state, held.finished_at, held.lease, held.leased_until = state, now, None, None
    # What the pages before the start showed of the file is of no use any more.
    held.options = {name: value for name, value in held.options.items() if name not in ("samples", "check")}
    if state is ImportState.DONE:
        held.rows = held.done
    detail = {"created": held.created, "updated": held.updated, "refused": held.refused}
    verb = "imported" if state is ImportState.DONE else "import_failed"
    record(session, actor, verb=verb, subject=held, at=now, detail=detail)


def _broken(row: int) -> Any:
    return _l(
        "Something went wrong on our side after row %(row)s. What was taken in until then stays.", row=row
    )


def _unstorable(row: Row) -> Row:
    return Row(row.line_number, row.cells, NOT_STORED)


def _issues(held: Import, taken: Taken) -> list[dict[str, Any]]:
    refused = [
        {
            "import_id": held.id,
            "kind": "refused",
            "line": row.row.line_number,
            "reason": str(row.reason),
            "cells": row.row.cells,
        }
        for row in taken.refused
    ]
    warned = [
        {"import_id": held.id, "kind": "warning", "line": line, "reason": str(reason), "cells": {}}
        for line, reason in taken.warnings
    ]
    return refused + warned + as_issues(held.id, taken.later)


# Doors

_present: Run | None = None


def run_waiting(
    now: datetime, *, seconds: float | None = 1.0, should_stop: Callable[[], bool] = lambda: False
) -> bool:
    """Work on an import that waits, for about so many seconds; whether there was anything to do.

    For the worker, which does its other work in between; the next call goes on with the same import.
    seconds: None until it has ended.  should_stop: asked between batches.
    """
    global _present  # noqa: PLW0603 - an open file between two calls; the import's state is in the database
    if _present is None:
        with transaction() as session:
            leased = lease_next(session, now=now)
        if leased is None:
            return False
        _present = Run(*leased)
    run, give_up = _present, None if seconds is None else time.monotonic() + seconds
    try:
        while run.step():
            if should_stop():
                run.release()
                _present = None
                return True
            if give_up is not None and time.monotonic() >= give_up:
                return True
    except BaseException:
        _present = None  # the lease runs out, and whoever is there then goes on
        raise
    _present = None
    return True


def run_one(import_id: int, *, progress: Callable[[Run], None] = lambda run: None) -> bool:
    """Run this import to its end; False when another process is at work on it.

    progress: called after each batch.
    """
    with transaction() as session:
        lease = lease_one(session, import_id, now=clock.now())
    if lease is None:
        return False
    run = Run(import_id, lease)
    more = True
    while more:
        more = run.step()
        progress(run)
    return True
