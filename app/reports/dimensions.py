"""What leads are told apart by: what each value is called for the reader, and which list holds its leads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.countries import country_name
from app.leads.models import LeadSource
from app.lists.catalogue import fields_of
from app.reports.asked import Asked, Criteria
from app.routing.models import Queue
from app.sharing.scope import scope

# Key of a value → (what it is called, its name in the list's filter; None where no list of the reader's holds its leads).
Named = Mapping[str, tuple[str, str | None]]
_NAMES = Actor.system("names in reports")


def _keyed(model: Any, value: Any, *more: Any) -> Callable[[Session, Actor, Collection[str]], Named]:
    """Names of the records with these keys."""

    def read(session: Session, _actor: Actor, keys: Collection[str]) -> Named:
        ids = [int(key) for key in keys]
        rows = session.execute(select(model.id, model.name, value).where(model.id.in_(ids), *more))
        return {str(row[0]): (row[1], row[2]) for row in rows}

    return read


def _partners(session: Session, actor: Actor, keys: Collection[str]) -> Named:
    """A partner that the reader may not open has a name, as it has beside its leads, and no list of its own."""
    ids = [int(key) for key in keys]
    rows = session.execute(
        select(Account.id, Account.name, Account.ref).where(scope(Account, _NAMES), Account.id.in_(ids))
    ).all()
    seen = set(session.scalars(select(Account.id).where(scope(Account, actor), Account.id.in_(ids))))
    return {str(row.id): (row.name, row.ref if row.id in seen else None) for row in rows}


def _campaigns(session: Session, actor: Actor, keys: Collection[str]) -> Named:
    return _keyed(Campaign, Campaign.ref, scope(Campaign, actor, Level.READ))(session, actor, keys)


def _owners(session: Session, actor: Actor, keys: Collection[str]) -> Named:
    """Partner people know nobody outside their company."""
    known = [User.partner_account_id == actor.company_id] if actor.is_partner else []
    return _keyed(User, User.ref, *known)(session, actor, keys)


def _countries(_session: Session, _actor: Actor, keys: Collection[str]) -> Named:
    language = str(get_locale() or "en")
    return {key: (country_name(key, language), key) for key in keys}


def _as_written(_session: Session, _actor: Actor, keys: Collection[str]) -> Named:
    return {key: (key, key) for key in keys}


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing that leads are told apart by.

    key: in addresses; column: of the facts; field: of the list of leads; empty: what leads without it are called.
    """

    key: str
    label: Any
    column: str
    field: str
    empty: Any
    names: Callable[[Session, Actor, Collection[str]], Named]

    def are_apart(self, actor: Actor) -> bool:
        """Whether every key has a name, for a lead cannot stand without the record: then each is a value by itself."""
        return self.column in ("partner", "queue", "waits_in") or (
            self.column == "owner" and actor.is_internal
        )


DIMENSIONS: Mapping[str, Dimension] = {
    each.key: each
    for each in (
        Dimension("month", _l("Month"), "month", "arrived_at", "", _as_written),
        Dimension("partner", _l("Partner"), "partner", "partner", _l("No partner"), _partners),
        Dimension("source", _l("Source"), "source", "source", _l("No source"), _keyed(LeadSource, LeadSource.ref)),
        Dimension("campaign", _l("Campaign"), "campaign", "campaign_id", _l("No campaign"), _campaigns),
        Dimension("country", _l("Country"), "country", "country", _l("No country"), _countries),
        Dimension(
            "product_interest", _l("Product interest"), "product", "product_interest", _l("No product interest"),
            _as_written,
        ),
        Dimension("owner", _l("Owner"), "owner", "owner", _l("In a queue"), _owners),
        Dimension("queue", _l("Queue"), "queue", "last_queue", _l("No queue"), _keyed(Queue, Queue.ref)),
        Dimension("waits_in", _l("Queue"), "waits_in", "queue", _l("Offered to somebody"), _keyed(Queue, Queue.ref)),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a dimension.  keys: of the facts, several where texts differ in case alone.

    key: the first of them.  criteria: what the list of its leads is filtered by; None where there is no such list.
    """

    key: str
    keys: tuple[str, ...]
    label: str
    criteria: tuple[Criteria, ...] | None


def offered(session: Session, actor: Actor) -> list[Dimension]:
    """What the reader's leads can be told apart by: what their lists can be filtered by."""
    fields = fields_of(session, actor, "lead")
    known = {name for name, each in fields.items() if each.is_filter}
    return [DIMENSIONS[key] for key in list(DIMENSIONS)[:7] if DIMENSIONS[key].field in known]


def values_of(
    session: Session, actor: Actor, asked: Asked, dimension: Dimension, keys: Collection[str]
) -> Sequence[Value]:
    """The values with these keys, named and linked, each key in one of them."""
    if dimension.key == "month":
        return [_month(asked, key) for key in sorted(keys)]
    named = dimension.names(session, actor, [key for key in keys if key])
    groups: dict[str, list[str]] = {}
    for key in sorted(keys):
        # What the list finds by one spelling it finds by all: one value, however it is written.
        group = (
            key.lower() if dimension.column == "product" else (key if key in named else "?" if key else "")
        )
        groups.setdefault(group, []).append(key)
    return [_value(actor, dimension, group, found, named) for group, found in groups.items()]


def _value(actor: Actor, dimension: Dimension, group: str, keys: Sequence[str], named: Named) -> Value:
    if group == "?":
        return Value(
            keys[0], tuple(keys), _("Somebody else") if dimension.key == "owner" else _("Others"), None
        )
    if not group:
        nobody = actor.is_partner and dimension.key == "owner"
        empty: Criteria = {"field": dimension.field, "op": "is_empty"}
        if dimension.key == "owner":
            empty = {"field": "waiting", "op": "equals", "value": "true"}
        return Value("", ("",), str(dimension.empty), None if nobody else (empty,))
    label, _value = named[keys[0]]
    values = [value for key in keys if (value := named[key][1]) is not None]
    if len(values) < len(keys):
        return Value(keys[0], tuple(keys), label, None)
    criteria: Criteria = {"field": dimension.field, "op": "equals", "value": values[0]}
    if len(values) > 1:
        criteria = {"field": dimension.field, "op": "in", "value": values}
    return Value(keys[0], tuple(keys), label, (criteria,))


def _month(asked: Asked, key: str) -> Value:
    month = int(key)
    from app.reports.words import month_name

    return Value(key, (key,), month_name(month), tuple(asked.period(month, month)))
