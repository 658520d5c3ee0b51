"""Leads as a board: a column for each open status, what came last on top."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.paging import COUNT_CAP
from app.leads.asking import parse_lead_query
from app.leads.choices import called, status_name
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.leads.process import is_open, may_move
from app.leads.queries import list_statuses
from app.leads.row_queries import rows_of_keys
from app.lists.boards import SHOWN, Column, level_of, union_of
from app.sharing.merge import Window
from app.sharing.scope import scope


def read_board(session: Session, actor: Actor, given: Mapping[str, Sequence[str]]) -> list[Column]:
    """Columns of the open statuses in use, of what the actor may see and `given` filters; their rows are LeadRows.

    A status that is out of use has one, last, while something is in it: from there leads only move away.
    A lead whose status is not told before a claim is in none.  At most five statements, whatever the number of
    leads: each column looks at COUNT_CAP of its own at most.  Raises Invalid.
    """
    every = list_statuses(session, active_only=False)
    statuses = [each for each in every if each.is_active and each.category is not StatusCategory.CONVERTED]
    open_ones = sorted(
        (each for each in every if is_open(each.category)), key=lambda each: not each.is_active
    )
    if not open_ones or "status" in actor.hidden_fields:
        return []
    # Asked with the status, so that previews are left out where they do not tell it.
    query = parse_lead_query(session, actor, {**given, "status": [each.key for each in open_ones]})
    columns = {each.id: Column(each, each.key, called(each), _goes_to(each, statuses)) for each in open_ones}
    filters = {key: [Lead.status_id == key, *query.conditions] for key in columns}
    window = Window(Lead.created_at, descending=True, limit=COUNT_CAP)
    within = union_of(Lead, actor, filters, window, level=query.level).subquery("within")
    for key, number in session.execute(select(within.c.stage, func.count()).group_by(within.c.stage)):
        columns[key].number = number
    full = {key: filters[key] for key, column in columns.items() if column.number}
    if full:
        window = Window(Lead.created_at, descending=True, limit=SHOWN - 1)
        shown = union_of(Lead, actor, full, window, level=query.level).subquery("shown")
        found = session.execute(
            select(shown.c.stage, shown.c.id, level_of(Lead, actor))
            .join(Lead, Lead.id == shown.c.id)
            .where(scope(Lead, actor))
        ).all()
        where = {key: stage for stage, key, _given in found}
        rows = rows_of_keys(session, actor, [(key, Level(level), None) for _stage, key, level in found])
        for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True):
            columns[where[row.id]].rows.append(row)
    return [column for column in columns.values() if column.stage.is_active or column.number]


def _goes_to(status: LeadStatus, statuses: Sequence[LeadStatus]) -> list[tuple[str, str]]:
    onward = [each for each in statuses if may_move(status.moves, status.key, each.key)]
    onward.sort(key=lambda each: not is_open(each.category))
    return [(each.key, status_name(each.name)) for each in onward]
