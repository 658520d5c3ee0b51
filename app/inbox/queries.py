"""What stands above an inbox: how much waits, how full the person is, what can be filtered by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.actor import Actor
from app.leads.capacity import count_open_leads
from app.leads.models import Lead
from app.partners.models import PartnerAccount
from app.sharing.scope import branches, scope, scoped

# Beyond this the tabs say "100+": nobody waits for an exact count.
SHOWN = 100
# Capacities above this are not compared exactly.
COUNTED_OPEN = 10_000
# Filters offer what the leads waiting longest have; rarer values are found in the list of leads.
LOOKED_THROUGH = 200


@dataclass(frozen=True, slots=True)
class InboxState:
    """Counts of the three tabs, at most SHOWN + 1; open leads against what may be held.

    capacity: None where it is unlimited; then nobody waits for a count of what is held, which is None too.
    """

    available: int
    offered: int
    mine: int
    open_leads: int | None
    capacity: int | None
    company_open_leads: int | None
    company_capacity: int | None

    @property
    def is_person_full(self) -> bool:
        return _is_reached(self.open_leads, self.capacity)

    @property
    def is_company_full(self) -> bool:
        return _is_reached(self.company_open_leads, self.company_capacity)

    @property
    def is_full(self) -> bool:
        return self.is_person_full or self.is_company_full


def _is_reached(held: int | None, capacity: int | None) -> bool:
    return held is not None and capacity is not None and held >= capacity


def inbox_state(session: Session, actor: Actor) -> InboxState:
    """All of it in one statement."""
    return InboxState(*session.execute(_state_statement(actor)).one())


@lru_cache(maxsize=1024)
def _state_statement(actor: Actor) -> Select[*tuple[Any, ...]]:
    """Kept by the actor's whole value: making it costs more than running it."""
    mine = Lead.owner_user_id == actor.user_id
    offered = Lead.offer_id.is_not(None)
    whole = Lead.partner_account_id == actor.company_id
    own_capacity = select(User.capacity).where(User.id == actor.user_id).scalar_subquery()
    its_capacity = (
        select(PartnerAccount.capacity).where(PartnerAccount.account_id == actor.company_id).scalar_subquery()
    )
    return select(
        _count_available(actor).label("available"),
        _count(select(Lead.id).where(scope(Lead, actor), mine, offered).limit(SHOWN + 1)).label("offered"),
        _count(
            select(Lead.id).where(scope(Lead, actor), mine, Lead.is_open, ~offered).limit(SHOWN + 1)
        ).label("mine"),
        case((own_capacity.is_not(None), _count(_open_leads(mine)))).label("open_leads"),
        own_capacity.label("capacity"),
        case((its_capacity.is_not(None), _count(_open_leads(whole)))).label("company_open_leads"),
        its_capacity.label("company_capacity"),
    )


def _count(ids: Select[Any]) -> ScalarSelect[Any]:
    return select(func.count()).select_from(ids.subquery()).scalar_subquery()


def _open_leads(whose: ColumnElement[bool]) -> Select[Any]:
    return count_open_leads().where(whose).with_only_columns(Lead.id).limit(COUNTED_OPEN)


def _count_available(actor: Actor) -> Any:
    parts = [
        select(select(Lead.id).where(scoped(Lead, rule.where)).limit(SHOWN + 1).subquery().c.id)
        for rule in branches(Lead, actor)
        if rule.cause == "queue"
    ]
    return _count(union_all(*parts)) if parts else literal(0)  # type: ignore[arg-type]  # a union counts as well


@dataclass(frozen=True, slots=True)
class Facets:
    """Countries and products of what waits longest."""

    countries: Sequence[str]
    products: Sequence[str]


def facets(session: Session, actor: Actor) -> Facets:
    """What the inbox can be narrowed to, of the fields that a preview shows.  One statement."""
    statement = _facets_statement(actor)
    rows = session.execute(statement).all() if statement is not None else []
    return Facets(
        sorted({row.country for row in rows if row.country}),
        sorted({row.product_interest for row in rows if row.product_interest}, key=str.casefold),
    )


@lru_cache(maxsize=1024)
def _facets_statement(actor: Actor) -> Select[*tuple[Any, ...]] | None:
    country = Lead.country if "country" in actor.preview_fields else null().label("country")
    product = (
        Lead.product_interest
        if "product_interest" in actor.preview_fields
        else null().label("product_interest")
    )
    parts = [
        select(
            *select(country, product)
            .where(scoped(Lead, rule.where))
            .order_by(Lead.waiting_since, Lead.id)
            .limit(LOOKED_THROUGH)
            .subquery()
            .c
        )
        for rule in branches(Lead, actor)
        if rule.cause == "queue"
    ]
    if not parts:
        return None
    every = union_all(*parts).subquery()
    return select(every.c.country, every.c.product_interest).distinct()
