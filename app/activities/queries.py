"""Reading activities, and the timeline of a record: its activities and events, newest first.

That of an account or a contact tells as well what its cases and opportunities turned into.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.accounts.relations.told import relations_in_words
from app.activities.comments import Readers, is_of_other_side, readers_of, told_to
from app.activities.doors import arrival_in_words
from app.activities.models import Activity, ActivityKind
from app.activities.on_page import first_on
from app.activities.people import PersonNamed, names_of_people
from app.activities.places import (
    Record,
    is_readable,
    names_of_places,
    place_of_activity,
    results_of,
)
from app.activities.turn_words import turn_row
from app.activities.turns import Place as TurnPlace
from app.activities.turns import Turn, tell_turns, turns_of
from app.activities.words import TimelineRow, activity_row, event_row
from app.events.hiding import as_told
from app.events.models import Event
from app.events.visibility import told_of_others
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level
from app.kernel.errors import NotFound
from app.kernel.paging import Page, make_cursor, read_cursor
from app.leads.models import Lead
from app.opportunities.told import parts_in_words
from app.sharing.scope import scope

Done = tuple[Activity, str]  # an activity and the name of whose it is, or who did it
Entry = Event | Done | Turn
MOST_PLANNED = 20
NEWEST = (Activity.at.desc(), Activity.id.desc())
# As the index of what is open has it, so that the first are read from there.
MOST_PRESSING = (Activity.due_at.asc().nulls_last(), Activity.id)
# Said by the activity itself, or of no interest beside the record.
_SILENT_VERBS = ("logged",)


def get_activity(session: Session, actor: Actor, ref: str) -> Activity:
    """The activity, if its record may be read and the actor's side is told of it.  Raises NotFound."""
    if not refs.is_ref(refs.ACTIVITY, ref):
        raise NotFound("activity", ref)
    # In one statement, so that one whose record is hidden costs as much as one that is nowhere.
    activity = session.scalar(select(Activity).where(Activity.ref == ref, told_to(actor), is_readable(actor)))
    if activity is None:
        raise NotFound("activity", ref)
    return activity


def get_record_of(session: Session, actor: Actor, activity: Activity) -> Record:
    """The lead, account or contact that the activity is on.  Raises NotFound when it may not be read."""
    place, key = place_of_activity(activity)
    found: Record | None = session.scalar(
        select(place.model).where(scope(place.model, actor, Level.READ), place.model.id == key)
    )
    if found is None and place.model is Lead:  # what the lead became stands for it
        for model, became in results_of(key).items():
            if found is None:
                found = session.scalar(
                    select(model).where(scope(model, actor, Level.READ), model.id.in_(became))
                )
    if found is not None:
        return found
    raise NotFound("activity", activity.ref)


@dataclass(frozen=True, slots=True)
class OpenActivity:
    """One activity with its record and its people.  doer: whose it is; "" for nobody any more."""

    activity: Activity
    record: Record
    people: Sequence[PersonNamed]
    doer: str
    assignee_ref: str
    author: str
    readers: Readers | None


def open_activity(session: Session, actor: Actor, ref: str) -> OpenActivity:
    """What the page of an activity shows.  Raises NotFound."""
    activity = get_activity(session, actor, ref)
    record = get_record_of(session, actor, activity)
    keys = {activity.assignee_id, activity.created_by_id} - {None}
    known = {
        key: (user_ref, name)
        for key, user_ref, name in session.execute(
            select(User.id, User.ref, User.name).where(User.id.in_(keys))
        )
    }
    if is_of_other_side(actor, activity):
        known = dict.fromkeys(known, ("", get_organisation(session).name))
    assignee_ref, doer = known.get(activity.assignee_id or 0, ("", ""))
    return OpenActivity(
        activity,
        record,
        names_of_people(session, actor, [activity])[activity.id],
        doer,
        assignee_ref,
        known.get(activity.created_by_id or 0, ("", ""))[1],
        readers_of(session, actor, [activity]).get(activity.id),
    )


def get_record(session: Session, actor: Actor, model: type[Record], ref: str) -> Record:
    """A lead, account or contact that the actor may read.  Raises NotFound."""
    kept: Any = model  # a union of models is beyond the types of `select`
    found: Record | None = session.scalar(
        select(kept).where(scope(model, actor, Level.READ), kept.ref == ref)
    )
    if found is None:
        raise NotFound(model.__tablename__, ref)
    return found


