"""What one person has to do: overdue, today, the next days, later; theirs, and what they take part in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, Subquery, select, tuple_, union
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityKind, Participant
from app.activities.places import PlaceName, is_readable, names_of_places
from app.activities.queries import own_side
from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor

OVERDUE, TODAY, NEXT, LATER, SOMETIME = WHENS = ("overdue", "today", "next", "later", "sometime")
NEXT_DAYS = 7


@dataclass(frozen=True, slots=True)
class DayQuery:
    """kinds: none for all.  when: one of `WHENS`, "" for all.  today, tomorrow, soon: the borders, by the person's clock."""

    kinds: tuple[ActivityKind, ...]
    when: str
    today: datetime
    tomorrow: datetime
    soon: datetime

    @property
    def shape(self) -> list[Any]:
        return ["my day", [kind.value for kind in self.kinds], self.when, self.today.isoformat()]

    def when_of(self, due_at: datetime | None) -> str:
        """The part of the list that something belongs to."""
        if due_at is None:
            return SOMETIME
        borders = ((self.today, OVERDUE), (self.tomorrow, TODAY), (self.soon, NEXT))
        return next((name for border, name in borders if due_at < border), LATER)


def read_day_query(actor: Actor, *, kinds: Sequence[str], when: str, now: datetime) -> DayQuery:
    """What is asked for.  Raises Invalid."""
    if when not in ("", *WHENS):
        raise Invalid({"when": [_l("Choose one of those that are offered.")]})
    try:
        wanted = tuple(ActivityKind(kind) for kind in kinds if kind)
    except ValueError as error:
        raise Invalid({"kind": [_l("Choose one of those that are offered.")]}) from error
    zone = ZoneInfo(actor.time_zone)
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    borders = (
        midnight + timedelta(days=days) for days in (0, 1, 1 + NEXT_DAYS)
    )  # wall clock, over changes of time
    today, tomorrow, soon = borders
    return DayQuery(tuple(dict.fromkeys(wanted)), when, today, tomorrow, soon)


@dataclass(frozen=True, slots=True)
class ToDo:
    """One thing to do.  when: its part of the list.  whose: its assignee's name where that is somebody else."""

    activity: Activity
    on: PlaceName | None
    when: str
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list with its heading."""

    when: str
    label: Any
    items: Sequence[ToDo] = field(default_factory=list)


def list_day(
    session: Session, actor: Actor, query: DayQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[ToDo]:
    """What the actor has planned or takes part in and may still read, the most pressing first.

    Two statements, and one for each kind of record.  Raises BadCursor.
    """
    after = None
    if cursor:
        value, key, _back = read_cursor(actor.user_id, query.shape, cursor)
        after = (datetime.fromisoformat(value[0]) if value[0] is not None else None, key)
    keys = _first(actor, query, after, limit + 1)
    found = session.execute(
        select(Activity, User.name)
        .join(keys, keys.c.id == Activity.id)
        .outerjoin(User, User.id == Activity.assignee_id)
        .order_by(Activity.due_at.is_(None), Activity.due_at, Activity.id)
        .limit(limit + 1)
    ).all()
    shown = found[:limit]
    places = names_of_places(session, actor, [activity for activity, _name in shown])
    items = [
        ToDo(
            activity,
            places.get(activity.id),
            query.when_of(activity.due_at),
            "" if activity.assignee_id == actor.user_id else name or "",
        )
        for activity, name in shown
    ]
    if len(found) <= limit:
        return Page(items)
    last = shown[-1][0]
    due = last.due_at.isoformat() if last.due_at is not None else None
    return Page(items, make_cursor(actor.user_id, query.shape, [due], last.id))


def in_parts(items: Sequence[ToDo]) -> list[Part]:
    """The items under the headings of the parts that they belong to."""
    parts = [Part(when, LABELS[when], [item for item in items if item.when == when]) for when in WHENS]
    return [part for part in parts if part.items]


LABELS = {
    OVERDUE: _l("Overdue"),
    TODAY: _l("Today"),
    NEXT: _l("Next seven days"),
    LATER: _l("Later"),
    SOMETIME: _l("Without a date"),
}


Place = tuple[datetime | None, int]  # due_at and key of the last row of a page


def _first(actor: Actor, query: DayQuery, after: Place | None, limit: int) -> Subquery:
    """The keys of the first rows behind a place: of each branch that many, found in the order of its index."""
    conditions = [own_side(actor, Activity.company_id), is_readable(actor)]
    if query.kinds:
        conditions.append(Activity.kind.in_(query.kinds))
    branches = []
    for whose in _mine(actor):
        if query.when != SOMETIME and (after is None or after[0] is not None):
            within = [Activity.due_at.is_not(None), *_between(query)]
            if after is not None:
                within.append(tuple_(Activity.due_at, Activity.id) > after)
            branches.append(whose.where(*conditions, *within).order_by(Activity.due_at, Activity.id))
        if query.when in ("", SOMETIME):
            within = [Activity.due_at.is_(None)]
            if after is not None and after[0] is None:
                within.append(Activity.id > after[1])
            branches.append(whose.where(*conditions, *within).order_by(Activity.id))
    # Both whose it is and taking part counts once.
    return union(*(select(branch.limit(limit).subquery().c.id) for branch in branches)).subquery("first")


def _mine(actor: Actor) -> tuple[Select[int], Select[int]]:
    """What is still to be done: theirs; what they take part in."""
    keys = select(Activity.id).where(~Activity.is_done)
    return (
        keys.where(Activity.assignee_id == actor.user_id),
        keys.join(Participant, Participant.activity_id == Activity.id).where(
            Participant.user_id == actor.user_id
        ),
    )


def _between(query: DayQuery) -> list[ColumnElement[bool]]:
    """The dates of the part that is asked for."""
    match query.when:
        case "overdue":
            return [Activity.due_at < query.today]
        case "today":
            return [Activity.due_at >= query.today, Activity.due_at < query.tomorrow]
        case "next":
            return [Activity.due_at >= query.tomorrow, Activity.due_at < query.soon]
        case "later":
            return [Activity.due_at >= query.soon]
    return []
