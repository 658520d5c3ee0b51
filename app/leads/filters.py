"""What a list of leads can be filtered and sorted by.

For partner people a filter, search or sort on a field that they do not see before a claim leaves the
previews out: otherwise the answer would tell them what the field holds.  One on a field that they never
see is not known to them at all.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, and_, cast, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from app.fields.catalogue import Definition
from app.fields.filters import condition, filter_names
from app.identity.membership import roles_kept_out
from app.identity.models import User, UserState
from app.intake.models import Import
from app.kernel.actor import Actor, Level, Role
from app.kernel.countries import country_code
from app.kernel.errors import Invalid
from app.kernel.fold import email_key, fold, phone_key
from app.kernel.parse import parse_iso_moment
from app.leads.fields import SORT_KEYS
from app.leads.models import Lead, LeadSource, LeadStatus, StatusCategory
from app.leads.search import found_by
from app.partners.models import PartnerAccount, PartnerState
from app.routing.models import Queue

Condition = ColumnElement[bool]

SORT_COLUMNS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Lead.created_at,
    "updated_at": Lead.updated_at,
    "arrived_at": Lead.arrived_at,
    "company": Lead.company_fold,
    "last_name": Lead.last_name_fold,
    "score": Lead.score,
    "waiting_since": Lead.waiting_since,
}
# Filters by the fields that they tell of, where these are not their own name.  What is looked for as a phone
# number may be the other of the two.
_TELLS = {"category": ("status",), "phone": ("phone", "mobile")}
# What every preview tells; and what sorts previews too, though a filter on it would tell its value.
_ALWAYS_SHOWN = frozenset({"arrived_at", "owner", "box"})
_ALWAYS_SORTED = frozenset({"created_at", "arrived_at", "waiting_since"})


@dataclass(frozen=True, slots=True)
class LeadQuery:
    """A parsed list request.

    conditions: what rows must satisfy.  level: READ where a hidden field is touched, else PREVIEW.
    shape: names filters and sort, for the cursor.  given: filter → values as they were given.
    causes: only leads seen for one of these reasons; None for all.
    is_parsed: everything follows from `given`, so that equal ones ask for the same.
    own_sort: the column of a field that an administrator added, where the list is sorted by one.
    """

    conditions: tuple[Condition, ...]
    level: Level
    sort: str
    descending: bool
    given: Mapping[str, Sequence[str]]
    causes: frozenset[str] | None = None
    is_parsed: bool = False
    own_sort: InstrumentedAttribute[Any] | None = None

    @property
    def sort_column(self) -> InstrumentedAttribute[Any]:
        return SORT_COLUMNS[self.sort] if self.own_sort is None else self.own_sort

    @property
    def shape(self) -> list[Any]:
        return [self.sort, self.descending, sorted((k, list(v)) for k, v in self.given.items())]


def parse_lead_query(
    actor: Actor,
    given: Mapping[str, Sequence[str]],
    sort: str | None = None,
    *,
    default_sort: str = "-created_at",
    own: Mapping[str, Definition] | None = None,
) -> LeadQuery:
    """Filters (name → values, any of which may match) and sort key of a list.

    own: the fields that administrators added, as far as the actor sees them; those that are indexed count.
    Raises Invalid naming the known filters or sort keys.
    """
    own = own or {}
    given = {name: [v for v in values if v != ""] for name, values in given.items()}
    given = {name: values for name, values in given.items() if values}
    added = filter_names(own)
    unknown = sorted(set(given) - set(known_filters(actor)) - set(added))
    if unknown:
        known = ", ".join(sorted([*known_filters(actor), *added]))
        raise Invalid(
            {name: [_l("This filter is not known. Known: %(known)s.", known=known)] for name in unknown}
        )
    sort = sort or default_sort
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    sorts = own_sorts(actor, own)
    if key not in sorts and (key not in SORT_COLUMNS or key in actor.hidden_fields):
        known = ", ".join([*(name for name in SORT_KEYS if name not in actor.hidden_fields), *sorts])
        raise Invalid({"sort": [_l("This cannot be sorted by. Known: %(known)s.", known=known)]})
    conditions = [
        condition(Lead, *added[name], values) if name in added else FILTERS[name](actor, values)
        for name, values in given.items()
    ]
    if key in sorts:
        conditions.append(sorts[key].is_not(None))  # as its index says
    level = _level_needed(actor, given, key)
    boxes = given.get("box")
    causes = frozenset(_BOX_CAUSES[boxes[0]]) if boxes else None
    # What is asked of an added field follows from which column it is indexed in, too: that may change.
    is_plain = not added.keys() & given.keys() and key not in sorts
    return LeadQuery(
        tuple(conditions), level, key, descending, given, causes, is_parsed=is_plain, own_sort=sorts.get(key)
    )


def own_sorts(actor: Actor, own: Mapping[str, Definition]) -> dict[str, InstrumentedAttribute[Any]]:
    """What lists can be sorted by of the fields that administrators added; for partners by none.

    A list tells what it is sorted by of each row, and of a row that is hidden from partners that is not read.
    """
    if actor.is_partner:
        return {}
    return {name: getattr(Lead, each.column) for name, each in own.items() if each.is_indexed}


def _level_needed(actor: Actor, filters: Iterable[str], sort: str) -> Level:
    if actor.is_internal:
        return Level.READ
    shown = _ALWAYS_SHOWN | (set(actor.preview_fields) - {"employees", "age_days"})
    names = {name for filter_name in filters for name in _tells(filter_name)}
    is_shown = names <= shown and sort in shown | _ALWAYS_SORTED
    return Level.PREVIEW if is_shown else Level.READ


def _tells(filter_name: str) -> tuple[str, ...]:
    """The fields whose values a filter tells of."""
    name = re.sub(r"_(from|to)$", "", filter_name)
    return _TELLS.get(name, (name,))


def known_filters(actor: Actor) -> tuple[str, ...]:
    """The filters that there are for the actor: none tells of a field that they never see, or of other companies."""
    if actor.is_internal:
        return KNOWN_FILTERS
    hidden = set(actor.hidden_fields)
    return tuple(name for name in FILTERS if name not in _OF_THE_VENDOR and not hidden & set(_tells(name)))


def _text(column: InstrumentedAttribute[Any]) -> Callable[[Actor, Sequence[str]], Condition]:
    return lambda _actor, values: or_(*(func.lower(column) == value.lower() for value in values))


def _folded(column: InstrumentedAttribute[Any]) -> Callable[[Actor, Sequence[str]], Condition]:
    return lambda _actor, values: column.in_([fold(value) for value in values])


def _exact(column: InstrumentedAttribute[Any]) -> Callable[[Actor, Sequence[str]], Condition]:
    return lambda _actor, values: column.in_(list(values))


def _number(
    column: InstrumentedAttribute[Any], name: str, compare: str
) -> Callable[[Actor, Sequence[str]], Condition]:
    def condition(_actor: Actor, values: Sequence[str]) -> Condition:
        try:
            numbers = [float(value) for value in values]
        except ValueError as error:
            raise Invalid({name: [_l("This must be a number.")]}) from error
        if compare == "from":
            return column >= min(numbers)
        if compare == "to":
            return column <= max(numbers)
        return column.in_(numbers)

    return condition


def _moment(
    column: InstrumentedAttribute[Any], name: str, compare: str
) -> Callable[[Actor, Sequence[str]], Condition]:
    def condition(_actor: Actor, values: Sequence[str]) -> Condition:
        moments = [moment for value in values if (moment := parse_iso_moment(value)) is not None]
        if len(moments) < len(values):
            raise Invalid({name: [_l("This must be a date or time such as 2026-03-01T12:00:00Z.")]})
        return column >= min(moments) if compare == "from" else column <= max(moments)

    return condition


def _status(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.status_id.in_(
        select(LeadStatus.id).where(or_(LeadStatus.key.in_(values), LeadStatus.ref.in_(values)))
    )


def _category(_actor: Actor, values: Sequence[str]) -> Condition:
    known = [value for value in values if value in set(StatusCategory)]
    return Lead.status_id.in_(select(LeadStatus.id).where(LeadStatus.category.in_(known)))


def _source(_actor: Actor, values: Sequence[str]) -> Condition:
    folded = [fold(value) for value in values]
    return Lead.source_id.in_(
        select(LeadSource.id).where(or_(LeadSource.name_fold.in_(folded), LeadSource.ref.in_(values)))
    )


def _country(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.country.in_([country_code(value) or "??" for value in values])


def _owner(actor: Actor, values: Sequence[str]) -> Condition:
    users = [value for value in values if value.startswith("user_")]
    if "me" in values:
        users.append(actor.ref)
    queues = [value for value in values if value.startswith("queue_")]
    parts: list[Condition] = []
    # To partner people an owner outside their company has no name, here neither.
    if users:
        known = [User.partner_account_id == actor.company_id] if actor.is_partner else []
        parts.append(Lead.owner_user_id.in_(select(User.id).where(User.ref.in_(users), *known)))
    if queues:
        own = [Queue.id.in_(actor.queue_ids)] if actor.is_partner else []
        parts.append(Lead.owner_queue_id.in_(select(Queue.id).where(Queue.ref.in_(queues), *own)))
    return or_(*parts) if parts else Lead.id.is_(None)


def _partner(_actor: Actor, values: Sequence[str]) -> Condition:
    # By the reference of the partner's queue or account; the queue row knows the account's key.
    from app.accounts.models import Account
    from app.sharing.scope import scope

    return Lead.partner_account_id.in_(
        select(Account.id).where(scope(Account, _actor), Account.ref.in_(values))
    )


def _import(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.import_id.in_(select(Import.id).where(Import.ref.in_(values)))


def _email(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.email_key.in_([email_key(value) for value in values])


def _phone(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.phone_key.in_([phone_key(value) for value in values])


def _waiting(actor: Actor, values: Sequence[str]) -> Condition:
    """In a queue; for partner people in one of theirs, since others' queues are not known to them."""
    is_wanted = values[0] in ("true", "1", "yes")
    if actor.is_partner:
        waits = func.coalesce(Lead.owner_queue_id, 0).in_(actor.queue_ids)
        return waits if is_wanted else not_(waits)
    return Lead.owner_queue_id.is_not(None) if is_wanted else Lead.owner_queue_id.is_(None)


