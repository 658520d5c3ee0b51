"""The pipeline: opportunities by stage, their amounts by currency, never added across; weighted by what is likely."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.opportunities import currencies
from app.opportunities.fields import entry_name
from app.opportunities.models import Opportunity, OpportunityStage
from app.opportunities.queries import list_stages
from app.reports.asked import Asked
from app.reports.telling import MOST_LIVE, TooMany
from app.sharing.merge import capped_count, seen_ids
from app.sharing.scope import scope


@dataclass(frozen=True, slots=True)
class PipelineRow:
    """Opportunities of one stage in one currency.  currency: "" of those without an amount.

    amount: their sum; weighted: each times its probability.
    """

    stage: str
    category: str
    label: str
    currency: str
    count: int
    amount: Decimal
    weighted: Decimal
    url: str


def read_pipeline(session: Session, actor: Actor, asked: Asked) -> Sequence[PipelineRow] | TooMany:
    """By stage in its order, then by currency.  Of what is asked for the months count: in which they were made."""
    given = _given(asked)
    query = parse_list(session, actor, objects()["opportunity"], given)
    how_many = capped_count(Opportunity, actor, query.conditions, cap=_most(actor), level=Level.READ)
    if (session.scalar(how_many) or 0) > _most(actor):
        return TooMany()
    currency = func.coalesce(Opportunity.currency, "")
    amount: Any = func.coalesce(Opportunity.amount, 0)
    rows = session.execute(
        select(
            Opportunity.stage_id,
            currency,
            func.count(),
            func.sum(amount),
            func.sum(amount * Opportunity.probability / 100.0),
        )
        .where(
            scope(Opportunity, actor, Level.READ),
            Opportunity.id.in_(seen_ids(Opportunity, actor, query.conditions)),
        )
        .group_by(Opportunity.stage_id, currency)
    ).all()
    stages = {stage.id: stage for stage in session.scalars(select(OpportunityStage))}
    order = {stage.id: place for place, stage in enumerate(list_stages(session))}
    found = [_row(stages[row[0]], row, given) for row in rows]
    places = {stages[key].key: place for key, place in order.items()}
    return sorted(found, key=lambda row: (places.get(row.stage, len(places)), row.currency))


def _most(actor: Actor) -> int:
    return MOST_LIVE * 4 if actor.is_internal else MOST_LIVE


def _given(asked: Asked) -> dict[str, list[str]]:
    ends = asked.period(asked.first, asked.last)
    text = ",".join(f"created_at.{end['op']}:{end['value']}" for end in ends)
    return {"filter": [f"all({text})"]} if text else {}


def _row(stage: OpportunityStage, row: Any, given: dict[str, list[str]]) -> PipelineRow:
    code = row[1]
    address = {**given, "stage": [stage.key], "count": ["all"]}
    empty = "currency.is_empty"
    if code:
        address["currency"] = [code]
    else:
        address["filter"] = [f"all({given['filter'][0]},{empty})" if given else empty]
    amount, weighted = (_rounded(each, code) for each in row[3:])
    url = "/opportunities?" + urlencode(address, doseq=True)
    return PipelineRow(stage.key, stage.category, entry_name(stage), code, row[2], amount, weighted, url)


def _rounded(amount: Any, code: str) -> Decimal:
    """SQLite adds what it keeps as binary fractions; beyond the currency's decimals there is nothing."""
    return round(Decimal(str(amount or 0)), currencies.decimals(code) if code else 2)
