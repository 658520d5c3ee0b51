"""Room for one more open lead, for a person and for their company, decided under a lock."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, null, select
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
    """Whether one more open lead of this user's fits.  full: "user", "company" or None when it fits."""

    user: User
    full: str | None
    open_leads: int = 0
    capacity: int | None = None

    def __bool__(self) -> bool:
        return self.full is None


def hold_seat(session: Session, actor: Actor) -> Seat:
    """Whether the actor may hold one more open lead; locks what decides it until the transaction ends.

    PostgreSQL: row locks, the company's before the user's, always in that order.  On SQLite the
    writing transaction is alone already.
    Raises NotAllowed for no user, and when the person has been deactivated, or the company suspended, a moment ago.
    """
    user, company = _hold(session, actor)
    if company is not None and actor.company_id is not None:
        held = open_leads_of_company(session, actor.company_id)
        if held >= company:
            return Seat(user, "company", held, company)
    if user.capacity is None:
        return Seat(user, None)
    held = open_leads_of_user(session, user.id)
    if held >= user.capacity:
        return Seat(user, "user", held, user.capacity)
    return Seat(user, None, held, user.capacity)


def _hold(session: Session, actor: Actor) -> tuple[User, int | None]:
    """The user as they are now, and the capacity of their company; both rows are held."""
    statement = _ALONE if actor.company_id is None else _IN_COMPANY
    if not is_sqlite(session):
        # NO KEY: rows that merely refer to the person or company need not wait.
        statement = statement.with_for_update(key_share=True)
    given = {"user_id": actor.user_id, "company_id": actor.company_id}
    held = session.execute(statement, given, execution_options={"populate_existing": True}).one_or_none()
    if held is None or held[0].state is not UserState.ACTIVE or held[1] is not PartnerState.ACTIVE:
        raise NotAllowed
    return held[0], held[2]


_IN_COMPANY: Select[*tuple[Any, ...]] = (
    select(User, PartnerAccount.state, PartnerAccount.capacity)
    .select_from(PartnerAccount)
    .join(User, User.partner_account_id == PartnerAccount.account_id)
    .where(User.id == bindparam("user_id"), PartnerAccount.account_id == bindparam("company_id"))
)
_ALONE: Select[*tuple[Any, ...]] = select(
    User, literal(PartnerState.ACTIVE, PartnerAccount.state.type), null()
).where(User.id == bindparam("user_id"), User.partner_account_id.is_(None))


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
