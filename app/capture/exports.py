"""Forms and what waits in quarantine as CSV files, sent while they are read; that they were taken out is recorded."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.capture.models import Cause, LeadForm
from app.capture.queries import count_trapped, list_lead_forms, list_trapped
from app.events.operations import record
from app.identity.models import User
from app.intake.neutralise import neutralise
from app.kernel.actor import Actor, Permission

ROWS_A_ROUND = 200
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else


def record_export(
    session: Session, actor: Actor, what: str, narrowed: Mapping[str, Any], *, now: datetime
) -> None:
    """Put on record what is taken out.  Does not commit.  Raises NotAllowed."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    user = session.get_one(User, actor.user_id)
    detail = {"object": what, "filter": {name: [value] for name, value in narrowed.items() if value}}
    record(session, actor, verb="exported", subject=user, at=now, detail=detail)


def form_lines(session: Session, actor: Actor, sort: str) -> Iterator[str]:
    """All forms."""
    head = ("id", "name", "language", "is_active", "fields", "in_quarantine", "created_at", "updated_at")
    yield _BYTE_ORDER_MARK + _line(head)
    trapped = count_trapped(session)
    cursor: str | None = ""
    while cursor is not None:
        page = list_lead_forms(session, actor, sort=sort, cursor=cursor or None, limit=ROWS_A_ROUND)
        for form in page.items:
            asks = ", ".join(str(field["name"]) for field in form.fields)
            number = trapped.get(form.id, 0)
            yield _line(
                [form.ref, form.name, form.language, form.is_active, asks, number, _at(form.created_at), _at(form.updated_at)]
            )  # fmt: skip
        cursor = page.older


def post_lines(
    session: Session, actor: Actor, form: LeadForm | None, cause: Cause | None, sort: str
) -> Iterator[str]:
    """What waits in quarantine; what was typed is one column, a field a line."""
    yield _BYTE_ORDER_MARK + _line(("id", "form", "at", "cause", "times", "typed"))
    cursor: str | None = ""
    while cursor is not None:
        page = list_trapped(
            session, actor, form, cause=cause, sort=sort, cursor=cursor or None, limit=ROWS_A_ROUND
        )
        for post in page.items:
            typed = "\n".join(f"{name}: {text}" for name, text in post.values.items())
            yield _line([post.ref, post.form_name, _at(post.at), post.cause, post.times, typed])
        cursor = page.older


def _at(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([neutralise(str(cell)) for cell in cells])
    return text.getvalue()
