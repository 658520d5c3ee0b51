"""What lists of accounts and contacts can be filtered, searched and sorted by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.accounts.relations.segments import ACCOUNT_SEGMENTS, CONTACT_SEGMENTS
from app.activities.told import last_activity_column
from app.fields.catalogue import Definition, catalogue
from app.fields.filters import condition, filter_names
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold, phone_key
from app.kernel.parse import parse_iso_moment
from app.kernel.text import clean_text
from app.partners.models import PartnerAccount
from app.search.finding import found_by
from app.sharing.scope import scope

Condition = ColumnElement[bool]
LONGEST_FILTER = 1000

Make = Callable[[Session, Actor, Sequence[str]], Condition]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed request for a list.

    given: filter → values, any of which may match.  shape: names filters and sort, for the cursor.
    """

    conditions: tuple[Condition, ...]
    sort: str
    descending: bool
    given: Mapping[str, Sequence[str]]

    @property
    def shape(self) -> list[Any]:
        return [
            self.sort,
            self.descending,
            sorted((name, list(values)) for name, values in self.given.items()),
        ]

    @property
    def sort_key(self) -> str:
        """As it is written in an address: "-created_at"."""
        return f"-{self.sort}" if self.descending else self.sort


def parse_query(
    session: Session,
    actor: Actor,
    known: Mapping[str, Make],
    sorts: Mapping[str, InstrumentedAttribute[Any]],
    given: Mapping[str, Sequence[str]],
    sort: str,
) -> ListQuery:
    """Filters and sort key of a list.  given: name → values; empty values count as absent.

    Raises Invalid naming the filters or sort keys that are known, or for text that nothing can hold.
    """
    wanted = {name: [v for v in values if v.strip()] for name, values in given.items()}
    wanted = {name: values for name, values in wanted.items() if values}
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        names = ", ".join(sorted(known))
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=names)] for name in unknown}
        )
    for name, values in wanted.items():
        for value in values:
            clean_text(value, max_length=LONGEST_FILTER, field=name)
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    if key not in sorts:
        names = ", ".join(sorts)
        raise Invalid({"sort": [_l("This cannot be sorted by. Known: %(known)s.", known=names)]})
    conditions = tuple(known[name](session, actor, values) for name, values in wanted.items())
    return ListQuery(conditions, key, descending, wanted)


# Kinds of filter


def _text(column: InstrumentedAttribute[Any]) -> Make:
    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        # SQLite folds ASCII only, hence both spellings.
        return or_(*(or_(column == value, func.lower(column) == value.lower()) for value in values))

    return make


def _exact(column: InstrumentedAttribute[Any]) -> Make:
    return lambda _session, _actor, values: column.in_(list(values))


def _keyed(column: InstrumentedAttribute[Any], key: Callable[[str], str | None]) -> Make:
    return lambda _session, _actor, values: column.in_([key(value) or "" for value in values])


def _country(column: InstrumentedAttribute[Any]) -> Make:
    return _keyed(column, lambda value: country_code(value) or "??")


