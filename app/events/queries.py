"""Reading the record of events: what changed, newest first, of records that the asker may see."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity
from app.events.models import Event
from app.identity.models import User
from app.intake.models import Import
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission, Role
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.leads.models import BulkAct, Lead
from app.notifications.models import Delivery
from app.routing.models import Queue, RoundRobin, RuleSet
from app.sharing.scope import scope

# Which record a public name stands for; whether its events are shown is decided for each of them.
_NAMING = Actor.system("events of records")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KINDS: dict[str, Any] = {
    refs.LEAD: Lead,
    refs.ACCOUNT: Account,
    refs.CONTACT: Contact,
    refs.USER: User,
    refs.QUEUE: Queue,
    refs.ROUND_ROBIN: RoundRobin,
    refs.RULE: RuleSet,
    refs.ACTIVITY: Activity,
    refs.IMPORT: Import,
    refs.BULK: BulkAct,
    refs.DELIVERY: Delivery,
}
_SHARED: dict[str, Any] = {"lead": Lead, "account": Account, "contact": Contact}
# Done by somebody alone: others learn of them by the records they changed.
_PERSONAL = ("import", "bulk_act")


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; each list means any of its values, an empty one means all.

    records, actors: public names.  verbs: what was done.  since, until: both inclusive.
    """

    records: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def shape(self) -> list[Any]:
        """What a cursor is bound to."""
        return ["events", self.records, self.actors, self.verbs, str(self.since), str(self.until)]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its public name and its actor's, None for a part of the system."""

    ref: str
    event: Event
    actor_ref: str | None


def list_events(
    session: Session, actor: Actor, wanted: EventFilter, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[EventRow]:
    """Events, newest first.  Administrators get all of them, others those of records that they may read.

    Raises NotAllowed, BadCursor.
    """
    actor.require(Permission.EVENT_VIEW)
    statement = (
        select(Event, User.ref)
        .outerjoin(User, User.id == Event.actor_id)
        .where(_visible(actor), *_conditions(session, wanted))
    )
    if cursor:
        _value, after, _back = read_cursor(actor.user_id, wanted.shape, cursor)
        statement = statement.where(Event.id < after)
    rows = session.execute(statement.order_by(Event.id.desc()).limit(limit + 1)).all()
    shown = [EventRow(event_ref(event.id), event, ref) for event, ref in rows[:limit]]
    older = None
    if len(rows) > limit:
        older = make_cursor(actor.user_id, wanted.shape, None, shown[-1].event.id)
    return Page(shown, older)


def _conditions(session: Session, wanted: EventFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.records:
        found = [_of_record(session, ref) for ref in wanted.records]
        conditions.append(or_(false(), *found))
    if wanted.actors:
        conditions.append(Event.actor_id.in_(select(User.id).where(User.ref.in_(wanted.actors))))
    if wanted.verbs:
        conditions.append(Event.verb.in_(wanted.verbs))
    if wanted.since is not None:
        conditions.append(Event.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Event.at <= wanted.until)
    return conditions


def _of_record(session: Session, ref: str) -> ColumnElement[bool]:
    """By kind and key, which are indexed; what has no key any more by its name."""
    model = _KINDS.get(ref.partition("_")[0])
    if model is None:
        return Event.record_ref == ref
    statement = select(model.id).where(model.ref == ref)
    if model.__tablename__ in _SHARED:
        statement = statement.where(scope(model, _NAMING))
    key = session.scalar(statement)
    if key is None:
        return Event.record_ref == ref
    return and_(Event.record_kind == model.__tablename__, Event.record_id == key)


def _visible(actor: Actor) -> ColumnElement[bool]:
    if actor.role is Role.ADMINISTRATOR:
        return true()
    readable = {
        kind: select(model.id).where(scope(model, actor, Level.READ)) for kind, model in _SHARED.items()
    }
    activity = exists().where(
        Activity.id == Event.record_id,
        or_(
            Activity.lead_id.in_(readable["lead"]),
            Activity.account_id.in_(readable["account"]),
            Activity.contact_id.in_(readable["contact"]),
        ),
    )
    return or_(
        Event.record_kind.not_in((*_SHARED, "activity", *_PERSONAL)),
        *(and_(Event.record_kind == kind, Event.record_id.in_(ids)) for kind, ids in readable.items()),
        and_(Event.record_kind == "activity", activity),
        and_(Event.record_kind.in_(_PERSONAL), Event.actor_id == actor.user_id),
    )


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
