"""What home pages show: what needs somebody today, each with the list it counts, and what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    union,
)
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.activities.day import list_day, read_day_query
from app.events.models import Event
from app.identity.models import User, UserState
from app.intake.models import Import
from app.intake.queries import may_see
from app.kernel.actor import Actor, Level, Permission
from app.kernel.paging import COUNT_CAP
from app.leads.filters import is_stale, left_behind_parts
from app.leads.models import Lead, LeadStatus, Offer, OfferState, StatusCategory
from app.notifications.models import Delivery, DeliveryState
from app.partners.models import PartnerAccount, PartnerState
from app.routing.models import Queue, RoutingAlert, RuleSet, RuleState
from app.sharing.scope import scope

# Events and offers looked through for what happened today; a busier day shows its latest part.
LOOKED_THROUGH = 20_000
# What partners did that a channel manager wants to read of; the words are in `home/_parts.html`.
TOLD = ("claimed", "accepted", "declined", "released", "logged", "edited")
SHOWN_TASKS = 8
# Open leads with somebody that nobody has touched for so long are told of.
STALE_DAYS = 14


@dataclass(frozen=True, slots=True)
class Needs:
    """Counts, at most COUNT_CAP + 1 each.  Zero where the actor's role has nothing to do with it."""

    waiting: int
    oldest_waiting: datetime | None
    default_queue_ref: str
    default_queue: str
    refusals: int
    alerts: int
    failed_mail: int
    invited: int
    imports: int
    left_behind: int
    stale: int
    partners: int
    rules: int


def what_needs(session: Session, actor: Actor, *, since: datetime) -> Needs:
    """All of it in one statement.  since: the start of today."""
    moments = {"since": since, "stale": since - timedelta(days=STALE_DAYS)}
    return Needs(*session.execute(_needs(actor), moments).one())


@lru_cache(maxsize=512)
def _needs(actor: Actor) -> Select[*tuple[Any, ...]]:
    since: ColumnElement[Any] = bindparam("since", type_=Offer.answered_at.type)
    stale: ColumnElement[Any] = bindparam("stale", type_=Offer.answered_at.type)
    default = aliased(Queue)
    waits = and_(scope(Lead, actor), Lead.owner_queue_id == _default_queue(Queue.id))
    nothing = literal(0)
    may = actor.can
    return select(
        _count(select(Lead.id).where(waits)).label("waiting"),
        # Not min(): this way both databases read one entry of the index.
        select(Lead.waiting_since)
        .where(waits)
        .order_by(Lead.waiting_since, Lead.id)
        .limit(1)
        .scalar_subquery()
        .label("oldest_waiting"),
        select(default.ref).where(default.is_default).scalar_subquery().label("queue_ref"),
        select(default.name).where(default.is_default).scalar_subquery().label("queue_name"),
        _count(_refusals(actor, since).with_only_columns(Offer.id)).label("refusals"),
        _count(select(RoutingAlert.id).where(RoutingAlert.resolved_at.is_(None))).label("alerts")
        if may(Permission.ROUTING_MANAGE)
        else nothing.label("alerts"),
        _count(select(Delivery.id).where(Delivery.state == DeliveryState.FAILED)).label("failed")
        if may(Permission.DELIVERY_MANAGE)
        else nothing.label("failed"),
        _count(_invited().with_only_columns(User.id)).label("invited")
        if may(Permission.PARTNER_VIEW)
        else nothing.label("invited"),
        _count(select(Import.id).where(may_see(actor), Import.refused > 0)).label("imports")
        if may(Permission.LEAD_IMPORT)
        else nothing.label("imports"),
        _count(
            union(*(select(Lead.id).where(scope(Lead, actor), part) for part in left_behind_parts()))
        ).label("left_behind"),
        _count(select(Lead.id).where(scope(Lead, actor), is_stale(stale))).label("stale"),
        _count(select(PartnerAccount.account_id)).label("partners"),
        _count(select(RuleSet.id).where(RuleSet.state == RuleState.ACTIVE)).label("rules"),
    )


def _default_queue(column: Any) -> ScalarSelect[Any]:
    return select(column).where(Queue.is_default).scalar_subquery()


def _count(rows: Select[Any] | CompoundSelect[Any]) -> ScalarSelect[Any]:
    return select(func.count()).select_from(rows.limit(COUNT_CAP + 1).subquery()).scalar_subquery()


def _refusals(actor: Actor, since: Any) -> Select[Any]:
    """Offers that were declined or lapsed since then, of leads that the actor may read."""
    latest = select(Offer.id).order_by(Offer.id.desc()).limit(LOOKED_THROUGH)
    return (
        select(Offer)
        .join(Lead, and_(Lead.id == Offer.lead_id, scope(Lead, actor, Level.READ)))
        .where(
            Offer.id.in_(select(latest.subquery().c.id)),
            Offer.state.in_((OfferState.DECLINED, OfferState.EXPIRED)),
            Offer.answered_at >= since,
        )
    )


