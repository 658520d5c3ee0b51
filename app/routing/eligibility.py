"""Who can be given leads now, and why somebody cannot: read in one statement, however many are asked about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Session, aliased, load_only

from app.accounts.models import Account
from app.identity.membership import is_member
from app.identity.models import Organisation, User, UserState
from app.kernel.actor import Actor, Role
from app.kernel.db import Moment
from app.leads.capacity import count_open_leads
from app.leads.models import Lead
from app.leads.placement import Owner
from app.partners.models import PartnerAccount, PartnerLevel, PartnerState
from app.routing.candidates import MEMBER, PARTNER_ACCOUNT, QUEUE, USER, Candidate, Seat, Snapshot
from app.routing.matching import match_of
from app.routing.models import Queue, QueueMember, RoundRobinMember
from app.routing.reasons import Reason, Refusal
from app.sharing.scope import scope

# Who can be given a lead does not depend on who asks.
_ASKING = Actor.system("eligibility")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom a snapshot is to hold.

    what: MEMBER (present members of the round robins with these ids, found under the members' own ids),
    USER, PARTNER_ACCOUNT or QUEUE.  ids: None for every user who is not deactivated, every partner account,
    every queue.
    """

    what: str
    ids: frozenset[int] | None

    @classmethod
    def of(cls, what: str, ids: Iterable[int] | None = None) -> "Wanted":
        return cls(what, None if ids is None else frozenset(ids))


def members_of(round_robin_ids: Iterable[int]) -> Wanted:
    """The present members of round robins."""
    return Wanted.of(MEMBER, round_robin_ids)


def take_snapshot(session: Session, *wanted: Wanted, now: datetime) -> Snapshot:
    """How everybody wanted stands now, in one statement."""
    snapshot = Snapshot(now)
    asked = tuple(w for w in wanted if w.ids is None or w.ids)
    if not asked:
        return snapshot
    statement = _statement(tuple((w.what, w.ids is None) for w in asked))
    rows = session.execute(
        statement, {"now": now, **parameters(asked)}, execution_options={"populate_existing": True}
    )
    for row in rows:
        candidate = _candidate(row, now)
        snapshot.by_key[row.what, row.key] = candidate
        snapshot.by_principal[candidate.kind, candidate.id] = candidate
        if row.what == MEMBER:
            snapshot.seats[row.key] = Seat(row.round_robin_id, row.seat, row.weight, match_of(row.match))
        if row.User is not None and row.open_of_user is not None:
            snapshot.open_of_user[row.User.id] = row.open_of_user
        if row.company_id is not None and row.open_of_company is not None:
            snapshot.open_of_company[row.company_id] = row.open_of_company
    return snapshot


def parameters(asked: Sequence[Wanted]) -> dict[str, list[int]]:
    """The values of the statement that `asking` makes."""
    return {w.what: sorted(w.ids) for w in asked if w.ids is not None}


def asking(shape: Sequence[tuple[str, bool]]) -> Subquery:
    """One row for everybody wanted: what, key, and the user, account or queue it is.

    shape: what is wanted, and whether all of it; the ids are parameters, so that statements can be kept.
    """
    parts = [_asked(what, everybody) for what, everybody in shape]
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("wanted")


def _asked(what: str, everybody: bool) -> Select[*tuple[Any, ...]]:
    m, nothing = RoundRobinMember, cast(null(), BigInteger)
    ids: BindParameter[Any] = bindparam(what, expanding=True)
    if what == MEMBER:
        return select(
            _text(what),
            m.id.label("key"),
            m.user_id,
            m.account_id,
            m.queue_id,
            m.round_robin_id,
            m.seat,
            m.weight,
            m.match,
        ).where(m.round_robin_id.in_(ids), m.removed_at.is_(None))
    key: Any = {USER: User.id, PARTNER_ACCOUNT: PartnerAccount.account_id, QUEUE: Queue.id}[what]
    every: Any = {
        USER: User.state != UserState.DEACTIVATED,
        PARTNER_ACCOUNT: true(),
        QUEUE: Queue.deleted_at.is_(None),
    }[what]
    return select(
        _text(what),
        key.label("key"),
        (key if what == USER else nothing).label("user_id"),
        (key if what == PARTNER_ACCOUNT else nothing).label("account_id"),
        (key if what == QUEUE else nothing).label("queue_id"),
        nothing.label("round_robin_id"),
        literal(0).label("seat"),
        literal(0).label("weight"),
        cast(null(), m.match.type).label("match"),
    ).where(every if everybody else key.in_(ids))


