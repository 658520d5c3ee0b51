"""Reading targets: a partner's for the vendor, one's own for partner people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Level
from app.kernel.errors import NotFound
from app.partners.models import PartnerAccount
from app.sharing.scope import scope
from app.targets.models import PartnerTarget, Period
from app.targets.periods import first_day

MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Aim:
    """A target with the person it is for, None for the company."""

    target: PartnerTarget
    person: User | None


def get_partner_account(session: Session, actor: Actor, ref: str) -> Account:
    """The account of a partner.  Raises NotFound, for accounts that are no partner too."""
    account = session.scalar(
        select(Account)
        .join(PartnerAccount, PartnerAccount.account_id == Account.id)
        .where(scope(Account, actor, Level.READ), Account.ref == ref)
    )
    if account is None:
        raise NotFound("account", ref)
    return account


def whose(session: Session, target: PartnerTarget) -> User | None:
    """The person that a target is for, None for the company."""
    return session.get_one(User, target.user_id) if target.user_id else None


def get_target(
    session: Session, actor: Actor, account: Account, ref: str, *, for_update: bool = False
) -> PartnerTarget:
    """A target of an account that the actor was found to see.  Raises NotFound."""
    statement = select(PartnerTarget).where(PartnerTarget.account_id == account.id, PartnerTarget.ref == ref)
    if for_update:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    target = session.scalar(statement)
    if target is None or actor.is_partner:
        raise NotFound("target", ref)
    return target


def targets_of(session: Session, account: Account, *, most: int | None = MOST_SHOWN) -> Sequence[Aim]:
    """The targets of a partner whose account was read in its scope, the latest period first.  most: None for all."""
    return _aims(session, PartnerTarget.account_id == account.id, most=most)


def targets_now(session: Session, account: Account, today: date) -> Sequence[Aim]:
    """The targets of the present month and quarter, the company's first."""
    return _aims(session, and_(PartnerTarget.account_id == account.id, _present(today)))


def my_targets(session: Session, actor: Actor, today: date | None = None) -> Sequence[Aim]:
    """What the actor's company aims at, they themselves, and those of lower rank whom they lead.

    today: those of the present month and quarter alone.
    """
    if not actor.is_partner:
        return []
    led = select(User.id).where(
        User.partner_account_id == actor.company_id,
        User.role.in_([role for role in type(actor.role) if 0 <= role.rank < actor.rank]),
    )
    whose = or_(
        PartnerTarget.user_id.is_(None),
        PartnerTarget.user_id == actor.user_id,
        PartnerTarget.user_id.in_(led),
    )
    own = and_(PartnerTarget.account_id == actor.company_id, whose)
    return _aims(session, own if today is None else and_(own, _present(today)))


def people_to_aim(session: Session, account: Account) -> Sequence[User]:
    """The people of a partner who may be given a target, by name."""
    return session.scalars(
        select(User)
        .where(User.partner_account_id == account.id, User.state != UserState.DEACTIVATED)
        .order_by(func.lower(User.name), User.id)
    ).all()


def _present(today: date) -> ColumnElement[bool]:
    return or_(
        *(
            and_(PartnerTarget.period == period, PartnerTarget.starts_on == first_day(period, today))
            for period in Period
        )
    )


def _aims(
    session: Session, condition: ColumnElement[bool], *, most: int | None = MOST_SHOWN
) -> Sequence[Aim]:
    rows = session.execute(
        select(PartnerTarget, User)
        .outerjoin(User, User.id == PartnerTarget.user_id)
        .where(condition)
        .order_by(
            PartnerTarget.starts_on.desc(),
            PartnerTarget.period,
            PartnerTarget.user_id.is_not(None),
            func.lower(User.name),
            PartnerTarget.id,
        )
        .limit(most)
    )
    return [Aim(target, person) for target, person in rows]
