"""Trying a version of the rules against past leads, without changing anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Assignment, Lead
from app.partners.models import PartnerAccount
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.models import Queue, RoundRobin, RuleSet, Turn
from app.routing.rule_queries import TargetName, target_names
from app.routing.rules import Entry, LeadReader, open_book
from app.sharing.scope import scope

MOST_LEADS = 1000
STANDARD_LEADS = 500

# A version names partner accounts to whoever keeps the rules, whichever accounts they see in their lists.
_NAMING = Actor.system("names of rule targets")


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One past lead: where it went at first, and where the tried rules would have sent it.

    entry: position of the one that matches, None for the default queue.
    """

    ref: str
    title: str
    created_at: datetime
    entry: int | None
    target: TargetName
    went_to: TargetName
    differs: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How many of the leads a target got, and how many it would get."""

    target: TargetName
    then: int
    now: int

    @property
    def shift(self) -> int:
        return self.now - self.then


@dataclass(frozen=True, slots=True)
class Trial:
    """rows: newest first.  loads: by how much they shift, the most first."""

    rows: Sequence[TrialRow]
    loads: Sequence[Load]

    @property
    def differing(self) -> int:
        return sum(row.differs for row in self.rows)


def try_rules(
    session: Session,
    actor: Actor,
    rules: RuleSet,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = STANDARD_LEADS,
    now: datetime,
) -> Trial:
    """What the version would do with leads that came in between two moments, as these leads are today.

    A round robin is one target: whose turn it would have been is left open.  Whether somebody was away or
    full then is not asked.  Raises NotAllowed.
    """
    actor.require(Permission.ROUTING_MANAGE)
    book = open_book(session, rules)
    names = target_names(session, book.entries, now=now)
    default = session.scalars(select(Queue).where(Queue.is_default)).one()
    fallback = TargetName(QUEUE, default.ref, default.name)
    leads = _past_leads(session, actor, since, until, min(limit, MOST_LEADS))
    placed = _first_places(session, [lead.id for lead in leads])
    queues = _partner_queues(session, book.entries)
    reader = LeadReader(session, book.fields)
    rows, then, after = [], Counter[TargetName](), Counter[TargetName]()
    for lead in leads:
        entry = book.evaluate(reader.of_lead(lead)).entry
        target = _bare(names[entry.kind, entry.target_id]) if entry else fallback
        went_to = placed.get(lead.id, fallback)
        # A partner account's leads go to its queue, which is where they are found afterwards.
        differs = went_to != queues.get(target.ref, target)
        rows.append(
            TrialRow(
                lead.ref,
                lead.title_for(actor),
                lead.created_at,
                entry.position if entry else None,
                target,
                went_to,
                differs,
            )
        )
        then[went_to] += 1
        after[target if differs else went_to] += 1
    targets = set(then) | set(after)
    loads = [Load(target, then[target], after[target]) for target in targets]
    loads.sort(key=lambda load: (-abs(load.shift), -load.now, load.target.name))
    return Trial(rows, loads)


def _bare(target: TargetName) -> TargetName:
    """Without how it stands now, so that equal targets are equal."""
    return TargetName(target.kind, target.ref, target.name)


def _past_leads(
    session: Session, actor: Actor, since: datetime | None, until: datetime | None, limit: int
) -> Sequence[Lead]:
    statement = select(Lead).where(scope(Lead, actor, Level.READ))
    if since is not None:
        statement = statement.where(Lead.created_at >= since)
    if until is not None:
        statement = statement.where(Lead.created_at <= until)
    return session.scalars(statement.order_by(Lead.created_at.desc(), Lead.id.desc()).limit(limit)).all()


def _first_places(session: Session, lead_ids: Sequence[int]) -> Mapping[int, TargetName]:
    """Where each lead went when it came in; a turn counts as its round robin."""
    first = (
        select(func.min(Assignment.id)).where(Assignment.lead_id.in_(lead_ids)).group_by(Assignment.lead_id)
    )
    rows = session.execute(
        select(
            Assignment.lead_id, RoundRobin.ref, RoundRobin.name, Queue.ref, Queue.name, User.ref, User.name
        )
        .outerjoin(Turn, Turn.id == Assignment.turn_id)
        .outerjoin(RoundRobin, RoundRobin.id == Turn.round_robin_id)
        .outerjoin(Queue, Queue.id == Assignment.to_queue_id)
        .outerjoin(User, User.id == Assignment.to_user_id)
        .where(Assignment.id.in_(first))
    )
    return {lead_id: _place(*names) for lead_id, *names in rows}


def _place(
    group: str | None, group_name: str, queue: str | None, queue_name: str, user: str | None, user_name: str
) -> TargetName:
    if group is not None:
        return TargetName(ROUND_ROBIN, group, group_name)
    if queue is not None:
        return TargetName(QUEUE, queue, queue_name)
    return TargetName(USER, user or "", user_name or "")


def _partner_queues(session: Session, entries: Sequence[Entry]) -> Mapping[str, TargetName]:
    """Public name of a partner account that is a target → its partner queue."""
    ids = [entry.target_id for entry in entries if entry.kind == PARTNER_ACCOUNT]
    if not ids:
        return {}
    rows = session.execute(
        select(Account.ref, Queue.ref, Queue.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .join(Queue, Queue.id == PartnerAccount.queue_id)
        .where(scope(Account, _NAMING), Account.id.in_(ids))
    )
    return {account: TargetName(QUEUE, ref, name) for account, ref, name in rows}
