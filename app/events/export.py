"""The audit log as a CSV file, streamed while it is read.

Only what the person may read goes in; that it was taken out is on record before the first row leaves.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.events.listing import Line, Wanted, lines_of
from app.events.operations import record
from app.events.queries import list_events
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel.actor import Actor, Permission

ROWS_A_ROUND = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
_HEAD = (
    "id", "at", "who", "who_id", "company", "kind", "what", "record_type", "record_id", "record", "door", "place",
    "details",
)  # fmt: skip


def record_export(session: Session, actor: Actor, wanted: Wanted, *, now: datetime) -> None:
    """Put on record that the log is taken out.  Does not commit.  Raises NotAllowed."""
    actor.require(Permission.EVENT_VIEW)
    user = session.get_one(User, actor.user_id)
    detail = {"object": "audit_log", "filter": {name: list(values) for name, values in wanted.given.items()}}
    record(session, actor, verb="exported", subject=user, at=now, detail=detail)


def export_lines(session: Session, actor: Actor, wanted: Wanted) -> Iterator[str]:
    """The file, a few hundred rows at a time; memory stays flat however long the log is."""
    yield _BYTE_ORDER_MARK + _text([_HEAD])
    cursor: str | None = None
    while True:
        page = list_events(session, actor, wanted.filter, cursor=cursor, limit=ROWS_A_ROUND)
        yield _text([_row(line) for line in lines_of(session, actor, page.items)])
        session.expunge_all()
        cursor = page.older
        if cursor is None:
            return


def _row(line: Line) -> list[Any]:
    event, says = line.event, line.says
    what = f"{says.before}{line.subject.name or line.subject.ref if says.has_record else ''}{says.after}"
    return [
        line.ref,
        event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event.actor_name,
        line.who_ref,
        line.company,
        event.verb,
        f"{what}: {line.note}" if line.note else what,
        event.record_kind,
        event.record_ref,
        line.subject.name,
        event.door,
        line.place,
        "; ".join(f"{name}: {value}" for name, value in line.details),
    ]


def _text(rows: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([[neutralise(str(cell)) for cell in row] for row in rows])
    return out.getvalue()
