"""Leaving: deactivating a user, suspending a partner account, and taking either back.

Rights, keys, seats and open leads change in one transaction.  Locks are taken in the order that routing
keeps (round robins, companies, users, queues, offers, leads), all that could be needed beforehand:
leaving is rare, and must neither deadlock nor miss a lead that is being given at the same moment.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.accounts.queries import get_account
from app.events.operations import record
from app.identity.errors import OwnAccount
from app.identity.models import User, UserState
from app.identity.operations import queue_invitation, require_another_administrator, require_managing
from app.identity.sessions import revoke_keys
from app.kernel.actor import Actor, Permission, Role
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.capacity import open_leads_of_user
from app.leads.models import Lead
from app.offboarding.choices import GiveTo, Keep, OpenRecords, name_of
from app.offboarding.errors import LeftAlready, NotLeft
from app.offboarding.moves import move_open_cases, move_open_leads, move_open_opportunities
from app.partners.models import PartnerAccount, PartnerState
from app.routing.candidates import USER
from app.routing.models import Queue, QueueMember, RoundRobin, RoundRobinMember
from app.routing.queues import remove_queue_member
from app.routing.round_robins import remove_round_robin_member
from app.routing.seats import lock_round_robins
from app.routing.targets import no_such_target

# Seats end with the person, whoever may otherwise manage queues.
_SEATS = Actor.system("leaving")


@dataclass(frozen=True, slots=True)
class Left:
    """What a leaving did.  moved: leads that have another owner now."""

    moved: int


def leaving_permission(is_partner: bool) -> Permission:
    """Whoever suspends partners may deactivate their users; internal users are an administrator's."""
    return Permission.PARTNER_SUSPEND if is_partner else Permission.USER_MANAGE


def deactivate_user(
    session: Session, actor: Actor, user: User, open_records: OpenRecords, *, now: datetime
) -> Left:
    """End a user's rights at once, and decide about what is open in their name.

    Sessions, tokens and links end, seats in queues and round robins too; pending offers go on.  A partner's
    leader gives what is open to a colleague or back to the vendor's rules; nothing is kept.  Writes events;
    does not commit.
    Raises NotAllowed, OwnAccount, LeftAlready, LastAdministrator, Conflict (the default queue's last
    member), Invalid (a leader who keeps), NotAssignable, AtCapacity, LeadMoved.
    """
    if actor.is_partner:
        actor.require(Permission.TEAM_MANAGE)
        _hold_routing(session)  # companies before people
        require_managing(session, actor, user, Permission.TEAM_MANAGE)
        _check_within_company(session, actor, user, open_records)
    else:
        require_managing(session, actor, user, leaving_permission(user.is_partner))
        if user.id == actor.user_id:
            raise OwnAccount
        _hold_routing(session)
    if user.role is Role.ADMINISTRATOR:
        require_another_administrator(session, user)
    _hold(session, select(User).where(User.id == user.id))
    if user.state is UserState.DEACTIVATED:
        raise LeftAlready
    user.state, user.deactivated_at = UserState.DEACTIVATED, now
    _touch(user, actor, now)
    revoke_keys(session, user.id, now=now)
    _leave_seats(session, user, now)
    session.flush()  # rules and turns must see it below
    moved = move_open_leads(session, actor, Lead.owner_user_id == user.id, open_records, now=now)
    cases = move_open_cases(session, actor, user, open_records, now=now)
    others = move_open_opportunities(session, actor, user, open_records, now=now)
    detail = {"open_leads": name_of(open_records), "moved": moved} | ({"cases": cases} if cases else {})
    detail |= {"opportunities": others} if others else {}
    record(session, actor, verb="deactivated", subject=user, at=now, detail=detail)
    return Left(moved)


def _check_within_company(session: Session, actor: Actor, user: User, choice: OpenRecords) -> None:
    """That a leader leaves nothing behind and gives to nobody else's people.  Raises Invalid, NotAssignable."""
    if isinstance(choice, GiveTo):
        target = choice.target
        if target.kind != USER or target.company_id != actor.company_id or target.id == user.id:
            raise no_such_target()
    elif isinstance(choice, Keep) and open_leads_of_user(session, user.id):
        raise Invalid({"open_records": [_l("Say what becomes of the open leads.")]})


def reactivate_user(session: Session, actor: Actor, user: User, *, now: datetime) -> User:
    """Let a deactivated user in again: the person, not the leads, seats, sessions or tokens.

    Somebody who never set a password gets a new invitation.  Writes an event; does not commit.
    Raises NotAllowed, NotLeft.
    """
    if actor.is_partner:
        raise NotAllowed  # whoever comes back is the vendor's to say
    require_managing(session, actor, user, leaving_permission(user.is_partner))
    _hold(session, select(User).where(User.id == user.id))
    if user.state is not UserState.DEACTIVATED:
        raise NotLeft
    user.state = UserState.ACTIVE if user.password_hash else UserState.INVITED
    user.deactivated_at = None
    _touch(user, actor, now)
    record(session, actor, verb="reactivated", subject=user, at=now)
    if user.password_hash is None:
        queue_invitation(session, actor, user, now=now)
    return user


