"""Who can be a member of a queue or a round robin, by public name, and what members are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel.actor import PARTNER_ROLES, Actor, Role
from app.kernel.errors import Invalid
from app.partners.models import PartnerAccount
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, USER
from app.routing.models import Queue
from app.sharing.scope import scope

# Members are named to whoever manages queues, whichever accounts they see in their lists.
_NAMING = Actor.system("names of members")
ROLES: Mapping[str, Role] = {role.value: role for role in PARTNER_ROLES}


@dataclass(frozen=True, slots=True)
class Principal:
    """A user, a partner account (its users from a rank on) or a queue that exists.

    company_id: of a partner user.
    """

    kind: str
    id: int
    ref: str
    name: str
    minimum_rank: int = 0
    company_id: int | None = None

    @property
    def role(self) -> Role | None:
        """The role from which on a partner account's users are meant; None for all of them."""
        return role_of_rank(self.minimum_rank) if self.kind == PARTNER_ACCOUNT else None


def role_of_rank(rank: int) -> Role | None:
    """The partner role of that rank; None for rank 0, which leaves nobody out."""
    return next((role for role in PARTNER_ROLES if role.rank == rank and rank > 0), None)


def told_of_member(session: Session, member: Any) -> dict[str, str]:
    """A member of a queue or a round robin as events tell of it: its name and public name."""
    model: Any = User
    key = member.user_id
    if member.account_id is not None:
        model, key = Account, member.account_id
    elif getattr(member, "queue_id", None) is not None and key is None:
        model, key = Queue, member.queue_id
    statement = select(model.name, model.ref).where(model.id == key)
    if model is Account:
        statement = statement.where(scope(Account, _NAMING))
    name, ref = session.execute(statement).one()
    return {"member": name, "ref": ref}


def find_principal(session: Session, given: Mapping[str, Any], *, field: str = "members") -> Principal:
    """The principal that `{"type", "id", "role"?}` names.

    field: under which a complaint is filed.  Raises Invalid.
    """
    kind, ref, role = given.get("type"), given.get("id"), given.get("role")
    if role is not None and (role not in ROLES or kind != PARTNER_ACCOUNT):
        raise Invalid({field: [_l("A role goes with a partner account: user, manager or executive.")]})
    found = _find(session, kind, ref) if isinstance(ref, str) else None
    if found is None:
        raise Invalid({field: [_l("There is no such user, partner account or queue.")]})
    if role is None:
        return found
    rank = ROLES[role].rank
    return Principal(found.kind, found.id, found.ref, found.name, rank, found.company_id)


def _find(session: Session, kind: object, ref: str) -> Principal | None:
    if kind == USER:
        user = session.scalar(select(User).where(User.ref == ref, User.state != UserState.DEACTIVATED))
        return Principal(USER, user.id, user.ref, user.name, 0, user.partner_account_id) if user else None
    if kind == PARTNER_ACCOUNT:
        row = session.execute(
            select(Account.id, Account.ref, Account.name)
            .join(PartnerAccount, PartnerAccount.account_id == Account.id)
            .where(scope(Account, _NAMING), Account.ref == ref, Account.deleted_at.is_(None))
        ).first()
        return Principal(PARTNER_ACCOUNT, *row, company_id=row[0]) if row else None
    if kind == QUEUE:
        queue = session.scalar(select(Queue).where(Queue.ref == ref, Queue.deleted_at.is_(None)))
        return Principal(QUEUE, queue.id, queue.ref, queue.name) if queue else None
    return None
