"""Room for one more open lead, for a person and for their company, decided under a lock."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.partners.models import PartnerAccount
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
    """
    if user.partner_account_id is not None:
        company = session.execute(
            _locked(
                session, select(PartnerAccount.capacity), PartnerAccount.account_id == user.partner_account_id
            )
        ).scalar()
        if company is not None:
            held = open_leads_of_company(session, user.partner_account_id)
            if held >= company:
                return Seat("company", held, company)
    if user.capacity is None:
        return Seat(None)
    capacity = session.execute(_locked(session, select(User.capacity), User.id == user.id)).scalar()
    held = open_leads_of_user(session, user.id)
    if capacity is not None and held >= capacity:
        return Seat("user", held, capacity)
    return Seat(None, held, capacity)


def _locked(session: Session, statement: Select[Any], where: ColumnElement[bool]) -> Select[Any]:
    statement = statement.where(where)
    # NO KEY: rows that merely refer to the person or company need not wait.
    return statement if is_sqlite(session) else statement.with_for_update(key_share=True)


def open_leads_of_user(session: Session, user_id: int) -> int:
    """Open leads the person owns, pending offers included."""
    return session.scalar(count_open_leads().where(Lead.owner_user_id == user_id)) or 0


def open_leads_of_company(session: Session, account_id: int) -> int:
    """Open leads that users of the partner account own; those waiting in its queue do not count."""
    return session.scalar(count_open_leads().where(Lead.partner_account_id == account_id)) or 0


def count_open_leads() -> Select[Any]:
    """How many open leads have an owner; to be narrowed to a person or a company.

    Written like the partial indexes ix_lead_open_user and ix_lead_open_partner.
    """
    return select(func.count(Lead.id)).where(
        scope(Lead, _COUNTING), Lead.is_open, Lead.deleted_at.is_(None), Lead.owner_user_id.is_not(None)
    )
