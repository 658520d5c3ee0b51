"""Reading queues: the list with what waits, the members of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Permission, Role
from app.kernel.fold import fold
from app.kernel.paging import COUNT_CAP, Page, make_cursor, read_cursor
from app.kernel.prefix import starts_with
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerState
from app.routing.models import Queue, QueueMember, RoundRobin, RuleEntry, RuleSet, RuleState
from app.routing.principals import role_of_rank
from app.sharing.scope import scope

# Members are named to whoever may look at queues.
_NAMING = Actor.system("names of queue members")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue in the list.

    waiting: leads the actor sees in it, never more than COUNT_CAP + 1.  oldest: since when the first of
    them waits.  is_mine: whether the actor may claim there.
    """

    ref: str
    name: str
    is_default: bool
    is_partners: bool
    members: int
    waiting: int
    oldest: datetime | None
    accept_within_minutes: int | None
    is_mine: bool


def list_queues(
    session: Session,
    actor: Actor,
    *,
    partners: bool = False,
    search: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[QueueRow]:
    """Queues by name: the vendor's own, or those of partner accounts.  One statement.

    Raises NotAllowed, BadCursor.
    """
    actor.require(Permission.QUEUE_VIEW)
    shape = ["queues", partners, search]
    statement = (
        select(Queue, _members(), _waiting(actor, COUNT_CAP + 1), _oldest(actor))
        .where(Queue.deleted_at.is_(None))
        .where(Queue.partner_account_id.is_not(None) if partners else Queue.partner_account_id.is_(None))
    )
    if search:
        statement = statement.where(starts_with(session, Queue.name_fold, fold(search, 120)))
    back = False
    if cursor:
        name, key, back = read_cursor(actor.user_id, shape, cursor)
        here = _after(name, key, back=back)
        statement = statement.where(here)
    order = (Queue.name_fold.desc(), Queue.id.desc()) if back else (Queue.name_fold, Queue.id)
    rows = list(session.execute(statement.order_by(*order).limit(limit + 1)))
    more, rows = len(rows) > limit, rows[:limit]
    if back:
        rows.reverse()
    if not rows:
        return Page([])
    first, last = rows[0][0], rows[-1][0]
    older = make_cursor(actor.user_id, shape, last.name_fold, last.id) if back or more else None
    newer = None
    if (back and more) or (cursor and not back):
        newer = make_cursor(actor.user_id, shape, first.name_fold, first.id, back=True)
    return Page([_row(actor, *row) for row in rows], older, newer)


def _after(name: str, key: int, *, back: bool) -> ColumnElement[bool]:
    if back:
        return or_(Queue.name_fold < name, and_(Queue.name_fold == name, Queue.id < key))
    return or_(Queue.name_fold > name, and_(Queue.name_fold == name, Queue.id > key))


def _row(actor: Actor, queue: Queue, members: int, waiting: int, oldest: datetime | None) -> QueueRow:
    return QueueRow(
        ref=queue.ref,
        name=queue.name,
        is_default=queue.is_default,
        is_partners=queue.partner_account_id is not None,
        members=members,
        waiting=waiting,
        oldest=oldest,
        accept_within_minutes=queue.accept_within_minutes,
        is_mine=queue.id in actor.queue_ids,
    )


def _members() -> ScalarSelect[int]:
    return (
        select(func.count(QueueMember.id))
        .where(QueueMember.queue_id == Queue.id)
        .correlate(Queue)
        .scalar_subquery()
    )


def _waiting(actor: Actor, cap: int) -> ScalarSelect[int]:
    """How many wait, counted no further than the cap."""
    some = (
        select(Lead.id)
        .where(scope(Lead, actor), Lead.owner_queue_id == Queue.id, Lead.deleted_at.is_(None))
        .limit(cap)
        .correlate(Queue)
        .subquery()
    )
    return select(func.count()).select_from(some).scalar_subquery()


def _oldest(actor: Actor) -> ScalarSelect[datetime]:
    return (
        select(Lead.waiting_since)
        .where(scope(Lead, actor), Lead.owner_queue_id == Queue.id, Lead.deleted_at.is_(None))
        .order_by(Lead.waiting_since, Lead.id)
        .limit(1)
        .correlate(Queue)
        .scalar_subquery()
    )


def count_waiting(session: Session, actor: Actor, queue: Queue) -> int:
    """How many leads the actor sees waiting there, at most COUNT_CAP + 1."""
    some = (
        select(Lead.id)
        .where(scope(Lead, actor), Lead.owner_queue_id == queue.id, Lead.deleted_at.is_(None))
        .limit(COUNT_CAP + 1)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(some)) or 0


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A member of a queue.

    kind: "user" or "partner" (the users of a partner account from `role` on, all of them where it is None).
    people: how many that are now.  is_able: whether somebody of them could take a lead.
    """

    ref: str
    kind: str
    principal_ref: str
    name: str
    company_name: str
    role: Role | None
    people: int
    is_able: bool


def list_members(session: Session, queue: Queue) -> Sequence[MemberRow]:
    """The members of a queue, people first, by name.  Two statements."""
    users = session.execute(
        select(QueueMember, User, Account.name)
        .join(User, User.id == QueueMember.user_id)
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMING)))
        .where(QueueMember.queue_id == queue.id)
        .order_by(User.name, User.id)
    )
    rows = [
        MemberRow(
            member.ref, "user", user.ref, user.name, company or "", None, 1, user.state is UserState.ACTIVE
        )
        for member, user, company in users
    ]
    people = (
        select(func.count(User.id))
        .where(
            User.partner_account_id == QueueMember.account_id,
            User.state == UserState.ACTIVE,
            or_(
                QueueMember.minimum_rank <= 0,
                and_(QueueMember.minimum_rank <= 1, User.role.in_((Role.MANAGER, Role.EXECUTIVE))),
                User.role == Role.EXECUTIVE,
            ),
        )
        .correlate(QueueMember)
        .scalar_subquery()
    )
    accounts = session.execute(
        select(QueueMember, Account.ref, Account.name, PartnerAccount.state, people)
        .join(Account, and_(Account.id == QueueMember.account_id, scope(Account, _NAMING)))
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(QueueMember.queue_id == queue.id)
        .order_by(Account.name, Account.id)
    )
    for member, ref, name, state, count in accounts:
        is_able = state is PartnerState.ACTIVE and count > 0
        role = role_of_rank(member.minimum_rank)
        rows.append(MemberRow(member.ref, "partner", ref, name, "", role, count, is_able))
    return rows


@dataclass(frozen=True, slots=True)
class Feeder:
    """What sends leads to a queue: a rule of the active version, or a round robin's fallback."""

    kind: str
    ref: str
    name: str
    position: int = 0


def list_feeders(session: Session, queue: Queue) -> Sequence[Feeder]:
    """What sends leads to the queue now.  Two statements."""
    rules = session.execute(
        select(RuleSet.ref, RuleEntry.name, RuleEntry.position)
        .join(RuleEntry, RuleEntry.rule_set_id == RuleSet.id)
        .where(
            RuleSet.state == RuleState.ACTIVE,
            or_(RuleEntry.target_queue_id == queue.id, RuleEntry.fallback_queue_id == queue.id),
        )
        .order_by(RuleEntry.position)
    )
    found = [Feeder("rule", ref, name, position) for ref, name, position in rules]
    groups = session.execute(
        select(RoundRobin.ref, RoundRobin.name)
        .where(RoundRobin.fallback_queue_id == queue.id, RoundRobin.deleted_at.is_(None))
        .order_by(RoundRobin.name)
    )
    found.extend(Feeder("round_robin", ref, name) for ref, name in groups)
    return found


def queue_choices(session: Session) -> Mapping[str, str]:
    """Public name → name of every queue of the vendor's own, by name; for select fields."""
    rows = session.execute(
        select(Queue.ref, Queue.name)
        .where(Queue.deleted_at.is_(None), Queue.partner_account_id.is_(None))
        .order_by(Queue.name_fold)
    )
    return {ref: name for ref, name in rows}  # noqa: C416 - rows are no pairs to mypy
