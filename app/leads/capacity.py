"""Room for one more open lead, for a person and for their company, decided under a lock."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from app.identity.models import User, UserState
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.kernel.errors import NotAllowed
from app.leads.models import Lead
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.scope import scope

# Counting must see every open lead of the person or company, whoever asks.
_COUNTING = Actor.system("capacity")


@dataclass(frozen=True, slots=True)
class Seat:
    """Whether one more open lead fits.  full: "user", "company" or None when it fits."""

    full: str | None
    open_leads: int = 0
    capacity: int | None = None

    def __bool__(self) -> bool:
        return self.full is None


def hold_seat(session: Session, user: User) -> Seat:
    """Whether the user may hold one more open lead; locks what decides it until the transaction ends.

    PostgreSQL: row locks, the company's before the user's, always in that order.  On SQLite the
    writing transaction is alone already.
    Raises NotAllowed when the person has been deactivated, or the company suspended, a moment ago.
    """
    company, capacity = _hold(session, user)
    if company is not None and user.partner_account_id is not None:
        held = open_leads_of_company(session, user.partner_account_id)
        if held >= company:
            return Seat("company", held, company)
    if capacity is None:
        return Seat(None)
    held = open_leads_of_user(session, user.id)
    if held >= capacity:
        return Seat("user", held, capacity)
    return Seat(None, held, capacity)


def _hold(session: Session, user: User) -> tuple[int | None, int | None]:
    """Capacities of the user's company and of the user, whose rows are held, as they are now."""
    statement: Select[*tuple[Any, ...]] = select(User.state, User.capacity).where(User.id == user.id)
    if user.partner_account_id is not None:
        statement = (
            select(User.state, User.capacity, PartnerAccount.state, PartnerAccount.capacity)
            .select_from(PartnerAccount)
            .join(User, User.partner_account_id == PartnerAccount.account_id)
            .where(User.id == user.id)
        )
    if not is_sqlite(session):
        # NO KEY: rows that merely refer to the person or company need not wait.
        statement = statement.with_for_update(key_share=True)
    held = session.execute(statement).one()
    company_state, company_capacity = held[2:] if len(held) > 2 else (PartnerState.ACTIVE, None)
    if held[0] is not UserState.ACTIVE or company_state is not PartnerState.ACTIVE:
        raise NotAllowed
    return company_capacity, held[1]


def open_leads_of_user(session: Session, user_id: int) -> int:
    """Open leads the person owns, pending offers included."""
    return session.scalar(_OF_USER, {"user_id": user_id}) or 0


def open_leads_of_company(session: Session, account_id: int) -> int:
    """Open leads that users of the partner account own; those waiting in its queue do not count."""
    return session.scalar(_OF_COMPANY, {"account_id": account_id}) or 0


def count_open_leads() -> Select[Any]:
    """How many open leads have an owner; to be narrowed to a person or a company.

    Written like the partial indexes ix_lead_open_user and ix_lead_open_partner.
    """
    return select(func.count(Lead.id)).where(
        scope(Lead, _COUNTING), Lead.is_open, Lead.deleted_at.is_(None), Lead.owner_user_id.is_not(None)
    )


# Asked on every claim and turn: made once.
_OF_USER = count_open_leads().where(Lead.owner_user_id == bindparam("user_id"))
_OF_COMPANY = count_open_leads().where(Lead.partner_account_id == bindparam("account_id"))
