"""Reading partners: the list with its figures, one partner with its people and leads, a partner's own team.

Figures are read for all rows of a page together, never one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.queries import Person
from app.activities.models import Activity
from app.activities.told import last_activity
from app.identity.models import User, UserState
from app.identity.roles import PERMISSIONS
from app.kernel.actor import INTERNAL_ROLES, Actor, Level, Permission
from app.kernel.errors import NotFound
from app.kernel.fold import fold
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.kernel.prefix import starts_with
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerLevel, PartnerState
from app.routing.models import Queue
from app.sharing.scope import scope

MOST_TO_ENABLE = 5


@dataclass(frozen=True, slots=True)
class PartnerFilter:
    """Which partners are wanted.  level: public name of one.  mine: whose channel manager the actor is."""

    q: str = ""
    state: PartnerState | None = None
    level: str = ""
    mine: bool = False

    @property
    def shape(self) -> list[Any]:
        """What a cursor is bound to."""
        return ["partners", self.q, self.state, self.level, self.mine]


@dataclass(frozen=True, slots=True)
class Figures:
    """open_leads: owned by its users and not closed, offers included.  last_at: the latest of anything."""

    active_users: int = 0
    users: int = 0
    open_leads: int = 0
    offers: int = 0
    waiting: int = 0
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """A partner in the list."""

    account: Account
    partner: PartnerAccount
    level: str | None
    manager: Person
    figures: Figures


@dataclass(frozen=True, slots=True)
class Member:
    """A user of a partner account.  last_at: of what they logged.  is_seen: False when the asker may not
    see that person's leads, whose numbers are then None."""

    user: User
    open_leads: int | None
    offers: int | None
    last_at: datetime | None = None
    contact_ref: str | None = None
    is_seen: bool = True


@dataclass(frozen=True, slots=True)
class PartnerDetail:
    """One partner with its people.  manager: its channel manager.

    to_enable: the first of its contacts who cannot sign in, `MOST_TO_ENABLE` and one more at most.
    """

    account: Account
    partner: PartnerAccount
    level: PartnerLevel | None
    manager: Person
    queue: Queue
    figures: Figures
    members: Sequence[Member] = field(default_factory=list)
    to_enable: Sequence[Contact] = ()