def suspend_partner(
    session: Session, actor: Actor, account_ref: str, open_leads: OpenRecords, *, now: datetime
) -> Left:
    """Keep a partner account's people out and give them nothing more, until it is resumed.

    Their sessions, tokens and links end.  open_leads: what becomes of what they own and what waits in
    their queue; pending offers go on in any case.  Seats stay, and are passed over.  Does not commit.
    Raises NotAllowed, NotFound, LeftAlready, NotAssignable, AtCapacity, LeadMoved.
    """
    account, partner = _governed(session, actor, account_ref)
    _hold_routing(session)
    partner = _hold(session, select(PartnerAccount).where(PartnerAccount.account_id == account.id))
    if partner.state is PartnerState.SUSPENDED:
        raise LeftAlready
    partner.state, partner.suspended_at = PartnerState.SUSPENDED, now
    people = select(User).where(User.partner_account_id == account.id).order_by(User.id)
    for user in session.scalars(_locking(session, people)).all():
        revoke_keys(session, user.id, now=now)
    session.flush()  # rules and turns must see it below
    theirs = Lead.partner_account_id == account.id
    moved = move_open_leads(session, actor, theirs, open_leads, now=now)
    detail = {"open_leads": name_of(open_leads), "moved": moved}
    record(session, actor, verb="partner_suspended", subject=account, at=now, detail=detail)
    return Left(moved)


def resume_partner(session: Session, actor: Actor, account_ref: str, *, now: datetime) -> PartnerAccount:
    """Let a suspended partner account work again.  Ended sessions and tokens stay ended.

    Raises NotAllowed, NotFound, NotLeft.
    """
    account, _partner = _governed(session, actor, account_ref)
    partner: PartnerAccount = _hold(
        session, select(PartnerAccount).where(PartnerAccount.account_id == account.id)
    )
    if partner.state is not PartnerState.SUSPENDED:
        raise NotLeft
    partner.state, partner.suspended_at = PartnerState.ACTIVE, None
    record(session, actor, verb="partner_resumed", subject=account, at=now)
    return partner


def get_partner(session: Session, actor: Actor, account_ref: str) -> tuple[Account, PartnerAccount]:
    """A partner account that the actor sees.  Raises NotFound, for accounts that are no partner too."""
    account = get_account(session, actor, account_ref)
    partner = session.get(PartnerAccount, account.id)
    if partner is None:
        raise NotFound("partner", account_ref)
    return account, partner


def _governed(session: Session, actor: Actor, account_ref: str) -> tuple[Account, PartnerAccount]:
    actor.require(Permission.PARTNER_SUSPEND)
    return get_partner(session, actor, account_ref)


def _hold_routing(session: Session) -> None:
    """Let nobody be given anything meanwhile: every round robin, then every partner account."""
    if is_sqlite(session):
        return
    lock_round_robins(session, session.scalars(select(RoundRobin.id).where(RoundRobin.deleted_at.is_(None))))
    keys = select(PartnerAccount.account_id).order_by(PartnerAccount.account_id)
    session.execute(keys.with_for_update(key_share=True))


def _hold(session: Session, statement: Select[Any]) -> Any:
    return session.scalars(_locking(session, statement).execution_options(populate_existing=True)).one()


def _locking(session: Session, statement: Select[Any]) -> Select[Any]:
    return statement if is_sqlite(session) else statement.with_for_update(key_share=True)


def _leave_seats(session: Session, user: User, now: datetime) -> None:
    turns = session.execute(
        select(RoundRobin.ref, RoundRobinMember.ref)
        .join(RoundRobin, RoundRobin.id == RoundRobinMember.round_robin_id)
        .where(RoundRobinMember.user_id == user.id, RoundRobinMember.removed_at.is_(None))
        .where(RoundRobin.deleted_at.is_(None))
        .order_by(RoundRobin.id)
    ).all()
    for group_ref, member_ref in turns:
        remove_round_robin_member(session, _SEATS, group_ref, member_ref, now=now)
    seats = session.execute(
        select(Queue.ref, QueueMember.ref)
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(QueueMember.user_id == user.id, Queue.deleted_at.is_(None))
        .order_by(Queue.id)
    ).all()
    for queue_ref, member_ref in seats:
        remove_queue_member(session, _SEATS, queue_ref, member_ref, now=now)


def _touch(user: User, actor: Actor, now: datetime) -> None:
    user.updated_at = now
    user.updated_by_id = actor.user_id
    user.version += 1
