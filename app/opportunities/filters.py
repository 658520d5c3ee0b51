"""What lists of opportunities can be filtered, searched and sorted by."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import false
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.accounts.models import Account
from app.kernel.actor import Actor
from app.kernel.fold import fold
from app.kernel.prefix import starts_with
from app.lists.catalogue import objects
from app.lists.query import ListQuery, parse_list
from app.lists.simple import Condition, Make, accounts_called, entry, keyed, person, record, searched
from app.opportunities.models import Opportunity, OpportunityStage, OutcomeReason


def _ways(session: Session, actor: Actor, text: str) -> Sequence[Condition]:
    """Its name begins with the text, or that of its account; or it is the external id."""
    ways: list[Condition] = [starts_with(session, Opportunity.name_fold, fold(text, 255))]
    if actor.is_internal:
        ways.append(Opportunity.external_id == text)
    if text.startswith("opp_"):
        ways.append(Opportunity.ref == text)
    accounts = accounts_called(session, actor, text)
    if accounts:
        ways.append(Opportunity.account_id.in_(accounts))
    return ways


def _vendors(make: Make) -> Make:
    """A filter that says nothing to partner people: of theirs, too, it finds none."""
    return lambda session, actor, values: false() if actor.is_partner else make(session, actor, values)


OPPORTUNITY_SORTS: dict[str, InstrumentedAttribute[Any]] = {
    "created_at": Opportunity.created_at,
    "updated_at": Opportunity.updated_at,
    "name": Opportunity.name_fold,
    "amount": Opportunity.amount_order,
    "close_date": Opportunity.close_order,
}
OPPORTUNITY_FILTERS: dict[str, Make] = {
    "q": searched(Opportunity, _ways),
    "name": keyed(Opportunity.name_fold, lambda value: fold(value, 255)),
    "stage": entry(OpportunityStage, Opportunity.stage_id),
    "outcome": entry(OutcomeReason, Opportunity.outcome_id),
    "owner": person(Opportunity.owner_user_id),
    "account_id": record(Account, Opportunity.account_id),
    "partner_account_id": _vendors(record(Account, Opportunity.partner_account_id)),
    "campaign": _vendors(keyed(Opportunity.campaign_name)),
    "external_id": _vendors(keyed(Opportunity.external_id)),
}


def parse_opportunity_query(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], sort: str | None = None
) -> ListQuery:
    """A list of opportunities, newest first unless `sort` says otherwise.  Raises Invalid."""
    return parse_list(session, actor, objects()["opportunity"], given, sort=sort or "-created_at")