def _text(value: str) -> Any:
    return cast(literal(value), String).label("what")


@lru_cache(maxsize=64)  # building it takes longer than running it
def _statement(shape: tuple[tuple[str, bool], ...]) -> Select[*tuple[Any, ...]]:
    asked = asking(shape)
    company_id = func.coalesce(asked.c.account_id, User.partner_account_id)
    queue_id = case(
        (asked.c.queue_id.is_not(None), asked.c.queue_id),
        (asked.c.account_id.is_not(None), PartnerAccount.queue_id),
    )
    return (
        select(
            asked.c.what,
            asked.c.key,
            asked.c.account_id,
            asked.c.queue_id,
            asked.c.round_robin_id,
            asked.c.seat,
            asked.c.weight,
            asked.c.match,
            User,
            PartnerAccount.account_id.label("company_id"),
            PartnerAccount.state.label("company_state"),
            PartnerAccount.capacity.label("company_capacity"),
            Queue,
            Account.ref.label("account_ref"),
            Account.name.label("account_name"),
            PartnerLevel.accept_within_minutes.label("level_minutes"),
            PartnerLevel.ref.label("level_ref"),
            Organisation.prm_enabled_at,
            Organisation.portal_published_at,
            Organisation.portal_roles,
            case((User.capacity.is_not(None), _open_of_user())).label("open_of_user"),
            case((PartnerAccount.capacity.is_not(None), _open_of_company())).label("open_of_company"),
            case((asked.c.account_id.is_not(None), _somebody(asked))).label("somebody"),
            case((asked.c.account_id.is_not(None), _somebody(asked, present=True))).label("somebody_present"),
            case((asked.c.queue_id.is_not(None), _has_member(asked))).label("has_member"),
        )
        .select_from(asked)
        .join(Organisation, Organisation.id == 1)
        .outerjoin(User, User.id == asked.c.user_id)
        .outerjoin(PartnerAccount, PartnerAccount.account_id == company_id)
        .outerjoin(Account, and_(Account.id == PartnerAccount.account_id, scope(Account, _ASKING)))
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        .outerjoin(Queue, Queue.id == queue_id)
        .options(load_only(*_OF_USERS))
    )


# What is asked of people here, and of owners when they are told; no more, for there may be many.
_OF_USERS = (
    User.ref,
    User.name,
    User.email,
    User.role,
    User.state,
    User.partner_account_id,
    User.capacity,
    User.away_until,
    User.first_web_sign_in_at,
    User.language,
    User.time_zone,
    User.mail_preferences,
)


def _open_of_user() -> ScalarSelect[int]:
    return count_open_leads().where(Lead.owner_user_id == User.id).correlate(User).scalar_subquery()


def _open_of_company() -> ScalarSelect[int]:
    narrowed = count_open_leads().where(Lead.partner_account_id == PartnerAccount.account_id)
    return narrowed.correlate(PartnerAccount).scalar_subquery()


def _somebody(asked: Subquery, *, present: bool = False) -> ColumnElement[bool]:
    """That the partner account has an active user in a role of the portal who has signed in.

    present: and is not away.
    """
    person = aliased(User)
    found = (
        exists()
        .where(
            person.partner_account_id == asked.c.account_id,
            person.state == UserState.ACTIVE,
            person.first_web_sign_in_at.is_not(None),
            is_member(person.role),
        )
        .correlate(asked, Organisation)
    )
    if not present:
        return found
    return found.where(
        or_(person.away_until.is_(None), person.away_until <= bindparam("now", type_=Moment()))
    )


