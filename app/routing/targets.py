"""What a lead can be given to by hand, by its public name; for everyone but those who may pick it, it is not there."""

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor
from app.leads.errors import NotAssignable
from app.partners.models import PartnerAccount
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER
from app.routing.models import Queue, RoundRobin
from app.sharing.scope import scope

# Whoever may assign may name every partner account; sales people need not see it in their lists for that.
_NAMING = Actor.system("assignment targets")
KINDS = (USER, PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN)


@dataclass(frozen=True, slots=True)
class Target:
    """A user, partner account, queue or round robin that exists.  company_id: of a partner user, account or queue."""

    kind: str
    id: int
    ref: str
    name: str
    company_id: int | None = None


def find_target(session: Session, actor: Actor, kind: object, ref: object) -> Target:
    """The target of that kind and public name.

    Partner people find the users of their own company and nobody else.
    Raises NotAssignable, alike for what does not exist and what the actor may not pick.
    """
    found = None
    if isinstance(ref, str) and kind in KINDS:
        if kind == USER and refs.is_ref(refs.USER, ref):
            found = _user(session, actor, ref)
        elif actor.is_internal:
            found = _of_vendor(session, str(kind), ref)
    if found is None:
        raise no_such_target()
    return found


def no_such_target() -> NotAssignable:
    """The answer for what does not exist and for what the actor may not pick."""
    return NotAssignable({"owner": [_l("There is nobody of that name to give it to.")]})


def _user(session: Session, actor: Actor, ref: str) -> Target | None:
    statement = select(User.id, User.ref, User.name, User.partner_account_id).where(User.ref == ref)
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    row = session.execute(statement).first()
    return Target(USER, *row) if row else None


def _of_vendor(session: Session, kind: str, ref: str) -> Target | None:
    if kind == QUEUE:
        row = session.execute(
            select(Queue.id, Queue.ref, Queue.name, Queue.partner_account_id).where(
                Queue.ref == ref, Queue.deleted_at.is_(None)
            )
        ).first()
        return Target(QUEUE, *row) if row else None
    if kind == ROUND_ROBIN:
        group = session.execute(
            select(RoundRobin.id, RoundRobin.ref, RoundRobin.name).where(
                RoundRobin.ref == ref, RoundRobin.deleted_at.is_(None)
            )
        ).first()
        return Target(ROUND_ROBIN, *group) if group else None
    account = session.execute(
        select(Account.id, Account.ref, Account.name)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(and_(scope(Account, _NAMING), Account.ref == ref, Account.deleted_at.is_(None)))
    ).first()
    return Target(PARTNER_ACCOUNT, *account, company_id=account[0]) if account else None
