"""Who principals stand for on both sides: the partner accounts they reach, and the part of them that is internal."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel.actor import Actor
from app.partners.models import PartnerAccount
from app.routing.models import QueueMember
from app.sharing.models import GroupMember, Principal, PublicGroup
from app.sharing.principals import (
    ALL_PARTNERS,
    GROUP,
    OUTSIDE,
    PARTNER_ACCOUNT,
    PARTNER_LEVEL,
    QUEUE,
    USER,
)
from app.sharing.scope import scope

# Companies are named to administrators and to whoever keeps rules, whichever accounts they see in lists.
_NAMING = Actor.system("companies that rules reach")


@dataclass(frozen=True, slots=True)
class Company:
    ref: str
    name: str
    level_id: int | None


class Audience:
    """Read once, for many principals: partner accounts, their people, members of queues and of groups.

    Principals are named by their keys.  closed: groups taken as if no partner were in them any more.
    """

    def __init__(self, session: Session) -> None:
        self.companies = _companies(session)
        people = select(User.id, User.partner_account_id).where(User.partner_account_id.is_not(None))
        self._company_of = {row.id: row.partner_account_id or 0 for row in session.execute(people)}
        self._in_queue = _members_of_queues(session)
        self._in_group = _members_of_groups(session)
        self._reaches: dict[str, bool] = {}

    def reaches(self, key: str) -> bool:
        """As `principals.reaches_partners`, without a statement for each."""
        if key not in self._reaches:
            kind, _, rest = key.partition(":")
            self._reaches[key] = (
                kind in OUTSIDE
                or (kind == USER and int(rest) in self._company_of)
                or (kind == GROUP and any(self.reaches(member) for member in self.members_of(key)))
            )
        return self._reaches[key]

    def members_of(self, key: str) -> Collection[str]:
        """The principals that somebody put into the group."""
        return self._in_group.get(key, ())

    def companies_of(self, key: str, closed: Collection[str] = ()) -> frozenset[int]:
        """The partner accounts of which somebody is in it now."""
        kind, _, rest = key.partition(":")
        if kind == ALL_PARTNERS:
            return frozenset(self.companies)
        if kind == PARTNER_ACCOUNT:
            return frozenset({int(rest.split(":")[0])} & self.companies.keys())
        if kind == PARTNER_LEVEL:
            return frozenset(k for k, company in self.companies.items() if company.level_id == int(rest))
        if kind == USER:
            company = self._company_of.get(int(rest))
            return frozenset() if company is None else frozenset({company})
        if kind == QUEUE:
            of_users = (self._company_of.get(user) for user in self._in_queue.get(int(rest), ((), ()))[0])
            found = {*self._in_queue.get(int(rest), ((), ()))[1], *(key for key in of_users if key)}
            return frozenset(found & self.companies.keys())
        if kind == GROUP and key not in closed:
            parts = (self.companies_of(member, closed) for member in self.members_of(key))
            return frozenset().union(*parts)
        return frozenset()

    def internal_part(self, key: str) -> tuple[str, ...]:
        """Principals without any partner user that together are the internal people in it, at this moment.

        A queue's are its internal members one by one; a group that holds partners is taken apart.
        """
        if not self.reaches(key):
            return (key,)
        kind, _, rest = key.partition(":")
        if kind == QUEUE:
            users = self._in_queue.get(int(rest), ((), ()))[0]
            return tuple(f"{USER}:{user}" for user in users if user not in self._company_of)
        if kind == GROUP:
            parts = [part for member in self.members_of(key) for part in self.internal_part(member)]
            return tuple(dict.fromkeys(parts))
        return ()


def _companies(session: Session) -> Mapping[int, Company]:
    rows = session.execute(
        select(Account.id, Account.ref, Account.name, PartnerAccount.level_id)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, _NAMING), Account.deleted_at.is_(None))
        .order_by(Account.name_fold, Account.id)
    )
    return {key: Company(ref, name, level) for key, ref, name, level in rows}


def _members_of_queues(session: Session) -> dict[int, tuple[list[int], list[int]]]:
    """Queue → (users who can still sign in, partner accounts)."""
    found: dict[int, tuple[list[int], list[int]]] = {}
    rows = session.execute(
        select(QueueMember.queue_id, QueueMember.user_id, QueueMember.account_id, User.state)
        .outerjoin(User, User.id == QueueMember.user_id)
        .order_by(QueueMember.id)
    )
    for queue, user, account, state in rows:
        users, accounts = found.setdefault(queue, ([], []))
        if account is not None:
            accounts.append(account)
        elif user is not None and state is not UserState.DEACTIVATED:
            users.append(user)
    return found


def _members_of_groups(session: Session) -> dict[str, list[str]]:
    """Group's key → the keys of its members, in the order in which they joined."""
    member = aliased(Principal)
    found: dict[str, list[str]] = {}
    rows = session.execute(
        select(Principal.key, member.key)
        .select_from(GroupMember)
        .join(PublicGroup, PublicGroup.id == GroupMember.group_id)
        .join(Principal, Principal.id == PublicGroup.principal_id)
        .join(member, member.id == GroupMember.principal_id)
        .order_by(GroupMember.id)
    )
    for group, key in rows:
        found.setdefault(group, []).append(key)
    return found