def _has_member(asked: Subquery) -> ColumnElement[bool]:
    """That a member of the queue is active if internal, assignable if of a partner account."""
    person, company, through = aliased(User), aliased(PartnerAccount), aliased(PartnerAccount)
    is_open = and_(Organisation.prm_enabled_at.is_not(None), Organisation.portal_published_at.is_not(None))
    by_name = exists(
        select(QueueMember.id)
        .join(person, person.id == QueueMember.user_id)
        .outerjoin(company, company.account_id == person.partner_account_id)
        .where(
            QueueMember.queue_id == asked.c.queue_id,
            person.state == UserState.ACTIVE,
            or_(
                and_(person.partner_account_id.is_(None), person.role != Role.VIEWER),
                and_(
                    company.state == PartnerState.ACTIVE,
                    person.first_web_sign_in_at.is_not(None),
                    is_member(person.role),
                    is_open,
                ),
            ),
        )
        .correlate(asked, Organisation)
    )
    colleague = aliased(User)
    by_company = exists(
        select(QueueMember.id)
        .join(through, through.account_id == QueueMember.account_id)
        .join(colleague, colleague.partner_account_id == QueueMember.account_id)
        .where(
            QueueMember.queue_id == asked.c.queue_id,
            through.state == PartnerState.ACTIVE,
            colleague.state == UserState.ACTIVE,
            colleague.first_web_sign_in_at.is_not(None),
            is_member(colleague.role),
            reaches_rank(colleague, QueueMember.minimum_rank),
            is_open,
        )
        .correlate(asked, Organisation)
    )
    return or_(by_name, by_company)


def reaches_rank(person: Any, minimum: Any) -> ColumnElement[bool]:
    """That a partner user's role is at or above the rank that a membership begins at."""
    return or_(
        minimum <= 0,
        and_(minimum <= 1, person.role.in_((Role.MANAGER, Role.EXECUTIVE))),
        person.role == Role.EXECUTIVE,
    )


def _candidate(row: Any, now: datetime) -> Candidate:
    if row.User is not None:
        return _person(row, now)
    queue: Queue | None = row.Queue
    owner = Owner(queue=queue) if queue is not None else None
    if row.account_id is not None:
        blocked, resting = _company_blocked(row), None
        if blocked is None and not row.somebody_present:
            resting = Refusal(Reason.NOBODY_PRESENT)
        capacity = row.company_capacity
        name = row.account_name or ""
        return Candidate(
            PARTNER_ACCOUNT, row.account_id, row.account_ref or "", name, owner, row.account_id, name,
            blocked, resting, None, capacity, row.level_minutes, row.level_ref,
        )  # fmt: skip
    if queue is None or queue.deleted_at is not None:
        name = queue.name if queue is not None else ""
        gone = Refusal(Reason.GONE)
        return Candidate(QUEUE, row.queue_id or 0, "", name, owner, None, "", gone, None, None, None, None)
    resting = None if row.has_member else Refusal(Reason.NO_MEMBER)
    return Candidate(
        QUEUE, queue.id, queue.ref, queue.name, owner, queue.partner_account_id, "", None, resting, None, None, None
    )  # fmt: skip


def _person(row: Any, now: datetime) -> Candidate:
    user, resting = row.User, None
    if user.away_until is not None and user.away_until > now:
        resting = Refusal(Reason.AWAY, {"until": user.away_until.isoformat()})
    return Candidate(
        USER, user.id, user.ref, user.name, Owner(user=user), user.partner_account_id, row.account_name or "",
        _user_blocked(user, row), resting, user.capacity, row.company_capacity, row.level_minutes, row.level_ref,
    )  # fmt: skip


def _user_blocked(user: User, row: Any) -> Refusal | None:
    if user.state is UserState.DEACTIVATED:
        return Refusal(Reason.DEACTIVATED)
    if user.partner_account_id is None:
        if user.role is Role.VIEWER:
            return Refusal(Reason.READS_ONLY)
        return Refusal(Reason.INVITED) if user.state is UserState.INVITED else None
    closed = _portal_blocked(row)
    if closed is not None:
        return closed
    if user.role not in row.portal_roles:
        return Refusal(Reason.ROLE_KEPT_OUT)
    if user.state is UserState.INVITED:
        return Refusal(Reason.INVITED)
    return Refusal(Reason.NEVER_SIGNED_IN) if user.first_web_sign_in_at is None else None


def _portal_blocked(row: Any) -> Refusal | None:
    if row.company_id is None:
        return Refusal(Reason.GONE)
    if row.company_state is not PartnerState.ACTIVE:
        return Refusal(Reason.COMPANY_SUSPENDED)
    if row.prm_enabled_at is None:
        return Refusal(Reason.PRM_OFF)
    return Refusal(Reason.PORTAL_CLOSED) if row.portal_published_at is None else None


def _company_blocked(row: Any) -> Refusal | None:
    closed = _portal_blocked(row)
    if closed is not None:
        return closed
    return None if row.somebody else Refusal(Reason.NOBODY_THERE)
