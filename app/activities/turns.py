"""Turns that the cases and opportunities of an account or a contact took: made, closed, won, lost, opened again.

They stand in its timeline beside what happened to itself, of those that the reader sees.  Each record tells of
its beginning and of its last turn: `created_at` and `turned_at`, each with an index for the account and its order,
so that a page costs the same however many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, select, tuple_, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.activities.places import Record
from app.cases.models import Case
from app.events.models import Event
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.opportunities.models import ContactRole, Opportunity, OpportunityContact, OutcomeReason
from app.sharing.scope import branches, scope, scoped

Place = tuple[datetime, int, int]  # when, number of the source, key of the record: the order of turns


@dataclass(frozen=True, slots=True)
class _Source:
    """One kind of turn.  at: the column of its moment.  view: who may read such records at all."""

    number: int
    model: type[Any]
    at: InstrumentedAttribute[Any]
    view: Permission


# A record that was made closed tells of its making first.
_SOURCES = (
    _Source(1, Case, Case.created_at, Permission.CASE_VIEW),
    _Source(2, Case, Case.turned_at, Permission.CASE_VIEW),
    _Source(3, Opportunity, Opportunity.created_at, Permission.OPPORTUNITY_VIEW),
    _Source(4, Opportunity, Opportunity.turned_at, Permission.OPPORTUNITY_VIEW),
)
_BY_NUMBER = {source.number: source for source in _SOURCES}
_TURNS = ("closed", "reopened", "won", "lost")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn.  at, number, key: its place among others."""

    at: datetime
    number: int
    key: int

    @property
    def place(self) -> Place:
        return (self.at, self.number, self.key)

    @property
    def is_beginning(self) -> bool:
        return _BY_NUMBER[self.number].at.key == "created_at"


@dataclass(frozen=True, slots=True)
class Turned:
    """What a line says of a turn.  who: "" for nobody whom the reader knows.  role: the contact's part in it."""

    turn: Turn
    record: Case | Opportunity
    who: str
    outcome: OutcomeReason | None = None
    role: ContactRole | None = None


def turns_of(
    session: Session, actor: Actor, record: Record, after: Place | None, limit: int
) -> Sequence[Turn]:
    """The newest turns on the record's page after that place, one more than `limit`, of what the actor sees.

    One statement; none beside records that have no cases and opportunities of their own.
    """
    if not isinstance(record, Account | Contact):
        return []
    selects = [
        each
        for source in _SOURCES
        if actor.can(source.view)
        for each in _newest(actor, source, record, after, limit)
    ]
    if not selects:
        return []
    # Several rules may give one record; UNION tells it once.
    found = union(*(select(*each.subquery().c) for each in selects)).subquery("turns")
    rows = session.execute(
        select(found.c.at, found.c.number, found.c.id)
        .order_by(found.c.at.desc(), found.c.number.desc(), found.c.id.desc())
        .limit(limit + 1)
    )
    return [Turn(at, number, key) for at, number, key in rows]


def _newest(
    actor: Actor, source: _Source, record: Account | Contact, after: Place | None, limit: int
) -> list[Select[*tuple[Any, ...]]]:
    """The first rows of each rule of visibility, so that each may go along the index that suits it."""
    model, at = source.model, source.at
    conditions = [_is_here(model, record), at.is_not(None)]
    if after is not None:
        conditions.append(_comes_after(source, after))
    rules = branches(model, actor, Level.READ)
    whole = [rule for rule in rules if rule.is_whole]
    return [
        select(model.id.label("id"), at.label("at"), literal(source.number).label("number"))
        .where(scoped(model, rule.at_least(Level.READ)), *conditions)
        .order_by(at.desc(), model.id.desc())
        .limit(limit + 1)
        for rule in whole[:1] or rules
    ]


def _is_here(model: type[Any], record: Account | Contact) -> ColumnElement[bool]:
    if isinstance(record, Account):
        of_account: ColumnElement[bool] = model.account_id == record.id
        return of_account
    if model is Case:
        return Case.contact_id == record.id
    return Opportunity.id.in_(_parts_of(record))


def _parts_of(contact: Contact) -> Select[int]:
    return select(OpportunityContact.opportunity_id).where(OpportunityContact.contact_id == contact.id)


def _comes_after(source: _Source, after: Place) -> ColumnElement[bool]:
    moment, number, key = literal(after[0], source.at.type), after[1], after[2]
    if source.number == number:
        return tuple_(source.at, source.model.id) < tuple_(moment, literal(key))
    return source.at <= moment if source.number < number else source.at < moment


def tell_turns(session: Session, actor: Actor, record: Record, turns: Sequence[Turn]) -> dict[Turn, Turned]:
    """What there is to say of these, as found a moment ago.  One statement for each kind of record among them."""
    told: dict[Turn, Turned] = {}
    for model in (Case, Opportunity):
        mine = [turn for turn in turns if _BY_NUMBER[turn.number].model is model]
        if not mine:
            continue
        rows = {row[0].id: row for row in session.execute(_details(actor, model, record, mine))}
        for turn in mine:
            if turn.key in rows:
                found, maker, event, outcome, role = rows[turn.key]
                who = _maker(actor, maker) if turn.is_beginning else _doer(actor, event)
                told[turn] = Turned(turn, found, who, outcome, role)
    return told


def _details(
    actor: Actor, model: type[Any], record: Record, turns: Sequence[Turn]
) -> Select[*tuple[Any, ...]]:
    # By its moment an event is found in the index, however many others the record has.
    turning = and_(
        Event.record_kind == model.__tablename__,
        Event.record_id == model.id,
        Event.at == model.turned_at,
        Event.verb.in_(_TURNS),
    )
    statement = (
        select(model, User, Event)
        .outerjoin(User, User.id == model.created_by_id)
        .outerjoin(Event, turning)
        .where(scope(model, actor, Level.READ), model.id.in_([turn.key for turn in turns]))
    )
    if model is Case:
        return statement.add_columns(literal(None), literal(None))
    statement = statement.outerjoin(OutcomeReason, OutcomeReason.id == Opportunity.outcome_id)
    if not isinstance(record, Contact):
        return statement.add_columns(OutcomeReason, literal(None))
    part = and_(
        OpportunityContact.opportunity_id == Opportunity.id, OpportunityContact.contact_id == record.id
    )
    return statement.outerjoin(OpportunityContact, part).add_columns(OutcomeReason, OpportunityContact.role)


def _maker(actor: Actor, user: User | None) -> str:
    """For partner people there is nobody outside their company."""
    if user is None or (actor.is_partner and user.partner_account_id != actor.company_id):
        return ""
    return user.name


def _doer(actor: Actor, event: Event | None) -> str:
    if event is None or event.actor_id is None:
        return ""
    return "" if actor.is_partner and event.company_id != actor.company_id else event.actor_name
