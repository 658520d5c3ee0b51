"""Accounts and contacts that nobody has worked with for long, by owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.told import last_activity_column
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.sharing.scope import scope

DAYS = (30, 60, 90)
MODELS: Mapping[str, Any] = {"account": Account, "contact": Contact}
# So many owners stand on a page.
MOST_OWNERS = 50


@dataclass(frozen=True, slots=True)
class OwnerAge:
    """How many of somebody's records have been idle for 30, 60 and 90 days; `COUNT_CAP` + 1 stands for more."""

    ref: str
    name: str
    has_left: bool
    counts: Mapping[int, int]


def is_idle(model: Any, actor: Actor, since: datetime) -> ColumnElement[bool]:
    """That nothing which the actor is told of was done with the record since that moment, nor was it made since."""
    column = last_activity_column(model, actor)
    return or_(column < since, and_(column.is_(None), model.created_at < since))


def ages_by_owner(
    session: Session, actor: Actor, kind: str, *, after: str = "", now: datetime
) -> tuple[Sequence[OwnerAge], str]:
    """(a page of the internal people by name, the name to go on after, "" at the end).

    Counts what the actor may read, records that are left out of reports aside.  One statement; each number
    is counted up to a thousand from the owner's own records.
    """
    model = MODELS[kind]
    people = (
        select(User.id, User.ref, User.name, User.state)
        .where(User.partner_account_id.is_(None), User.name > after)
        .order_by(User.name, User.id)
        .limit(MOST_OWNERS + 1)
        .subquery("people")
    )
    counts = [
        _idle_of(model, actor, people.c.id, now - timedelta(days=days)).label(f"idle_{days}") for days in DAYS
    ]
    rows = session.execute(select(people, *counts).order_by(people.c.name, people.c.id)).all()
    found = [
        OwnerAge(
            row.ref,
            row.name,
            row.state is UserState.DEACTIVATED,
            {days: getattr(row, f"idle_{days}") for days in DAYS},
        )
        for row in rows[:MOST_OWNERS]
    ]
    return found, found[-1].name if len(rows) > MOST_OWNERS else ""


def _idle_of(model: Any, actor: Actor, owner: Any, since: datetime) -> Any:
    found: Select[Any] = (
        select(model.id)
        .where(
            scope(model, actor, Level.READ),
            model.owner_user_id == owner,
            model.left_out_at.is_(None),
            model.deleted_at.is_(None),
            is_idle(model, actor, since),
        )
        .limit(COUNT_CAP + 1)
        .correlate(owner.table)
    )
    return select(func.count()).select_from(found.subquery()).scalar_subquery()
