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
from app.routing.candidates import MEMBER, PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER, Snapshot
from app.routing.eligibility import members_of, take_snapshot
from app.routing.matching import Match, facts_of_lead
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

    A round robin is one target: whose turn it would have been is left open, but for leads that none of its members
    takes turns for, which go where they go then.  Whether somebody was away or full then is not asked.
    Raises NotAllowed.
    """
    actor.require(Permission.ROUTING_MANAGE)
    book = open_book(session, rules)
    names = target_names(session, book.entries, now=now)
    default = session.scalars(select(Queue).where(Queue.is_default)).one()
    fallback = TargetName(QUEUE, default.ref, default.name)
    leads = _past_leads(session, actor, since, until, min(limit, MOST_LEADS))
    placed = _first_places(session, [lead.id for lead in leads])
    queues, takers = _partner_queues(session, book.entries), _Takers.of(session, book.entries, now)
    reader = LeadReader(session, book.fields)
    rows, then, after = [], Counter[TargetName](), Counter[TargetName]()
    for lead in leads:
        entry = book.evaluate(reader.of_lead(lead)).entry
        target = _bare(names[entry.kind, entry.target_id]) if entry else fallback
        if entry is not None and not takers.takes(entry, lead):
            target = takers.fallback(entry) or fallback
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


class _Takers:
    """Whether anybody in a round robin takes turns for a lead, and where it goes if not."""

    def __init__(
        self, groups: Mapping[int, RoundRobin], snapshot: Snapshot, queues: Mapping[int, Queue]
    ) -> None:
        self._groups, self._queues = groups, queues
        self._members: dict[int, list[tuple[Match | None, str | None]]] = {}
        for member_id, seat in snapshot.seats.items():
            level = snapshot.by_key[MEMBER, member_id].level_ref
            self._members.setdefault(seat.round_robin_id, []).append((seat.match, level))

    @classmethod
    def of(cls, session: Session, entries: Sequence[Entry], now: datetime) -> "_Takers":
        asked = {entry.target_id for entry in entries if entry.kind == ROUND_ROBIN}
        groups = {g.id: g for g in session.scalars(select(RoundRobin).where(RoundRobin.id.in_(asked)))}
        wanted = {g.fallback_queue_id for g in groups.values()} | {e.fallback_queue_id for e in entries}
        live = select(Queue).where(Queue.id.in_(wanted - {None}), Queue.deleted_at.is_(None))
        snapshot = take_snapshot(session, members_of(asked), now=now)
        return cls(groups, snapshot, {queue.id: queue for queue in session.scalars(live)})

    def takes(self, entry: Entry, lead: Lead) -> bool:
        """True, too, of every other target and of a round robin without members, which is left open."""
        members = self._members.get(entry.target_id) if entry.kind == ROUND_ROBIN else None
        if not members:
            return True
        facts = facts_of_lead(lead)
        return any(match is None or match.misses(facts, level) is None for match, level in members)

    def fallback(self, entry: Entry) -> TargetName | None:
        """As `desk` sends it on; None for the default queue."""
        for key in (self._groups[entry.target_id].fallback_queue_id, entry.fallback_queue_id):
            queue = self._queues.get(key or 0)
            if queue is not None:
                return TargetName(QUEUE, queue.ref, queue.name)
        return None


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
