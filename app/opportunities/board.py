"""Opportunities as a board: a column for each stage, the next to be decided on top."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.lists.boards import SHOWN, Column, level_of, union_of
from app.opportunities.fields import entry_name
from app.opportunities.filters import parse_opportunity_query
from app.opportunities.models import Opportunity, OpportunityStage, StageCategory
from app.opportunities.queries import list_stages, read_row, rows_of
from app.opportunities.related import Total
from app.sharing.merge import Window
from app.sharing.scope import scope

# What was decided longer ago is looked up in the list.
DECIDED_FOR = timedelta(days=90)


def read_board(
    session: Session, actor: Actor, given: Mapping[str, Sequence[str]], *, now: datetime
) -> list[Column]:
    """Columns of the stages in use, of what the actor may read and `given` filters; their rows are OpportunityRows.

    A stage that is out of use has one, last, while something is in it: from there records only move away.
    Three statements, whatever the number of records: each column looks at COUNT_CAP of its own at most.
    Raises Invalid.
    """
    query = parse_opportunity_query(session, actor, given)
    stages = sorted(list_stages(session), key=lambda stage: not stage.is_active)
    if not stages:
        return []
    goes_to = [(stage.key, entry_name(stage)) for stage in stages if stage.is_active]
    columns = {stage.id: Column(stage, stage.key, _called(stage), goes_to) for stage in stages}
    filters = {stage.id: [*_in(stage, now), *query.conditions] for stage in stages}
    window = Window(Opportunity.close_order, descending=False, limit=COUNT_CAP)
    within = union_of(Opportunity, actor, filters, window, level=Level.READ).subquery("within")
    _fill_totals(session, columns, within)
    full = {key: filters[key] for key, column in columns.items() if column.number}
    if full:
        window = Window(Opportunity.close_order, descending=False, limit=SHOWN - 1)
        shown = union_of(Opportunity, actor, full, window, level=Level.READ).subquery("shown")
        _fill_rows(session, actor, columns, shown)
    return [column for column in columns.values() if column.stage.is_active or column.number]


def _called(stage: OpportunityStage) -> str:
    name = entry_name(stage)
    return name if stage.is_active else _("%(name)s (retired)", name=name)


def _in(stage: OpportunityStage, now: datetime) -> list[Any]:
    is_here = [Opportunity.stage_id == stage.id]
    return (
        is_here
        if stage.category is StageCategory.OPEN
        else [*is_here, Opportunity.closed_at > now - DECIDED_FOR]
    )


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


def _fill_rows(session: Session, actor: Actor, columns: Mapping[int, Column], shown: Any) -> None:
    rows = session.execute(
        rows_of(actor)
        .add_columns(level_of(Opportunity, actor))
        .join(shown, shown.c.id == Opportunity.id)
        .where(scope(Opportunity, actor, Level.READ))
        .order_by(Opportunity.close_order, Opportunity.id)
    )
    for row in rows:
        columns[row[0].stage_id].rows.append(read_row(actor, row, Level(row.given)))