def _invited() -> Select[Any]:
    """Partner users who were invited and have never signed in; those of a suspended company wait for it."""
    return (
        select(User)
        .join(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
        .where(
            PartnerAccount.state == PartnerState.ACTIVE,
            User.state != UserState.DEACTIVATED,
            User.first_web_sign_in_at.is_(None),
        )
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An offer that nobody took: of which lead, to whom, why."""

    lead_ref: str
    title: str
    user: str
    company: str
    state: OfferState
    reason: str | None
    note: str | None
    at: datetime


def list_refusals(session: Session, actor: Actor, *, since: datetime, limit: int) -> Sequence[Refusal]:
    """What `Needs.refusals` counts, the latest first."""
    rows = session.execute(
        _refusals(actor, since)
        .join(User, User.id == Offer.user_id)
        .outerjoin(Account, and_(Account.id == Offer.company_id, scope(Account, actor)))
        .with_only_columns(Offer, Lead, User.name, Account.name)
        .order_by(Offer.answered_at.desc(), Offer.id.desc())
        .limit(limit)
    )
    return [
        Refusal(
            lead.ref,
            lead.title_for(actor),
            name,
            company_name or "",
            offer.state,
            offer.reason,
            offer.note,
            offer.answered_at or offer.expires_at,
        )
        for offer, lead, name, company_name in rows
    ]


@dataclass(frozen=True, slots=True)
class Invited:
    ref: str
    name: str
    email: str
    company: str
    company_ref: str
    state: UserState
    at: datetime


def list_invited(session: Session, actor: Actor, *, limit: int) -> Sequence[Invited]:
    """What `Needs.invited` counts, those first who have had their invitation longest."""
    rows = session.execute(
        _invited()
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, actor)))
        .with_only_columns(User, Account.name, Account.ref)
        .order_by(User.created_at, User.id)
        .limit(limit)
    )
    return [
        Invited(user.ref, user.name, user.email, company or "", ref or "", user.state, user.created_at)
        for user, company, ref in rows
    ]


def list_refused_imports(session: Session, actor: Actor, *, limit: int) -> Sequence[Import]:
    """What `Needs.imports` counts, the latest first."""
    return session.scalars(
        select(Import).where(may_see(actor), Import.refused > 0).order_by(Import.id.desc()).limit(limit)
    ).all()


@dataclass(frozen=True, slots=True)
class PartnerDay:
    """What a partner's people did today: verb → how often."""

    ref: str
    name: str
    acts: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(count for _verb, count in self.acts)


def partner_activity(
    session: Session, actor: Actor, *, since: datetime, limit: int = 8
) -> Sequence[PartnerDay]:
    """The busiest partners since then, of those that the actor may see.  One statement."""
    latest = (
        select(Event.at, Event.verb, Event.company_id)
        .order_by(Event.id.desc())
        .limit(LOOKED_THROUGH)
        .subquery()
    )
    rows = session.execute(
        select(Account.ref, Account.name, latest.c.verb, func.count())
        .select_from(latest)
        .join(Account, and_(Account.id == latest.c.company_id, scope(Account, actor)))
        .where(latest.c.company_id.is_not(None), latest.c.at >= since, latest.c.verb.in_(TOLD))
        .group_by(Account.ref, Account.name, latest.c.verb)
    )
    found: dict[str, tuple[str, list[tuple[str, int]]]] = {}
    for ref, name, verb, count in rows:
        found.setdefault(ref, (name, []))[1].append((verb, count))
    days = [
        PartnerDay(ref, name, sorted(acts, key=lambda act: -act[1])) for ref, (name, acts) in found.items()
    ]
    return sorted(days, key=lambda day: (-day.total, day.name))[:limit]


@dataclass(frozen=True, slots=True)
class StatusCount:
    key: str
    name: str
    category: str
    count: int


def count_by_status(session: Session, actor: Actor) -> Sequence[StatusCount]:
    """How many leads of each status the actor may see, at most COUNT_CAP + 1 each.  Two statements."""
    statuses = session.scalars(
        select(LeadStatus).where(LeadStatus.is_active).order_by(LeadStatus.position, LeadStatus.id)
    ).all()
    if not statuses:
        return []
    counts = session.execute(
        select(
            *(
                _count(select(Lead.id).where(scope(Lead, actor), Lead.status_id == s.id)).label(s.key)
                for s in statuses
            )
        )
    ).one()
    return [
        StatusCount(s.key, s.name, StatusCategory(s.category).value, count)
        for s, count in zip(statuses, counts, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Task:
    ref: str
    kind: str
    subject: str
    due_at: datetime | None
    record_kind: str
    record_ref: str
    record_name: str


def my_tasks(session: Session, actor: Actor, *, now: datetime, limit: int = SHOWN_TASKS) -> Sequence[Task]:
    """What the person has planned and not done, the most pressing first; on records they may still read."""
    query = read_day_query(actor, kinds=(), when="", now=now)
    found = list_day(session, actor, query, limit=limit).items
    return [
        Task(
            item.activity.ref, item.activity.kind.value, item.activity.subject, item.activity.due_at,
            item.on.kind, item.on.ref, item.on.name,
        )
        for item in found
        if item.on is not None
    ]  # fmt: skip
