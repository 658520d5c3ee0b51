"""Reading forms and what waits in quarantine."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.capture.models import Cause, LeadForm, LeadFormPost, PostState
from app.kernel.actor import Actor, Permission
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor, read_cursor


@dataclass(frozen=True, slots=True)
class TrappedPost:
    """A post in quarantine.  values: field → what was typed."""

    ref: str
    form_ref: str
    form_name: str
    at: datetime
    cause: Cause
    times: int
    values: dict[str, Any]


def list_lead_forms(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[LeadForm]:
    """Forms, newest first.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    statement = select(LeadForm).where(LeadForm.deleted_at.is_(None))
    if cursor:
        statement = statement.where(LeadForm.id < read_cursor(actor.user_id, ["lead forms"], cursor)[1])
    found = session.scalars(statement.order_by(LeadForm.id.desc()).limit(limit + 1)).all()
    return _page(actor, ["lead forms"], found, limit)


def list_trapped(
    session: Session,
    actor: Actor,
    form: LeadForm | None = None,
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TrappedPost]:
    """What waits in quarantine, of one form or of all, the latest first.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    shape = ["trapped", form.id if form else None]
    statement = (
        select(LeadFormPost, LeadForm.ref, LeadForm.name)
        .join(LeadForm, LeadForm.id == LeadFormPost.form_id)
        .where(LeadFormPost.state == PostState.TRAPPED)
    )
    if form is not None:
        statement = statement.where(LeadFormPost.form_id == form.id)
    if cursor:
        statement = statement.where(LeadFormPost.id < read_cursor(actor.user_id, shape, cursor)[1])
    rows = session.execute(statement.order_by(LeadFormPost.id.desc()).limit(limit + 1)).all()
    shown = [
        TrappedPost(p.ref, ref, name, p.at, p.cause or Cause.TRAP, p.times, p.values)
        for p, ref, name in rows[:limit]
    ]
    more = len(rows) > limit
    return Page(shown, make_cursor(actor.user_id, shape, None, rows[limit - 1][0].id) if more else None)


def count_trapped(session: Session) -> dict[int, int]:
    """Key of a form → how many of its posts wait, of the latest thousand of all."""
    some = (
        select(LeadFormPost.form_id)
        .where(LeadFormPost.state == PostState.TRAPPED)
        .order_by(LeadFormPost.id.desc())
        .limit(COUNT_CAP)
        .subquery()
    )
    rows = session.execute(select(some.c.form_id, func.count()).group_by(some.c.form_id))
    return {form_id: int(count) for form_id, count in rows}


def _page(actor: Actor, shape: list[str], found: Sequence[LeadForm], limit: int) -> Page[LeadForm]:
    shown = found[:limit]
    return Page(shown, make_cursor(actor.user_id, shape, None, shown[-1].id) if len(found) > limit else None)
