"""What somebody who leaves owns and what is pending with them, before anything is changed.

Everything is counted, whether or not the person who asks sees each record: they decide about all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.models import Activity, ActivityKind
from app.cases.models import Case
from app.identity.models import ApiToken, User, UserSession, UserState
from app.kernel.actor import Actor, Role
from app.leads.models import Lead
from app.opportunities.models import Opportunity, StageCategory
from app.partners.models import PartnerAccount
from app.routing.models import (
    Queue,
    QueueMember,
    RoundRobin,
    RoundRobinMember,
    RuleEntry,
    RuleSet,
    RuleState,
)
from app.sharing.scope import scope

_PLANNING = Actor.system("leaving")


@dataclass(frozen=True, slots=True)
class Place:
    """A queue or round robin in which the leaver has a seat.  kind: queue or round_robin."""

    kind: str
    ref: str
    name: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """What a leaving touches.  open_leads: owned, offers included; waiting: in the partner queue; cases, opportunities: open ones.
    ref: of the user.

    rules: (version, position) of entries of the active rules that give to the leaver.
    """

    ref: str = ""
    open_leads: int = 0
    offers: int = 0
    waiting: int = 0
    cases: int = 0
    opportunities: int = 0
    tasks: int = 0
    sessions: int = 0
    tokens: int = 0
    accounts: int = 0
    contacts: int = 0
    people: int = 0
    places: Sequence[Place] = field(default_factory=list)
    rules: Sequence[tuple[int, int]] = field(default_factory=list)

    @property
    def asks(self) -> bool:
        """Whether there is anything to decide about."""
        return bool(self.open_leads or self.waiting or self.cases or self.opportunities)


def plan_user_leaving(session: Session, user: User, *, now: datetime) -> Leaving:
    """What deactivating the user touches."""
    mine = User.id == user.id
    open_leads, offers = _leads(session, Lead.owner_user_id == user.id)
    sessions, tokens = _keys(session, mine, now)
    tasks = Activity.assignee_id == user.id
    return Leaving(
        ref=user.ref,
        open_leads=open_leads,
        offers=offers,
        tasks=_count(
            session, select(Activity.id).where(tasks, Activity.kind == ActivityKind.TASK, ~Activity.is_done)
        ),
        sessions=sessions,
        tokens=tokens,
        cases=_owned(session, Case, user, Case.is_open.is_(True)),
        opportunities=_owned(session, Opportunity, user, Opportunity.category == StageCategory.OPEN),
        accounts=_owned(session, Account, user),
        contacts=_owned(session, Contact, user),
        places=_places(session, QueueMember.user_id == user.id, RoundRobinMember.user_id == user.id),
        rules=_rules(session, RuleEntry.target_user_id == user.id),
    )


def plan_suspension(session: Session, partner: PartnerAccount, *, now: datetime) -> Leaving:
    """What suspending the partner account touches."""
    key = partner.account_id
    people = select(User.id).where(User.partner_account_id == key)
    open_leads, offers = _leads(session, Lead.partner_account_id == key)
    sessions, tokens = _keys(session, User.partner_account_id == key, now)
    waiting = select(Lead.id).where(
        scope(Lead, _PLANNING), Lead.deleted_at.is_(None), Lead.owner_queue_id == partner.queue_id
    )
    done = and_(Activity.company_id == key, Activity.kind == ActivityKind.TASK, ~Activity.is_done)
    member = RoundRobinMember
    return Leaving(
        open_leads=open_leads,
        offers=offers,
        waiting=_count(session, waiting),
        tasks=_count(session, select(Activity.id).where(done)),
        sessions=sessions,
        tokens=tokens,
        people=_count(session, people.where(User.state != UserState.DEACTIVATED)),
        places=_places(
            session,
            and_(
                or_(QueueMember.account_id == key, QueueMember.user_id.in_(people)),
                QueueMember.queue_id != partner.queue_id,
            ),
            or_(member.account_id == key, member.user_id.in_(people), member.queue_id == partner.queue_id),
        ),
        rules=_rules(
            session,
            or_(
                RuleEntry.target_account_id == key,
                RuleEntry.target_queue_id == partner.queue_id,
                RuleEntry.target_user_id.in_(people),
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class Successor:
    """Somebody whom the open leads can be given to.  value: kind and public name, as the form sends it."""

    value: str
    name: str


def find_successors(session: Session, user: User | None) -> dict[str, list[Successor]]:
    """Whom leads of the user can go to, in the groups `colleagues`, `users` and `queues`.

    user: None when a whole partner account leaves.  Whether each can take them is asked when it is done.
    """
    company = user.partner_account_id if user else None
    others = [User.state == UserState.ACTIVE, User.role != Role.VIEWER, User.id != (user.id if user else 0)]
    internal = _users(session, *others, User.partner_account_id.is_(None))
    colleagues = _users(session, *others, User.partner_account_id == company) if company else []
    queues = session.execute(
        select(Queue.ref, Queue.name)
        .where(Queue.deleted_at.is_(None), Queue.partner_account_id.is_(None))
        .order_by(Queue.is_default.desc(), Queue.name_fold)
    )
    return {
        "colleagues": colleagues,
        "users": internal,
        "queues": [Successor(f"queue:{ref}", name) for ref, name in queues],
    }


def _users(session: Session, *conditions: ColumnElement[bool]) -> list[Successor]:
    found = session.execute(
        select(User.ref, User.name).where(*conditions).order_by(func.lower(User.name), User.id).limit(500)
    )
    return [Successor(f"user:{ref}", name) for ref, name in found]


def _leads(session: Session, whose: ColumnElement[bool]) -> tuple[int, int]:
    row = session.execute(
        select(func.count(Lead.id), func.count(Lead.offer_id)).where(
            scope(Lead, _PLANNING),
            whose,
            Lead.is_open,
            Lead.deleted_at.is_(None),
            Lead.owner_user_id.is_not(None),
        )
    ).one()
    return row[0], row[1]


def _keys(session: Session, whose: ColumnElement[bool], now: datetime) -> tuple[int, int]:
    users = select(User.id).where(whose)
    sessions = select(UserSession.id).where(
        UserSession.user_id.in_(users), UserSession.ended_at.is_(None), UserSession.expires_at > now
    )
    tokens = select(ApiToken.id).where(
        ApiToken.user_id.in_(users),
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
    )
    return _count(session, sessions), _count(session, tokens)


def _owned(
    session: Session,
    model: type[Account] | type[Contact] | type[Case] | type[Opportunity],
    user: User,
    *which: ColumnElement[bool],
) -> int:
    mine = select(model.id).where(
        scope(model, _PLANNING), model.owner_user_id == user.id, model.deleted_at.is_(None), *which
    )
    return _count(session, mine)


def _places(session: Session, queue_seat: ColumnElement[bool], turn_seat: ColumnElement[bool]) -> list[Place]:
    queues = session.execute(
        select(Queue.ref, Queue.name)
        .join(QueueMember, QueueMember.queue_id == Queue.id)
        .where(queue_seat)
        .distinct()
        .order_by(Queue.name)
    )
    groups = session.execute(
        select(RoundRobin.ref, RoundRobin.name)
        .join(RoundRobinMember, RoundRobinMember.round_robin_id == RoundRobin.id)
        .where(turn_seat, RoundRobinMember.removed_at.is_(None), RoundRobin.deleted_at.is_(None))
        .distinct()
        .order_by(RoundRobin.name)
    )
    return [Place("queue", *row) for row in queues] + [Place("round_robin", *row) for row in groups]


def _rules(session: Session, target: ColumnElement[bool]) -> list[tuple[int, int]]:
    found = session.execute(
        select(RuleSet.number, RuleEntry.position)
        .join(RuleEntry, RuleEntry.rule_set_id == RuleSet.id)
        .where(RuleSet.state == RuleState.ACTIVE, target)
        .order_by(RuleEntry.position)
    )
    return [(number, position) for number, position in found]


def _count(session: Session, rows: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(rows.subquery())) or 0
