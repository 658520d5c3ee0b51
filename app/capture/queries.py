"""Reading forms and what waits in quarantine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select, tuple_
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


# What forms and posts are sorted by, as addresses say it; a dash before it turns it around.
FORM_SORTS: Mapping[str, Any] = {
    "name": func.lower(LeadForm.name), "language": LeadForm.language, "created": LeadForm.created_at,
    "changed": LeadForm.updated_at,
}  # fmt: skip
POST_SORTS: Mapping[str, Any] = {"came": LeadFormPost.at}


def list_lead_forms(
    session: Session,
    actor: Actor,
    *,
    sort: str = "-created",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[LeadForm]:
    """Forms, newest first unless sorted otherwise; a sort that is not known is none.  Raises NotAllowed, BadCursor."""
    actor.require(Permission.LEAD_FORM_MANAGE)
    statement = select(LeadForm).where(LeadForm.deleted_at.is_(None))
    order = _Order(FORM_SORTS, sort, "-created", LeadForm.id, ["lead forms"])
    rows, older = order.page(session, actor, statement, cursor, limit)
    return Page([row[0] for row in rows], older)


def list_trapped(
    session: Session,
    actor: Actor,
    form: LeadForm | None = None,
    *,
    cause: Cause | None = None,
    sort: str = "-came",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[TrappedPost]:
    """What waits in quarantine, of one form or cause or of all, the latest first unless sorted otherwise.

    Raises NotAllowed, BadCursor.
    """
    actor.require(Permission.LEAD_FORM_MANAGE)
    shape = ["trapped", form.id if form else None, cause]
    statement = (
        select(LeadFormPost, LeadForm.ref, LeadForm.name)
        .join(LeadForm, LeadForm.id == LeadFormPost.form_id)
        .where(LeadFormPost.state == PostState.TRAPPED)
    )
    if form is not None:
        statement = statement.where(LeadFormPost.form_id == form.id)
    if cause is not None:
        statement = statement.where(LeadFormPost.cause == cause)
    order = _Order(POST_SORTS, sort, "-came", LeadFormPost.id, shape)
    rows, older = order.page(session, actor, statement, cursor, limit)
    shown = [
        TrappedPost(p.ref, ref, name, p.at, p.cause or Cause.TRAP, p.times, p.values)
        for p, ref, name, *_sort in rows
    ]
    return Page(shown, older)


@dataclass(frozen=True, slots=True)
class _Order:
    """A list's order and the pages of it.  sorts: name → column; usual: what holds where `sort` is none of them."""

    sorts: Mapping[str, Any]
    sort: str
    usual: str
    key: Any
    shape: list[Any]

    def page(
        self,
        session: Session,
        actor: Actor,
        statement: Select[*tuple[Any, ...]],
        cursor: str | None,
        limit: int,
    ) -> tuple[Sequence[Any], str | None]:
        sort = self.sort if self.sort.removeprefix("-") in self.sorts else self.usual
        column, shape = self.sorts[sort.removeprefix("-")], [*self.shape, sort]
        if cursor:
            value, key, _back = read_cursor(actor.user_id, shape, cursor)
            here, after = tuple_(column, self.key), tuple_(literal(value), literal(key))
            statement = statement.where(here < after if sort.startswith("-") else here > after)
        order = (column, self.key)
        statement = statement.add_columns(column.label("sort_value"))
        statement = statement.order_by(*(each.desc() if sort.startswith("-") else each for each in order))
        rows = session.execute(statement.limit(limit + 1)).all()
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], make_cursor(actor.user_id, shape, last.sort_value, last[0].id)


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