def list_partners(
    session: Session,
    actor: Actor,
    wanted: PartnerFilter,
    *,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[PartnerRow]:
    """Partners by name with their figures.  Four statements, whatever the rows.  Raises BadCursor."""
    actor.require(Permission.PARTNER_VIEW)
    conditions = _conditions(session, actor, wanted)
    back = False
    here = tuple_(Account.name_fold, Account.id)
    if cursor:
        name, key, back = read_cursor(actor.user_id, wanted.shape, cursor)
        conditions.append(here < (name, key) if back else here > (name, key))
    order: tuple[Any, ...] = (Account.name_fold, Account.id)
    rows = session.execute(
        select(Account, PartnerAccount, PartnerLevel.name, User.ref, User.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .join(User, User.id == Account.owner_user_id)
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        .where(scope(Account, actor, Level.READ), *conditions)
        .order_by(*(column.desc() for column in order) if back else order)
        .limit(limit + 1)
    ).all()
    more = len(rows) > limit
    shown = list(rows[:limit])
    if back:
        shown.reverse()
    figures = figures_of(session, actor, [(account, partner) for account, partner, *_rest in shown])
    items = [
        PartnerRow(account, partner, level, Person(ref, name), figures[account.id])
        for account, partner, level, ref, name in shown
    ]

    def at(row: PartnerRow, *, back: bool) -> str:
        return make_cursor(actor.user_id, wanted.shape, row.account.name_fold, row.account.id, back=back)

    return Page(
        items,
        older=at(items[-1], back=False) if items and (back or more) else None,
        newer=at(items[0], back=True) if items and (more if back else bool(cursor)) else None,
    )


def _conditions(session: Session, actor: Actor, wanted: PartnerFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.q:
        conditions.append(starts_with(session, Account.name_fold, fold(wanted.q)))
    if wanted.state is not None:
        conditions.append(PartnerAccount.state == wanted.state)
    if wanted.level:
        conditions.append(PartnerLevel.ref == wanted.level)
    if wanted.mine:
        conditions.append(Account.owner_user_id == actor.user_id)
    return conditions


def figures_of(
    session: Session, actor: Actor, partners: Sequence[tuple[Account, PartnerAccount]]
) -> Mapping[int, Figures]:
    """Account's key → figures, in three statements for all of them."""
    if not partners:
        return {}
    keys = [account.id for account, _partner in partners]
    users = _users_of(session, keys)
    leads = _leads_of(session, actor, keys)
    waiting = _waiting_in(session, actor, [partner.queue_id for _account, partner in partners])
    found = {}
    for account, partner in partners:
        total, active, signed_in_at = users.get(account.id, (0, 0, None))
        open_leads, offers, lead_at = leads.get(account.id, (0, 0, None))
        moments = [m for m in (signed_in_at, lead_at, last_activity(account, actor)) if m is not None]
        found[account.id] = Figures(
            active, total, open_leads, offers, waiting.get(partner.queue_id, 0), max(moments, default=None)
        )
    return found


Counted = Mapping[int, tuple[int, int, datetime | None]]


def _users_of(session: Session, keys: Sequence[int]) -> Counted:
    """Account's key → users that are not deactivated, the active ones among them, the last sign-in."""
    rows = session.execute(
        select(
            User.partner_account_id,
            func.count(),
            func.sum(case((User.state == UserState.ACTIVE, 1), else_=0)),
            func.max(User.last_sign_in_at),
        )
        .where(User.partner_account_id.in_(keys), User.state != UserState.DEACTIVATED)
        .group_by(User.partner_account_id)
    )
    return {row[0]: (row[1], row[2] or 0, row[3]) for row in rows if row[0] is not None}


def _leads_of(session: Session, actor: Actor, keys: Sequence[int]) -> Counted:
    """Account's key → open leads, the offers among them, the last activity on any."""
    columns = (
        Lead.partner_account_id,
        func.count(Lead.id),
        func.count(Lead.offer_id),
        func.max(Lead.last_activity_at),
    )
    rows = session.execute(
        select(*columns)
        .where(scope(Lead, actor), _open(), Lead.partner_account_id.in_(keys))
        .group_by(Lead.partner_account_id)
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows if row[0] is not None}


def _waiting_in(session: Session, actor: Actor, queue_ids: Sequence[int]) -> Mapping[int, int]:
    """Queue's key → leads that wait there."""
    rows = session.execute(
        select(Lead.owner_queue_id, func.count(Lead.id))
        .where(scope(Lead, actor), Lead.deleted_at.is_(None), Lead.owner_queue_id.in_(queue_ids))
        .group_by(Lead.owner_queue_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def _open() -> ColumnElement[bool]:
    # Written like the partial index ix_lead_open_partner.
    return and_(Lead.is_open, Lead.deleted_at.is_(None), Lead.owner_user_id.is_not(None))


def open_partner(session: Session, actor: Actor, account_ref: str) -> PartnerDetail:
    """The partner with its figures and people.  Raises NotFound, for accounts that are no partner too."""
    actor.require(Permission.PARTNER_VIEW)
    row = session.execute(
        select(Account, PartnerAccount, PartnerLevel, Queue, User.ref, User.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .join(Queue, Queue.id == PartnerAccount.queue_id)
        .join(User, User.id == Account.owner_user_id)
        .outerjoin(PartnerLevel, PartnerLevel.id == PartnerAccount.level_id)
        .where(scope(Account, actor, Level.READ), Account.ref == account_ref)
    ).first()
    if row is None:
        raise NotFound("account", account_ref)
    account, partner, level, queue, ref, name = row
    figures = figures_of(session, actor, [(account, partner)])[account.id]
    members = _members(session, actor, account.id)
    to_enable = _to_enable(session, actor, account.id)
    return PartnerDetail(account, partner, level, Person(ref, name), queue, figures, members, to_enable)


def _to_enable(session: Session, actor: Actor, account_id: int) -> Sequence[Contact]:
    """Contacts of the account who are nobody's user, by name."""
    is_user = exists().where(User.contact_id == Contact.id, User.state != UserState.DEACTIVATED)
    return session.scalars(
        select(Contact)
        .where(scope(Contact, actor, Level.READ), Contact.account_id == account_id, ~is_user)
        .order_by(Contact.last_name_fold, Contact.id)
        .limit(MOST_TO_ENABLE + 1)
    ).all()


def _members(session: Session, actor: Actor, account_id: int) -> Sequence[Member]:
    """The account's users by state and name, with their open leads and last activity.  Three statements."""
    rows = session.execute(
        select(User, Contact.ref)
        .outerjoin(Contact, and_(Contact.id == User.contact_id, scope(Contact, actor, Level.READ)))
        .where(User.partner_account_id == account_id)
        .order_by(case((User.state == UserState.DEACTIVATED, 1), else_=0), func.lower(User.name), User.id)
    ).all()
    keys = [user.id for user, _ref in rows]
    leads = open_by_owner(session, actor, keys)
    logged = session.execute(
        select(Activity.created_by_id, func.max(Activity.at))
        .where(Activity.created_by_id.in_(keys), Activity.is_done)
        .group_by(Activity.created_by_id)
    )
    last_at = {row[0]: row[1] for row in logged}
    return [Member(user, *leads.get(user.id, (0, 0)), last_at.get(user.id), ref) for user, ref in rows]


def open_by_owner(session: Session, actor: Actor, keys: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """Owner's key → number of open leads, and of offers among them."""
    rows = session.execute(
        select(Lead.owner_user_id, func.count(Lead.id), func.count(Lead.offer_id))
        .where(scope(Lead, actor), _open(), Lead.owner_user_id.in_(keys))
        .group_by(Lead.owner_user_id)
    )
    return {key: (open_leads, offers) for key, open_leads, offers in rows if key is not None}


def list_levels(session: Session) -> Sequence[PartnerLevel]:
    """Partner levels from the lowest."""
    return session.scalars(select(PartnerLevel).order_by(PartnerLevel.position, PartnerLevel.id)).all()


def channel_managers(session: Session) -> Sequence[Person]:
    """Whom a partner account can belong to, by name."""
    roles = [role for role in INTERNAL_ROLES if Permission.PARTNER_VIEW in PERMISSIONS[role]]
    rows = session.execute(
        select(User.ref, User.name)
        .where(User.role.in_(roles), User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    )
    return [Person(ref, name) for ref, name in rows]
