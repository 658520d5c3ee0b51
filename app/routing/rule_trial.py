"""Trying a version of the rules against past leads, beside the version in force, without changing anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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
from app.routing.rule_queries import TargetName, find_active, target_names
from app.routing.rules import Entry, LeadReader, RuleBook, open_book
from app.sharing.scope import scope

MOST_LEADS = 1000
STANDARD_LEADS = 500

# A version names partner accounts to whoever keeps the rules, whichever accounts they see in their lists.
_NAMING = Actor.system("names of rule targets")


class Against(StrEnum):
    """What a tried version is compared with.

    ACTIVE: what the version in force would do with the same leads, so that only what was changed between the two
    makes a difference.  PAST: where the leads went when they came in, when the version in force is tried itself or
    none is in force.
    """

    ACTIVE = "active"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One past lead: where the tried rules would send it, and where it goes or went otherwise.

    entry: position of the one that matches, None for the default queue.  other: as the trial's `against` says.
    """

    ref: str
    title: str
    created_at: datetime
    entry: int | None
    target: TargetName
    other: TargetName
    differs: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How many of the leads a target gets or got otherwise, and how many by the tried version."""

    target: TargetName
    other: int
    tried: int

    @property
    def shift(self) -> int:
        return self.tried - self.other


@dataclass(frozen=True, slots=True)
class Trial:
    """rows: newest first.  loads: by how much they shift, the most first.  active: the version compared with."""

    rows: Sequence[TrialRow]
    loads: Sequence[Load]
    against: Against
    active: RuleSet | None

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
    active = find_active(session)
    default = session.scalars(select(Queue).where(Queue.is_default)).one()
    fallback = TargetName(QUEUE, default.ref, default.name)
    leads = _past_leads(session, actor, since, until, min(limit, MOST_LEADS))
    tried = _Version.open(session, rules, fallback, now)
    against, others, queues = _compared(session, rules, active, leads, fallback, now)
    queues |= tried.queues
    rows, other_loads, tried_loads = [], Counter[TargetName](), Counter[TargetName]()
    for lead in leads:
        (entry, target), other = tried.judge(lead), others[lead.id]
        # A partner account's leads go to its queue, which is where they are found afterwards.
        ends, ended = queues.get(target.ref, target), queues.get(other.ref, other)
        position = entry.position if entry else None
        title = lead.title_for(actor)
        rows.append(TrialRow(lead.ref, title, lead.created_at, position, target, other, ends != ended))
        other_loads[ended] += 1
        tried_loads[ends] += 1
    loads = [Load(each, other_loads[each], tried_loads[each]) for each in set(other_loads) | set(tried_loads)]
    loads.sort(key=lambda load: (-abs(load.shift), -load.tried, load.target.name))
    return Trial(rows, loads, against, active)


def _compared(
    session: Session,
    rules: RuleSet,
    active: RuleSet | None,
    leads: Sequence[Lead],
    fallback: TargetName,
    now: datetime,
) -> tuple[Against, Mapping[int, TargetName], dict[str, TargetName]]:
    """What is compared with: lead → its place, and the partner queues that this names, by their account."""
    if active is None or active.id == rules.id:
        placed = _first_places(session, [lead.id for lead in leads])
        return Against.PAST, {lead.id: placed.get(lead.id, fallback) for lead in leads}, {}
    version = _Version.open(session, active, fallback, now)
    return Against.ACTIVE, {lead.id: version.judge(lead)[1] for lead in leads}, dict(version.queues)


@dataclass(frozen=True, slots=True)
class _Version:
    """A version, ready to say where leads go.  queues: as `_partner_queues` has them."""

    book: RuleBook
    reader: LeadReader
    names: Mapping[tuple[str, int], TargetName]
    takers: "_Takers"
    queues: Mapping[str, TargetName]
    default: TargetName

    @classmethod
    def open(cls, session: Session, rules: RuleSet, default: TargetName, now: datetime) -> "_Version":
        book = open_book(session, rules)
        return cls(
            book,
            LeadReader(session, book.fields),
            target_names(session, book.entries, now=now),
            _Takers.of(session, book.entries, now),
            _partner_queues(session, book.entries),
            default,
        )

    def judge(self, lead: Lead) -> tuple[Entry | None, TargetName]:
        """The entry that takes the lead, None for none, and where it goes."""
        entry = self.book.evaluate(self.reader.of_lead(lead)).entry
        if entry is None:
            return None, self.default
        if not self.takers.takes(entry, lead):
            return entry, self.takers.fallback(entry) or self.default
        return entry, _bare(self.names[entry.kind, entry.target_id])


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
