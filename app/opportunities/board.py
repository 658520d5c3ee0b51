"""Opportunities as a board: a column for each stage, the next to be decided on top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.opportunities.filters import parse_opportunity_query
from app.opportunities.models import Opportunity, OpportunityStage, StageCategory
from app.opportunities.queries import OpportunityRow, list_stages, read_row, rows_of
from app.opportunities.related import Total
from app.sharing.merge import Window, merged_ids

SHOWN = 20
# What was decided longer ago is looked up in the list.
DECIDED_FOR = timedelta(days=90)


@dataclass(slots=True)
class Column:
    """A stage with its first cards.  number: of all in it, COUNT_CAP + 1 for more; totals: of these, by currency."""

    stage: OpportunityStage
    cards: list[OpportunityRow] = field(default_factory=list)
    number: int = 0
    totals: list[Total] = field(default_factory=list)

    @property
    def count_text(self) -> str:
        return f"{COUNT_CAP}+" if self.number > COUNT_CAP else str(self.number)

    @property
    def has_more(self) -> bool:
        return self.number > len(self.cards)


def read_board(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], *, now: datetime
) -> list[Column]:
    """Columns of the stages in use, of what the actor may read and `given` filters.

    Three statements, whatever the number of records: each column looks at COUNT_CAP of its own at most.
    Raises Invalid.
    """
    query = parse_opportunity_query(session, actor, given)
    columns = {stage.id: Column(stage) for stage in list_stages(session) if stage.is_active}
    if not columns:
        return []
    within = union_all(*(_keys(actor, c.stage, query.conditions, now, COUNT_CAP) for c in columns.values()))
    _fill_totals(session, columns, within.subquery("within"))
    full = [column for column in columns.values() if column.number]
    if full:
        shown = union_all(*(_keys(actor, c.stage, query.conditions, now, SHOWN - 1) for c in full))
        _fill_cards(session, actor, columns, shown.subquery("shown"))
    return list(columns.values())


def _keys(actor: Actor, stage: OpportunityStage, conditions: Sequence[Any], now: datetime, limit: int) -> Any:
    """(key, level given) of the first of a stage, one more than `limit`."""
    filters = [Opportunity.stage_id == stage.id, *conditions]
    if stage.category is not StageCategory.OPEN:
        filters.append(Opportunity.closed_at > now - DECIDED_FOR)
    window = Window(Opportunity.close_order, descending=False, limit=limit)
    ids = merged_ids(Opportunity, actor, window, filters, level=Level.READ).subquery()
    return select(ids.c.id, ids.c.given)


def _fill_totals(session: Session, columns: Mapping[int, Column], within: Any) -> None:
    rows = session.execute(
        select(Opportunity.stage_id, Opportunity.currency, func.count(), func.sum(Opportunity.amount))
        .join(within, within.c.id == Opportunity.id)
        .group_by(Opportunity.stage_id, Opportunity.currency)
        .order_by(Opportunity.currency)
    )
    for stage_id, currency, number, amount in rows:
        column = columns[stage_id]
        column.number += number
        if currency is not None and amount is not None:
            column.totals.append(Total(round(float(amount), 3), currency))


def _fill_cards(session: Session, actor: Actor, columns: Mapping[int, Column], shown: Any) -> None:
    rows = session.execute(
        rows_of(actor)
        .add_columns(shown.c.given)
        .join(shown, shown.c.id == Opportunity.id)
        .order_by(Opportunity.close_order, Opportunity.id)
    )
    for row in rows:
        columns[row[0].stage_id].cards.append(read_row(actor, row, Level(row.given)))