def list_activities(
    session: Session, actor: Actor, record: Record, *, cursor: str | None = None, limit: int = 50
) -> Page[tuple[Activity, str]]:
    """What is on the record's page with whose it is, newest first.  record: one the actor may read.

    Of an account also what is on its contacts; of a contact also what it takes part in.  Partner people get those of their own company, and what the vendor wrote to it.  Raises BadCursor.
    """
    shape = ["activities", record.ref]
    wanted = [told_to(actor)]
    if cursor:
        at, key, _back = read_cursor(actor.user_id, shape, cursor)
        wanted.append(_before(at, key))
    named = select(Activity, User.name).outerjoin(User, User.id == Activity.assignee_id)
    rows = first_on(session, actor, record, named, wanted, NEWEST, limit + 1)
    found = [(activity, name or "") for activity, name in rows]
    if len(found) <= limit:
        return Page(found)
    last = found[limit - 1][0]
    return Page(found[:limit], make_cursor(actor.user_id, shape, last.at, last.id))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page of the timeline ends in each of its sources."""

    event: tuple[datetime, int] | None = None
    activity: tuple[datetime, int] | None = None
    turn: TurnPlace | None = None


def timeline(
    session: Session, actor: Actor, record: Record, *, cursor: str | None = None, limit: int = 20
) -> Page[TimelineRow]:
    """What happened to the record, newest first: events, finished activities, and turns of its cases and opportunities.

    Two statements and those of `first_on`, those of `rows_of` beside them, and one where the record came in by an import or the API; three
    more at most for the turns.

    record: one the actor may read.  Partner people get what their own company did and what the vendor wrote to it,
    nothing else: no act of the vendor's people, none of a company that had the lead before.
    Raises BadCursor.
    """
    shape = ["timeline", record.ref, "by moment"]
    place = _read_place(actor, shape, cursor)
    events = list(_events(session, actor, record, place, limit))
    done = list(_done(session, actor, record, place, limit))
    turns = turns_of(session, actor, record, place.turn, limit)
    shown = _merge([events, done, turns], limit)
    told = iter(rows_of(session, actor, [e for e in shown if isinstance(e, tuple)], record))
    turned = tell_turns(session, actor, record, [e for e in shown if isinstance(e, Turn)])
    # Sentences that name other records, forms, files and tokens, where the reader sees these.
    naming = {
        **relations_in_words(session, actor, events),
        **parts_in_words(session, actor, events),
        **arrival_in_words(session, actor, record, events),
    }
    rows = []
    for entry in shown:
        if isinstance(entry, Event):
            rows.append(event_row(entry, actor, naming.get(entry.id, "")))
        elif isinstance(entry, Turn):
            rows += [turn_row(turned[entry])] if entry in turned else []
        else:
            rows.append(next(told))
    goes_on = len(events) + len(done) + len(turns) > limit
    return Page(rows, _write_place(actor, shape, place, shown) if goes_on else None)


def _merge(sources: Sequence[Sequence[Entry]], limit: int) -> list[Entry]:
    """The newest of all, each source in its own order, so that what is left over is the rest of each."""
    merged: list[Entry] = []
    heads = [list(reversed(source)) for source in sources]
    while len(merged) < limit and any(heads):
        newest = max((head for head in heads if head), key=lambda head: _moment(head[-1]))
        merged.append(newest.pop())
    return merged


def _moment(entry: Entry) -> datetime:
    return entry[0].at if isinstance(entry, tuple) else entry.at


def planned(session: Session, actor: Actor, record: Record) -> Sequence[TimelineRow]:
    """What is still to be done on the record, the most pressing first."""
    named = select(Activity, User.name).outerjoin(User, User.id == Activity.assignee_id)
    wanted = [own_side(actor, Activity.company_id), ~Activity.is_done]
    rows = first_on(session, actor, record, named, wanted, MOST_PRESSING, MOST_PLANNED)
    return rows_of(session, actor, [(activity, name or "") for activity, name in rows], record)


def rows_of(
    session: Session, actor: Actor, found: Sequence[Done], record: Record | None = None
) -> list[TimelineRow]:
    """The activities as lines, with who takes part.  record: on whose page; what is on another says on which.

    One statement, one for each kind of other record, and one for who reads what was noted.
    """
    activities = [activity for activity, _name in found]
    people = names_of_people(session, actor, activities)
    others = [a for a in activities if record is None or not _is_on(a, record)]
    places = names_of_places(session, actor, others)
    readers = readers_of(session, actor, activities)
    return [
        activity_row(
            activity,
            name,
            people=people[activity.id],
            on=places.get(activity.id),
            readers=readers.get(activity.id),
        )
        for activity, name in found
    ]


def _is_on(activity: Activity, record: Record) -> bool:
    place, key = place_of_activity(activity)
    return isinstance(record, place.model) and key == record.id


def _events(session: Session, actor: Actor, record: Record, place: _Place, limit: int) -> Sequence[Event]:
    conditions = [
        Event.record_kind == record.__tablename__,
        Event.record_id == record.id,
        Event.verb.not_in(_SILENT_VERBS),
        own_side(actor, Event.company_id),
        *(told_of_others(actor) if isinstance(record, (Account, Contact)) else ()),
    ]
    if place.event is not None:
        conditions.append(
            tuple_(Event.at, Event.id) < tuple_(literal(place.event[0], Event.at.type), place.event[1])
        )
    # As the record's index has them, so that a long history costs no more.
    newest = select(Event).where(*conditions).order_by(Event.at.desc(), Event.id.desc())
    found = session.scalars(newest.limit(limit + 1)).all()
    return as_told(session, actor, found)


def _done(session: Session, actor: Actor, record: Record, place: _Place, limit: int) -> Sequence[Done]:
    wanted = [told_to(actor), Activity.is_done]
    if place.activity is not None:
        wanted.append(_before(*place.activity))
    finisher = aliased(User)
    named = (
        select(Activity, User.name, finisher.name, finisher.partner_account_id)
        .outerjoin(User, User.id == Activity.assignee_id)
        .outerjoin(finisher, finisher.id == Activity.updated_by_id)
    )
    found = first_on(session, actor, record, named, wanted, NEWEST, limit + 1)
    theirs = {row[0].id for row in found if is_of_other_side(actor, row[0])}
    vendor = get_organisation(session).name if theirs else ""
    return [
        (row[0], vendor if row[0].id in theirs else _doer(actor, row[0], row[1], row[2], row[3]))
        for row in found
    ]


def _doer(
    actor: Actor, activity: Activity, author: str | None, finisher: str | None, finisher_company: int | None
) -> str:
    """Who did it: of a task whoever finished it, where the reader may know them; "" for nobody to be named."""
    if activity.kind is not ActivityKind.TASK:
        return author or ""
    return finisher or "" if actor.is_internal or finisher_company == actor.company_id else ""


def own_side(actor: Actor, column: Any) -> ColumnElement[bool]:
    """Internal people read everything; partner people what their own company wrote."""
    own: ColumnElement[bool] = column == actor.company_id
    return own if actor.is_partner else or_(column.is_(None), column.is_not(None))


def _before(at: datetime, key: int) -> ColumnElement[bool]:
    return or_(Activity.at < at, and_(Activity.at == at, Activity.id < key))


def _read_place(actor: Actor, shape: list[str], cursor: str | None) -> _Place:
    if not cursor:
        return _Place()
    (event, activity, turn), _key, _back = read_cursor(actor.user_id, shape, cursor)
    return _Place(
        (datetime.fromisoformat(event[0]), event[1]) if event else None,
        (datetime.fromisoformat(activity[0]), activity[1]) if activity else None,
        (datetime.fromisoformat(turn[0]), turn[1], turn[2]) if turn else None,
    )


def _write_place(actor: Actor, shape: list[str], place: _Place, shown: Sequence[Entry]) -> str:
    events = [(entry.at, entry.id) for entry in shown if isinstance(entry, Event)]
    activities = [entry[0] for entry in shown if isinstance(entry, tuple)]
    turns = [entry.place for entry in shown if isinstance(entry, Turn)]
    event = events[-1] if events else place.event
    last = (activities[-1].at, activities[-1].id) if activities else place.activity
    turned = turns[-1] if turns else place.turn
    return make_cursor(actor.user_id, shape, [_packed(event), _packed(last), _packed(turned)], 0)


def _packed(end: tuple[Any, ...] | None) -> list[Any] | None:
    """A moment and keys, as a cursor holds them."""
    return [end[0].isoformat(), *end[1:]] if end else None