def _owner(column: InstrumentedAttribute[Any]) -> Make:
    def make(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        wanted = [actor.ref if value == "me" else value for value in values]
        return column.in_(select(User.id).where(User.ref.in_(wanted)))

    return make


def _account(column: InstrumentedAttribute[Any]) -> Make:
    def make(_session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        found = select(Account.id).where(scope(Account, actor, Level.READ), Account.ref.in_(values))
        return column.in_(found)

    return make


def _number(name: str, column: InstrumentedAttribute[Any]) -> Make:
    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        try:
            return column.in_([float(value) for value in values])
        except ValueError as error:
            raise Invalid({name: [_l("Give a number.")]}) from error

    return make


def _moment(name: str, column: InstrumentedAttribute[Any], side: str) -> Make:
    def make(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
        moments = [moment for value in values if (moment := parse_iso_moment(value)) is not None]
        if len(moments) < len(values):
            raise Invalid({name: [_l("Give a date or time such as 2026-03-01T12:00:00Z.")]})
        return column >= min(moments) if side == "from" else column <= max(moments)

    return make


def _last_activity(model: Any, side: str) -> Make:
    """As `_moment`, of what the reader is told of it."""

    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        column: Any = last_activity_column(model, actor)
        return _moment(f"last_activity_at_{side}", column, side)(session, actor, values)

    return make


def _is_partner(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    partners = select(PartnerAccount.account_id)
    return Account.id.in_(partners) if values[0] in ("true", "yes", "1") else Account.id.not_in(partners)


def _has_account(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    is_private = values[0] in ("true", "yes", "1")
    return Contact.account_id.is_(None) if is_private else Contact.account_id.is_not(None)


# Search


def _searched(model: Any) -> Make:
    def make(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
        return and_(*(found_by(session, actor, model, value.strip()) for value in values))

    return make


ACCOUNT_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "name": Account.name_fold,
    "created_at": Account.created_at,
    "updated_at": Account.updated_at,
}
CONTACT_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "last_name": Contact.last_name_fold,
    "created_at": Contact.created_at,
    "updated_at": Contact.updated_at,
}


def _moments(model: Any) -> dict[str, Make]:
    found = {
        f"{name}_{side}": _moment(f"{name}_{side}", getattr(model, name), side)
        for name in ("created_at", "updated_at")
        for side in ("from", "to")
    }
    return found | {f"last_activity_at_{side}": _last_activity(model, side) for side in ("from", "to")}


ACCOUNT_FILTERS: dict[str, Make] = {
    "q": _searched(Account),
    "name": _keyed(Account.name_fold, fold),
    "kind": _exact(Account.kind),
    "category": _exact(Account.category),
    "owner": _owner(Account.owner_user_id),
    "partner": _is_partner,
    "external_id": _exact(Account.external_id),
    "employees": _number("employees", Account.employees),
    "annual_revenue": _number("annual_revenue", Account.annual_revenue),
    "billing_country": _country(Account.billing_country),
    "shipping_country": _country(Account.shipping_country),
    "phone": _keyed(Account.phone_key, phone_key),
    **{
        name: _text(getattr(Account, name))
        for name in (
            "account_number",
            "site",
            "website",
            "type",
            "industry",
            "billing_street",
            "billing_city",
            "billing_state",
            "billing_postal_code",
            "shipping_street",
            "shipping_city",
            "shipping_state",
            "shipping_postal_code",
            "first_name",
            "last_name",
            "title",
            "email",
            "mobile",
        )
    },
    **_moments(Account),
    **ACCOUNT_SEGMENTS,
}
CONTACT_FILTERS: dict[str, Make] = {
    "q": _searched(Contact),
    "account_id": _account(Contact.account_id),
    "owner": _owner(Contact.owner_user_id),
    "private": _has_account,
    "last_name": _keyed(Contact.last_name_fold, fold),
    "email": _keyed(Contact.email_key, email_key),
    "phone": _keyed(Contact.phone_key, phone_key),
    "external_id": _exact(Contact.external_id),
    **{name: _text(getattr(Contact, name)) for name in ("first_name", "title", "mobile", "language")},
    **_moments(Contact),
    **CONTACT_SEGMENTS,
}


def parse_account_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of accounts, newest first unless `sort` says otherwise.  Raises Invalid."""
    known = {**ACCOUNT_FILTERS, **_added(session, actor, Account)}
    return parse_query(session, actor, known, ACCOUNT_SORTS, given, sort or "-created_at")


def parse_contact_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of contacts, newest first unless `sort` says otherwise.  Raises Invalid."""
    known = {**CONTACT_FILTERS, **_added(session, actor, Contact)}
    return parse_query(session, actor, known, CONTACT_SORTS, given, sort or "-created_at")


def _added(session: Session, actor: Actor, model: Any) -> dict[str, Make]:
    """Filters by the fields that administrators added and marked as indexed."""

    def make(field: Definition, side: str) -> Make:
        return lambda _session, _actor, values: condition(model, field, side, values)

    seen = catalogue(session).seen(actor, model.__tablename__)
    return {name: make(*found) for name, found in filter_names(seen).items()}
