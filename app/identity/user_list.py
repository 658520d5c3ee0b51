"""Users as integrators list them: filtered, sorted, and narrowed to those who can be given a lead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.identity.directory import UserRow, known_to
from app.identity.membership import is_member
from app.identity.models import Organisation, User, UserState
from app.kernel.actor import Actor, Permission, Role
from app.kernel.errors import Invalid
from app.kernel.fold import email_key
from app.kernel.paging import PAGE_SIZE, Page, make_cursor, read_cursor
from app.kernel.parse import parse_iso_moment
from app.partners.models import PartnerAccount, PartnerState
from app.sharing.scope import scope

# The company's name stands beside its people for everybody who may see them.
_NAMES = Actor.system("company names")

SORTS: dict[str, Any] = {
    "created_at": User.created_at,
    "updated_at": User.updated_at,
    "name": func.lower(User.name),
}
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A parsed request for a list.  given: filter → values, any of which may match."""

    conditions: tuple[ColumnElement[bool], ...]
    sort: str
    descending: bool
    given: Mapping[str, Sequence[str]]

    @property
    def shape(self) -> list[Any]:
        """What a cursor is bound to."""
        return ["users", self.sort, self.descending, sorted((k, list(v)) for k, v in self.given.items())]


def parse_user_query(actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None) -> UserQuery:
    """Filters and sort key, newest first unless `sort` says otherwise.  Empty values count as absent.

    Raises Invalid naming the filters or sort keys that are known.
    """
    wanted = {name: [v for v in values if v.strip()] for name, values in given.items()}
    wanted = {name: values for name, values in wanted.items() if values}
    unknown = sorted(set(wanted) - set(FILTERS))
    if unknown:
        known = ", ".join(sorted(FILTERS))
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=known)] for name in unknown}
        )
    sort = sort or "-created_at"
    key = sort.removeprefix("-")
    if key not in SORTS:
        known = ", ".join(SORTS)
        raise Invalid({"sort": [_l("This cannot be sorted by. Known: %(known)s.", known=known)]})
    conditions = tuple(FILTERS[name](actor, values) for name, values in wanted.items())
    return UserQuery(conditions, key, sort.startswith("-"), wanted)


def find_users(
    session: Session, actor: Actor, query: UserQuery, *, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[UserRow]:
    """A page of the users whom the actor knows of.  One statement.  Raises BadCursor."""
    column = SORTS[query.sort]
    statement = (
        select(User, Account.name, Account.ref, column)
        .outerjoin(Account, and_(Account.id == User.partner_account_id, scope(Account, _NAMES)))
        .where(known_to(actor), *query.conditions)
    )
    if cursor:
        value, key, _back = read_cursor(actor.user_id, query.shape, cursor)
        here = tuple_(column, User.id)
        statement = statement.where(here < (value, key) if query.descending else here > (value, key))
    order = (column.desc(), User.id.desc()) if query.descending else (column.asc(), User.id.asc())
    rows = session.execute(statement.order_by(*order).limit(limit + 1)).all()
    shown = rows[:limit]
    older = None
    if len(rows) > limit:
        last = shown[-1]
        older = make_cursor(actor.user_id, query.shape, last[3], last[0].id)
    return Page([UserRow(user, name, ref) for user, name, ref, _value in shown], older)


def is_assignable(actor: Actor) -> ColumnElement[bool]:
    """That the actor may give a lead to the user, as far as the user goes; `routing.eligibility` is asked again.

    The vendor's people who work on leads, and partner users who have signed in to a portal that is open to
    their role; for partners' leaders their own company's; nobody for those who give nothing away.
    """
    if not actor.can(Permission.LEAD_TRANSFER if actor.is_partner else Permission.LEAD_ASSIGN):
        return false()
    portal = exists().where(
        Organisation.id == 1,
        Organisation.prm_enabled_at.is_not(None),
        Organisation.portal_published_at.is_not(None),
        is_member(User.role),
    )
    company = exists().where(
        PartnerAccount.account_id == User.partner_account_id, PartnerAccount.state == PartnerState.ACTIVE
    )
    of_partner = and_(User.first_web_sign_in_at.is_not(None), company, portal)
    if actor.is_partner:
        return and_(User.state == UserState.ACTIVE, of_partner)
    of_vendor = and_(User.partner_account_id.is_(None), User.role != Role.VIEWER)
    return and_(User.state == UserState.ACTIVE, or_(of_vendor, of_partner))


# Filters: (actor, values) → condition

Make = Callable[[Actor, Sequence[str]], ColumnElement[bool]]


def _known_values(name: str, column: Any, known: Sequence[str]) -> Make:
    def make(_actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
        if any(value not in known for value in values):
            raise Invalid({name: [_l("Known here: %(known)s.", known=", ".join(known))]})
        condition: ColumnElement[bool] = column.in_(list(values))
        return condition

    return make


def _exact(column: Any) -> Make:
    return lambda _actor, values: column.in_(list(values))


def _text(column: Any) -> Make:
    return lambda _actor, values: func.lower(column).in_([value.lower() for value in values])


def _email(_actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
    return User.email_key.in_([email_key(value) or "" for value in values])


def _account(actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
    # Whoever knows a user knows the company.
    return User.partner_account_id.in_(
        select(Account.id).where(scope(Account, _NAMES), Account.ref.in_(values))
    )


def _assignable(actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
    if values[0] not in _YES + _NO:
        raise Invalid({"assignable": [_l("This must be true or false.")]})
    return is_assignable(actor) if values[0] in _YES else ~is_assignable(actor)


def _search(_actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
    return and_(
        *(
            or_(
                func.lower(User.name).contains(value.strip().lower(), autoescape=True),
                User.email_key.contains(value.strip().lower(), autoescape=True),
            )
            for value in values
        )
    )


def _moment(name: str, column: Any, side: str) -> Make:
    def make(_actor: Actor, values: Sequence[str]) -> ColumnElement[bool]:
        moments: list[datetime] = [m for value in values if (m := parse_iso_moment(value)) is not None]
        if len(moments) < len(values):
            raise Invalid({name: [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
        condition: ColumnElement[bool] = column >= min(moments) if side == "from" else column <= max(moments)
        return condition

    return make


FILTERS: dict[str, Make] = {
    "q": _search,
    "assignable": _assignable,
    "email": _email,
    "name": _text(User.name),
    "role": _known_values("role", User.role, [role.value for role in Role]),
    "state": _known_values("state", User.state, [state.value for state in UserState]),
    "account_scope": _known_values("account_scope", User.account_scope, ["all", "portfolio"]),
    "account_id": _account,
    "language": _exact(User.language),
    "time_zone": _exact(User.time_zone),
    **{
        f"{name}_{side}": _moment(f"{name}_{side}", getattr(User, name), side)
        for name in ("created_at", "updated_at", "away_until")
        for side in ("from", "to")
    },
}
