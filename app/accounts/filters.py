"""What lists of accounts and contacts can be filtered, searched and sorted by."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.core import get_global
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, and_, func, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account, Contact
from app.accounts.relations.segments import ACCOUNT_SEGMENTS, CONTACT_SEGMENTS
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import domain_of, email_key, fold, phone_key
from app.kernel.parse import parse_iso_moment
from app.kernel.prefix import starts_with
from app.kernel.text import clean_text
from app.partners.models import PartnerAccount
from app.sharing.scope import scope

Condition = ColumnElement[bool]
# A search looks at no more than this many candidates a column; whoever finds more types another letter.
MOST_CANDIDATES = 1000
LONGEST_FILTER = 1000
_FEWEST_DIGITS = 5

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


def _is_partner(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    partners = select(PartnerAccount.account_id)
    return Account.id.in_(partners) if values[0] in ("true", "yes", "1") else Account.id.not_in(partners)


def _has_account(_session: Session, _actor: Actor, values: Sequence[str]) -> Condition:
    is_private = values[0] in ("true", "yes", "1")
    return Contact.account_id.is_(None) if is_private else Contact.account_id.is_not(None)


# Search


def _search_accounts(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return and_(*(Account.id.in_(_account_candidates(session, actor, value.strip())) for value in values))


def _account_candidates(session: Session, actor: Actor, text: str) -> Select[Any]:
    """Ids of accounts whose name, number, site, website, e-mail domain or phone begins with the text."""
    parts = [starts_with(session, Account.name_fold, fold(text))]
    parts += [
        _any_spelling(session, Account.account_number, text),
        _any_spelling(session, Account.site, text),
    ]
    if "." in text or "@" in text:
        parts.append(starts_with(session, Account.domain, domain_of(text) or fold(text).removeprefix("www.")))
        parts.append(_any_spelling(session, Account.email, text))
    parts += _phone(Account.phone_key, actor, text)
    if text.startswith("acct_"):
        parts.append(Account.ref == text)
    return _candidates(Account, actor, parts)


def _search_contacts(session: Session, actor: Actor, values: Sequence[str]) -> Condition:
    return and_(*(Contact.id.in_(_contact_candidates(session, actor, value.strip())) for value in values))


def _contact_candidates(session: Session, actor: Actor, text: str) -> Select[Any]:
    """Ids of contacts whose last name, first name, e-mail or phone begins with the text.

    Two words are taken for first and last name, in either order.
    """
    parts = [
        starts_with(session, Contact.last_name_fold, fold(text)),
        _any_spelling(session, Contact.first_name, text),
    ]
    words = text.split()
    for cut in range(1, len(words)):
        before, after = " ".join(words[:cut]), " ".join(words[cut:])
        parts += [
            and_(
                starts_with(session, Contact.last_name_fold, fold(last)),
                _any_spelling(session, Contact.first_name, first),
            )
            for first, last in ((before, after), (after, before))
        ]
    if "@" in text:
        parts.append(starts_with(session, Contact.email_key, text.casefold()))
    parts += _phone(Contact.phone_key, actor, text)
    if text.startswith("cont_"):
        parts.append(Contact.ref == text)
    return _candidates(Contact, actor, parts)


def _candidates(model: Any, actor: Actor, parts: Sequence[Condition]) -> Select[Any]:
    """The first matches of each part; each is answered from its own index and never reads more."""
    limited = [
        select(
            select(model.id)
            .where(scope(model, actor, Level.READ), part)
            .limit(MOST_CANDIDATES)
            .subquery()
            .c.id
        )
        for part in parts
    ]
    found = union(*limited).subquery()
    return select(found.c.id)


def _any_spelling(session: Session, column: InstrumentedAttribute[Any], text: str) -> Condition:
    """Columns kept as typed: the text as it is, in capitals, in lower case and as a name."""
    spellings = dict.fromkeys((text, text.upper(), text.lower(), text.capitalize(), text.title()))
    return or_(*(starts_with(session, column, spelling) for spelling in spellings))


def _phone(column: InstrumentedAttribute[Any], actor: Actor, text: str) -> list[Condition]:
    digits = re.sub(r"\D", "", text)
    if len(digits) < _FEWEST_DIGITS or re.search(r"[^\d\s()+./-]", text):
        return []
    # A number without a country code is most likely one of the country that the person works in.
    country = get_global("zone_territories").get(actor.time_zone)
    keys = {phone_key(text), phone_key(text, country), digits, f"+{digits}", f"+{digits.removeprefix('00')}"}
    return [column.in_([key for key in keys if key])]


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
    return {
        f"{name}_{side}": _moment(f"{name}_{side}", getattr(model, name), side)
        for name in ("created_at", "updated_at", "last_activity_at")
        for side in ("from", "to")
    }


ACCOUNT_FILTERS: dict[str, Make] = {
    "q": _search_accounts,
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
    "q": _search_contacts,
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
    return parse_query(session, actor, ACCOUNT_FILTERS, ACCOUNT_SORTS, given, sort or "-created_at")


def parse_contact_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of contacts, newest first unless `sort` says otherwise.  Raises Invalid."""
    return parse_query(session, actor, CONTACT_FILTERS, CONTACT_SORTS, given, sort or "-created_at")
