"""The opportunities of an account or a contact as their pages show them, and what the account has bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.kernel.actor import Actor, Level, Permission
from app.kernel.paging import COUNT_CAP
from app.opportunities.models import Opportunity, OpportunityContact, StageCategory
from app.opportunities.queries import OpportunityRow, read_row, rows_of
from app.sharing.merge import Window, capped_count, merged_ids, order_of

SHOWN_RELATED = 5


@dataclass(frozen=True, slots=True)
class Total:
    """What amounts of one currency come to."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class RelatedOpportunities:
    """The newest of an account or a contact and how many there are, COUNT_CAP + 1 for more than that.

    purchases: those that were won, of an account; totals: what they come to, by currency, never added across.
    """

    rows: Sequence[OpportunityRow]
    number: int
    purchases: Sequence[OpportunityRow] = ()
    bought: int = 0
    totals: Sequence[Total] = ()

    @property
    def count_text(self) -> str:
        return _capped(self.number)

    @property
    def bought_text(self) -> str:
        return _capped(self.bought)


def _capped(number: int) -> str:
    return f"{COUNT_CAP}+" if number > COUNT_CAP else str(number)


def opportunities_of(
    session: Session, actor: Actor, record: Account | Contact
) -> RelatedOpportunities | None:
    """What the related lists of a record show, of those that the actor may read; None for who reads none.

    Four statements at most, whatever there is.
    """
    if not actor.can(Permission.OPPORTUNITY_VIEW):
        return None
    if isinstance(record, Contact):
        of_contact = Opportunity.id.in_(
            select(OpportunityContact.opportunity_id).where(OpportunityContact.contact_id == record.id)
        )
        (number,) = _counts(session, actor, [of_contact])
        return RelatedOpportunities(_newest(session, actor, [of_contact]) if number else [], number)
    here = Opportunity.account_id == record.id
    won, others = Opportunity.category == StageCategory.WON, Opportunity.category != StageCategory.WON
    number, bought = _counts(session, actor, [here, others], [here, won])
    return RelatedOpportunities(
        _newest(session, actor, [here, others]) if number else [],
        number,
        _newest(session, actor, [here, won]) if bought else [],
        bought,
        _totals(session, actor, [here, won]) if bought else [],
    )


def _counts(session: Session, actor: Actor, *filters: Sequence[Any]) -> Sequence[int]:
    counted = [
        capped_count(Opportunity, actor, each, cap=COUNT_CAP, level=Level.READ, by_row=True)
        for each in filters
    ]
    return session.execute(select(*(each.scalar_subquery() for each in counted))).one()


def _newest(session: Session, actor: Actor, filters: Sequence[Any]) -> list[OpportunityRow]:
    window = Window(Opportunity.created_at, descending=True, limit=SHOWN_RELATED)
    ids = merged_ids(Opportunity, actor, window, filters, level=Level.READ, by_row=True).subquery("page")
    statement = (
        rows_of(actor)
        .add_columns(ids.c.given)
        .join(ids, ids.c.id == Opportunity.id)
        .order_by(*order_of(window, ids))
        .limit(SHOWN_RELATED)
    )
    return [read_row(actor, row, Level(row.given)) for row in session.execute(statement)]


def _totals(session: Session, actor: Actor, filters: Sequence[Any]) -> list[Total]:
    """Of the newest COUNT_CAP: one account seldom buys more often, and a page does not wait for it."""
    window = Window(Opportunity.created_at, descending=True, limit=COUNT_CAP)
    ids = merged_ids(Opportunity, actor, window, filters, level=Level.READ, by_row=True).subquery("bought")
    rows = session.execute(
        select(Opportunity.currency, func.sum(Opportunity.amount))
        .join(ids, ids.c.id == Opportunity.id)
        .where(Opportunity.amount.is_not(None))
        .group_by(Opportunity.currency)
        .order_by(Opportunity.currency)
    )
    return [Total(round(float(amount or 0), 3), str(currency)) for currency, amount in rows]
