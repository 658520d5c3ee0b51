"""Reading users: the list in setup, one user, what happened to them.

Internal people know everybody; partner people know their own company's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.events.models import Event
from app.events.visibility import visible_events
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Role
from app.kernel.errors import NotFound
from app.kernel.paging import COUNT_CAP, PAGE_SIZE, Page, make_cursor, read_cursor
from app.leads.models import Lead
from app.sharing.scope import scope

# The company's name stands beside its people for everybody who may see them.
_NAMES = Actor.system("company names")


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users are wanted.  q: part of the name or address."""

    role: Role | None = None
    state: UserState | None = None
    q: str = ""

    @property
    def shape(self) -> list[Any]:
        """What a cursor is bound to."""
        return ["users", self.role, self.state, self.q]


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user as lists show them; company: name and public name of the partner account, or None."""

    user: User
    company: str | None
    company_ref: str | None


def known_to(actor: Actor) -> ColumnElement[bool]:
    """Which users the actor knows of."""
    return true() if actor.is_internal else User.partner_account_id == actor.company_id


def get_user(session: Session, actor: Actor, ref: str) -> User:
    """The user with that public name.  Raises NotFound, alike for a hidden and an absent one."""
    user = session.scalar(select(User).where(User.ref == ref, known_to(actor)))
    if user is None:
        raise NotFound("user", ref)
    return user


def get_user_row(session: Session, actor: Actor, ref: str) -> UserRow:
    """The user with their company's name.  Raises NotFound."""
    row = session.execute(_rows().where(User.ref == ref, known_to(actor))).first()
    if row is None:
        raise NotFound("user", ref)
    return UserRow(*row)


def list_users(
    session: Session, actor: Actor, wanted: UserFilter, *, cursor: str = "", limit: int = PAGE_SIZE
) -> Page[UserRow]:
    """Users by name, those of all states.  Raises BadCursor."""
    by_name = func.lower(User.name)
    statement = _rows().add_columns(by_name).where(known_to(actor), *_conditions(wanted))
    back = False
    if cursor:
        name, key, back = read_cursor(actor.user_id, wanted.shape, cursor)
        here = tuple_(by_name, User.id)
        statement = statement.where(here < (name, key) if back else here > (name, key))
    order = (by_name.desc(), User.id.desc()) if back else (by_name.asc(), User.id.asc())
    found = session.execute(statement.order_by(*order).limit(limit + 1)).all()
    more = len(found) > limit
    shown = list(found[:limit])
    if back:
        shown.reverse()
    return Page(
        items=[UserRow(user, company, ref) for user, company, ref, _name in shown],
        newer=_cursor(actor, wanted, shown[0], back=True)
        if shown and (more if back else bool(cursor))
        else None,
        older=_cursor(actor, wanted, shown[-1], back=False) if shown and (more or back) else None,
    )


def history_of(session: Session, actor: Actor, user: User, *, limit: int = 20) -> Sequence[Event]:
    """What happened to the user, the newest first, as far as the actor may read it."""
    conditions = [Event.record_kind == "user", Event.record_id == user.id]
    visible = visible_events(actor)
    if visible is not None:
        conditions.append(visible)
    return session.scalars(
        select(Event).where(*conditions).order_by(Event.at.desc(), Event.id.desc()).limit(limit)
    ).all()


def count_open_leads(session: Session, actor: Actor, user: User) -> int:
    """How many open leads of the user the actor sees; COUNT_CAP means that many or more."""
    mine = (
        select(Lead.id)
        .where(scope(Lead, actor), Lead.owner_user_id == user.id, Lead.is_open, Lead.deleted_at.is_(None))
        .limit(COUNT_CAP)
    )
    return session.scalar(select(func.count()).select_from(mine.subquery())) or 0


def is_away(user: User, now: datetime) -> bool:
    """Whether the user is away at that moment."""
    return user.away_until is not None and user.away_until > now


def _rows() -> Any:
    return select(User, Account.name, Account.ref).outerjoin(
        Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMES))
    )


def _conditions(wanted: UserFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.role is not None:
        conditions.append(User.role == wanted.role)
    if wanted.state is not None:
        conditions.append(User.state == wanted.state)
    if wanted.q:
        typed = wanted.q.casefold()
        conditions.append(
            or_(
                func.lower(User.name).contains(typed, autoescape=True),
                User.email_key.contains(typed, autoescape=True),
            )
        )
    return conditions


def _cursor(actor: Actor, wanted: UserFilter, row: Any, *, back: bool) -> str:
    return make_cursor(actor.user_id, wanted.shape, row[3], row[0].id, back=back)
