"""Holding a place for a lead: what makes capacity and state count at the moment of the commit.

Locks are always taken in this order: round robins, companies, users, queues, offers, leads; several of a
kind in the order of their keys.  On SQLite the writing transaction is alone already.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.kernel.db import is_sqlite
from app.leads.capacity import open_leads_of_company, open_leads_of_user
from app.partners.models import PartnerAccount, PartnerState
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, USER, Candidate, Snapshot
from app.routing.eligibility import Wanted, asking, parameters
from app.routing.models import Queue, RoundRobin
from app.routing.reasons import Reason, Refusal


def lock_round_robins(session: Session, ids: Iterable[int]) -> dict[int, RoundRobin]:
    """The round robins, as they are now, and nobody else's until the transaction ends."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = session.scalars(_LOCK, {"round_robins": wanted}, execution_options={"populate_existing": True})
    return {row.id: row for row in rows}


_LOCK = (
    select(RoundRobin)
    .where(RoundRobin.id.in_(bindparam("round_robins", expanding=True)))
    .order_by(RoundRobin.id)
    .with_for_update(key_share=True)
)


def hold_seats(session: Session, *wanted: Wanted) -> None:
    """Keep everybody wanted who has a capacity from being given leads by others until the transaction ends.

    For acts that give many leads: to be called before the snapshot whose counts shall hold.
    """
    asked_for = [w for w in wanted if w.ids is None or w.ids]
    if is_sqlite(session) or not asked_for:
        return
    asked = asking([(w.what, w.ids is None) for w in asked_for])
    values = parameters(asked_for)
    of_users = select(User.partner_account_id).where(User.id.in_(select(asked.c.user_id)))
    session.execute(
        select(PartnerAccount.account_id)
        .where(
            or_(
                PartnerAccount.account_id.in_(select(asked.c.account_id)),
                PartnerAccount.account_id.in_(of_users),
            ),
        )
        .order_by(PartnerAccount.account_id)
        .with_for_update(key_share=True),
        values,
    )
    session.execute(
        select(User.id)
        .where(User.id.in_(select(asked.c.user_id)))
        .order_by(User.id)
        .with_for_update(key_share=True),
        values,
    )
    session.execute(
        select(Queue.id)
        .where(Queue.id.in_(select(asked.c.queue_id)))
        .order_by(Queue.id)
        .with_for_update(read=True, key_share=True),
        values,
    )


def keep_seat(
    session: Session,
    snapshot: Snapshot,
    candidate: Candidate,
    *,
    exceed: bool = False,
    in_company: bool = True,
) -> Refusal | None:
    """Whether the candidate can still be given one lead; if so that stays true until the transaction ends.

    For acts that give one lead, after its receiver has been chosen from the snapshot.  A change since the
    snapshot is noted in it.  exceed: a person has decided that the capacity does not matter.
    in_company: False for a lead that the company holds already.
    """
    if is_sqlite(session):
        return None  # the snapshot was read in this same writing transaction
    refusal = None
    if candidate.kind == USER:
        refusal = _keep_user(session, candidate, exceed, in_company)
    elif candidate.kind == PARTNER_ACCOUNT:
        state = session.scalar(
            select(PartnerAccount.state)
            .where(PartnerAccount.account_id == candidate.id)
            .with_for_update(read=True)
        )
        refusal = None if state is PartnerState.ACTIVE else Refusal(Reason.COMPANY_SUSPENDED)
    elif candidate.kind == QUEUE and candidate.owner is not None:
        deleted_at = session.scalar(
            select(Queue.deleted_at)
            .where(Queue.id == candidate.id)
            .with_for_update(read=True, key_share=True)
        )
        refusal = None if deleted_at is None else Refusal(Reason.GONE)
    if refusal is not None:
        snapshot.overrule(candidate, refusal)
    return refusal


def _keep_user(session: Session, candidate: Candidate, exceed: bool, in_company: bool) -> Refusal | None:
    user, company = _lock_user(session, candidate)
    if company is not None and company[0] is not PartnerState.ACTIVE:
        return Refusal(Reason.COMPANY_SUSPENDED)
    if user[0] is not UserState.ACTIVE:
        return Refusal(Reason.DEACTIVATED)
    if exceed:
        return None
    if in_company and company is not None and company[1] is not None and candidate.company_id is not None:
        held = open_leads_of_company(session, candidate.company_id)
        if held >= company[1]:
            return Refusal(Reason.COMPANY_AT_CAPACITY, {"open": held, "capacity": company[1]})
    if user[1] is not None:
        held = open_leads_of_user(session, candidate.id)
        if held >= user[1]:
            return Refusal(Reason.AT_CAPACITY, {"open": held, "capacity": user[1]})
    return None


_State = tuple[Any, int | None]


def _lock_user(session: Session, candidate: Candidate) -> tuple[_State, _State | None]:
    """(state, capacity) of the person and of their company, held until the transaction ends."""
    if candidate.company_id is None:
        state, capacity = session.execute(_INTERNAL, {"id": candidate.id}).one()
        return (state, capacity), None
    row = session.execute(_PARTNER, {"id": candidate.id}).one()
    return (row[0], row[1]), (row[2], row[3])


_INTERNAL = (
    select(User.state, User.capacity).where(User.id == bindparam("id")).with_for_update(key_share=True)
)
# PostgreSQL locks in the order that is named here: the company first, as everywhere.
_PARTNER = (
    select(User.state, User.capacity, PartnerAccount.state, PartnerAccount.capacity)
    .join(PartnerAccount, PartnerAccount.account_id == User.partner_account_id)
    .where(User.id == bindparam("id"))
    .with_for_update(key_share=True, of=(PartnerAccount, User))
)