def _open(_actor: Actor, values: Sequence[str]) -> Condition:
    return Lead.is_open.is_(values[0] in ("true", "1", "yes"))


def _search(actor: Actor, values: Sequence[str]) -> Condition:
    return and_(*(found_by(actor, value) for value in values))


def _duplicates(actor: Actor, values: Sequence[str]) -> Condition:
    """Flagged on arrival as a probable duplicate; of what, only its page says.

    For those who see everything anyway: to others it would tell of records that they may not see.
    """
    if not _sees_everything(actor):
        return Lead.id.is_(None)
    is_flagged = cast(Lead.duplicates, String) != "[]"
    return is_flagged if values[0] in ("true", "1", "yes") else not_(is_flagged)


def _sees_everything(actor: Actor) -> bool:
    defaults = (actor.default_lead_level, actor.default_account_level, actor.default_contact_level)
    return actor.role is Role.ADMINISTRATOR or (
        actor.role is Role.CHANNEL_MANAGER and not actor.sees_portfolio_only and None not in defaults
    )


def _needs_owner(_actor: Actor, values: Sequence[str]) -> Condition:
    """Open, and with somebody who cannot work on it: see `left_behind`."""
    wanted = values[0] in ("true", "1", "yes")
    return left_behind() if wanted else not_(left_behind())


