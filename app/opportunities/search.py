"""Opportunities in the one search box."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Permission
from app.opportunities.currencies import money
from app.opportunities.fields import entry_name
from app.opportunities.filters import parse_opportunity_query
from app.opportunities.models import StageCategory
from app.opportunities.queries import list_opportunities
from app.search.queries import Hit, Source, add_source

_STATES = {StageCategory.OPEN: "working", StageCategory.WON: "qualified", StageCategory.LOST: "unqualified"}


def _find(session: Session, actor: Actor, text: str, limit: int) -> Sequence[Hit]:
    query = parse_opportunity_query(session, actor, {"q": [text]})
    page = list_opportunities(session, actor, query, limit=limit - 1)
    hits = [
        Hit(
            "opportunity",
            row.opportunity.ref,
            row.opportunity.name,
            " · ".join(
                filter(
                    None,
                    (
                        row.account.name if row.account else "",
                        money(row.opportunity.amount, row.opportunity.currency),
                    ),
                )
            ),
            status=entry_name(row.stage),
            state=_STATES[row.stage.category],
            key=row.opportunity.id,
        )
        for row in page.items
    ]
    return [*hits, hits[-1]] if page.older else hits


add_source(Source("opportunity", "trend", Permission.OPPORTUNITY_VIEW, _find))
