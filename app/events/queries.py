"""Reading the record of events: what changed, newest first, of records that the asker may see.

Every filter starts an index that ends in the order of the list, so that a page costs the same at a million
events.  Where more is asked for than one index answers (two filters, or what somebody may see), a bounded
number of events is looked through at a time: the page may then be short, and its cursor goes on from there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, false, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from app.events.hiding import as_told
from app.events.lookup import find_place
from app.events.models import Event
from app.events.visibility import visible_events
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# How many events are looked through for one page: few first, which mostly do, then as many as may be.
LOOKED_THROUGH = (1_000, 20_000)
# So many values of a filter are each read from their own place in its index.
MOST_BRANCHES = 12

_place = tuple_(Event.at, Event.id)
_NEWEST = (Event.at.desc(), Event.id.desc())


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; each list means any of its values, an empty one means all.

    records, actors: public names.  verbs: what was done.  doors: which way it came.  since, until: both inclusive.
    """

    records: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    doors: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def shape(self) -> list[Any]:
        """What a cursor is bound to."""
        return [
            "events", self.records, self.actors, self.verbs, self.doors, str(self.since), str(self.until)
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its public name and its actor's, None for a part of the system."""

    ref: str
    event: Event
    actor_ref: str | None


@dataclass(frozen=True, slots=True)
class _Search:
    """branches: conditions that each start an index, of which any may hold.  rest: what must hold besides."""

    branches: Sequence[Sequence[ColumnElement[bool]]]
    rest: Sequence[ColumnElement[bool]]
    within: Sequence[ColumnElement[bool]]


def list_events(
    session: Session, actor: Actor, wanted: EventFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EventRow]:
    """Events, newest first.  Administrators get all of them, others those of records that they may read.

    The page may hold fewer than `limit`, even none, and yet be followed by others.
    Raises NotAllowed, BadCursor.
    """
    actor.require(Permission.EVENT_VIEW)
    after = None
    if cursor:
        at, key, _back = read_cursor(actor.user_id, wanted.shape, cursor)
        after = (at, key)
    search = _plan(session, actor, wanted, after)
    found, last = _look(session, search, limit)
    older = make_cursor(actor.user_id, wanted.shape, *last) if last is not None else None
    return Page(_load(session, actor, [key for _at, key in found]), older)


def _plan(session: Session, actor: Actor, wanted: EventFilter, after: tuple[datetime, int] | None) -> _Search:
    """One filter by its index, the others and what the actor may see as what is checked on the way."""
    filters = _filters(session, wanted)
    first = next((f for f in filters if len(f) <= MOST_BRANCHES), None)
    branches = [[condition] for condition in first] if first is not None else [[]]
    rest = [_any_of(conditions) for conditions in filters if conditions is not first]
    visible = visible_events(actor)
    if visible is not None:
        rest.append(visible)
    within: list[ColumnElement[bool]] = []
    if wanted.since is not None:
        within.append(Event.at >= wanted.since)
    if wanted.until is not None:
        within.append(Event.at <= wanted.until)
    if after is not None:
        within.append(_place < after)
    return _Search(branches, rest, within)


def _filters(session: Session, wanted: EventFilter) -> list[list[ColumnElement[bool]]]:
    """The conditions of each filter that is given, one for each value; the most telling filter first."""
    found: list[list[ColumnElement[bool]]] = []
    if wanted.records:
        asked = {find_place(session, ref) for ref in wanted.records}
        places = [place for place in asked if place is not None]
        found.append(
            [and_(Event.record_kind == kind, Event.record_id == key) for kind, key in sorted(places)]
        )
    if wanted.actors:
        keys = session.scalars(select(User.id).where(User.ref.in_(wanted.actors)).order_by(User.id))
        found.append([Event.actor_id == key for key in keys])
    if wanted.verbs:
        found.append([Event.verb == verb for verb in sorted(set(wanted.verbs))])
    if wanted.doors:
        found.append([Event.door == door for door in sorted(set(wanted.doors))])
    return found


def _any_of(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return or_(false(), *conditions)


def _look(
    session: Session, search: _Search, limit: int
) -> tuple[list[tuple[datetime, int]], tuple[datetime, int] | None]:
    """The places of the events of a page, and where the next page begins, None at the end."""
    if not search.branches:
        return [], None
    for number in LOOKED_THROUGH if search.rest else (None,):
        floor = _floor(session, search, number) if number is not None else None
        found = _places(session, search, floor, limit + 1)
        if len(found) > limit:
            return found[:limit], found[limit - 1]
        if floor is None:
            return found, None
    return found, floor


def _floor(session: Session, search: _Search, number: int) -> tuple[datetime, int] | None:
    """Down to where everything lies within so many events of each branch; None when there are no more."""
    selects = [_newest(branch, search.within).offset(number).limit(1) for branch in search.branches]
    return next(iter(_run(session, _merged(selects, 1))), None)


def _places(
    session: Session, search: _Search, floor: tuple[datetime, int] | None, limit: int
) -> list[tuple[datetime, int]]:
    """(at, id) of the newest events down to the floor."""
    return _run(session, _select_places(search, floor, limit))


def _select_places(search: _Search, floor: tuple[datetime, int] | None, limit: int) -> Any:
    above = [] if floor is None else [_place >= floor]
    selects = [
        _newest(branch, (*search.within, *above, *search.rest)).limit(limit) for branch in search.branches
    ]
    return _merged(selects, limit)


def _newest(
    branch: Sequence[ColumnElement[bool]], conditions: Sequence[ColumnElement[bool]]
) -> Select[datetime, int]:
    return select(Event.at, Event.id).where(*branch, *conditions).order_by(*_NEWEST)


def _merged(selects: Sequence[Select[datetime, int]], limit: int) -> Any:
    """The rows of all of them, newest first."""
    if len(selects) == 1:
        return selects[0]
    merged = union_all(*(select(*s.subquery().c) for s in selects)).subquery("merged")
    return select(merged.c.at, merged.c.id).order_by(merged.c.at.desc(), merged.c.id.desc()).limit(limit)


def _run(session: Session, statement: Any) -> list[tuple[datetime, int]]:
    return [(at, key) for at, key in session.execute(statement)]


def _load(session: Session, actor: Actor, keys: Sequence[int]) -> list[EventRow]:
    if not keys:
        return []
    statement = select(Event, User.ref).outerjoin(User, User.id == Event.actor_id).where(Event.id.in_(keys))
    rows = {event.id: (event, ref) for event, ref in session.execute(statement)}
    told = as_told(session, actor, [rows[key][0] for key in keys])
    return [EventRow(event_ref(event.id), event, rows[event.id][1]) for event in told]


def event_ref(key: int) -> str:
    """The public name of an event: its key under a cipher, so that nobody reads a volume off it.

    Other names are stored; events are too many and too seldom named for a column and an index.
    """
    secret = str(current_app.config["SECRET_KEY"])
    number = int.from_bytes(_enciphered(secret, key), "big")
    digits = []
    for _place in range(22):
        number, rest = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[rest])
    return f"{refs.EVENT}_{''.join(reversed(digits))}"


def _enciphered(secret: str, key: int) -> bytes:
    # One block, each key once: a permutation is all that is wanted, so that no mode is needed.
    encryptor = Cipher(algorithms.AES(_cipher_key(secret)), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(key.to_bytes(16, "big")) + encryptor.finalize()


@lru_cache(maxsize=4)
def _cipher_key(secret: str) -> bytes:
    return hashlib.sha256(b"event names " + secret.encode()).digest()


def names_of_sources(session: Session, keys: Sequence[int]) -> dict[int, str]:
    """Key → name of lead sources, which events of edits hold as keys."""
    from app.leads.models import LeadSource

    if not keys:
        return {}
    rows = session.execute(select(LeadSource.id, LeadSource.name).where(LeadSource.id.in_(keys)))
    return {key: name for key, name in rows}  # noqa: C416 - rows are no pairs to mypy