def left_behind() -> Condition:
    """That an open lead is in the name of somebody who has left, or waits in the queue of a company that has.

    Who is in a role that is no member of the portal cannot work on it either.
    """
    people = select(User.id).where(or_(User.state == UserState.DEACTIVATED, User.role.in_(roles_kept_out())))
    companies = select(PartnerAccount.account_id).where(PartnerAccount.state == PartnerState.SUSPENDED)
    # Neither column is NULL in what is compared: NOT IN with a NULL would be true of nothing.
    by_person = and_(Lead.owner_user_id.is_not(None), Lead.owner_user_id.in_(people))
    by_company = and_(Lead.partner_account_id.is_not(None), Lead.partner_account_id.in_(companies))
    return and_(Lead.is_open, or_(by_person, by_company))


_BOX_CAUSES = {"available": {"queue"}, "offered": {"owner"}, "mine": {"owner"}}


def _box(actor: Actor, values: Sequence[str]) -> Condition:
    match values[0]:
        case "available":
            return Lead.owner_queue_id.is_not(None)
        case "offered":
            return and_(Lead.owner_user_id == actor.user_id, Lead.offer_id.is_not(None))
        case "mine":
            return and_(Lead.owner_user_id == actor.user_id, Lead.offer_id.is_(None))
    raise Invalid({"box": [_l("Known boxes: available, offered, mine.")]})


FILTERS: dict[str, Callable[[Actor, Sequence[str]], Condition]] = {
    "box": _box,
    "status": _status,
    "category": _category,
    "source": _source,
    "country": _country,
    "owner": _owner,
    "partner": _partner,
    "import": _import,
    "email": _email,
    "phone": _phone,
    "waiting": _waiting,
    "open": _open,
    "needs_owner": _needs_owner,
    "duplicates": _duplicates,
    "q": _search,
    "company": _folded(Lead.company_fold),
    "last_name": _folded(Lead.last_name_fold),
    "external_id": _exact(Lead.external_id),
    "score": _number(Lead.score, "score", "in"),
    "score_from": _number(Lead.score, "score_from", "from"),
    "score_to": _number(Lead.score, "score_to", "to"),
    "employees": _number(Lead.employees, "employees", "in"),
    "employees_from": _number(Lead.employees, "employees_from", "from"),
    "employees_to": _number(Lead.employees, "employees_to", "to"),
    "annual_revenue": _number(Lead.annual_revenue, "annual_revenue", "in"),
    **{
        name: _text(getattr(Lead, name))
        for name in (
            "first_name",
            "title",
            "mobile",
            "website",
            "rating",
            "industry",
            "street",
            "city",
            "state",
            "postal_code",
            "product_interest",
            "budget",
            "authority",
            "need",
            "timeframe",
        )
    },
    **{
        f"{name}_{side}": _moment(getattr(Lead, name), f"{name}_{side}", side)
        for name in ("created_at", "updated_at", "arrived_at", "waiting_since")
        for side in ("from", "to")
    },
}
KNOWN_FILTERS = tuple(FILTERS)
# These tell who else has a lead, how they are placed, or what else there is.
_OF_THE_VENDOR = frozenset({"partner", "import", "needs_owner", "duplicates"})
