"""Leads as a board: a column for each open status, what came last on top."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, literal, select, union_all
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.kernel.paging import COUNT_CAP
from app.leads.asking import parse_lead_query
from app.leads.choices import status_name
from app.leads.models import Lead, LeadStatus, StatusCategory
from app.leads.process import is_open, may_move
from app.leads.queries import list_statuses
from app.leads.row_queries import rows_of_keys
from app.leads.rows import LeadRow
from app.lists.query import ListQuery
from app.sharing.merge import Window, merged_ids

SHOWN = 20


@dataclass(slots=True)
class Column:
    """A status with its first cards.  number: of all in it, COUNT_CAP + 1 for more.

    goes_to: (key, name) of this and of every status that its leads go on to, those that close last.
    """

    status: LeadStatus
    goes_to: Sequence[tuple[str, str]]
    cards: list[LeadRow] = field(default_factory=list)
    number: int = 0

    @property
    def name(self) -> str:
        return status_name(self.status.name)

    @property
    def count_text(self) -> str:
        return f"{COUNT_CAP}+" if self.number > COUNT_CAP else str(self.number)

    @property
    def has_more(self) -> bool:
        return self.number > len(self.cards)


def read_board(session: Session, actor: Actor, given: Mapping[str, Sequence[str]]) -> list[Column]:
    """Columns of the open statuses in use, of what the actor may see and `given` filters.

    A lead whose status is not told before a claim is in none.  At most five statements, whatever the number of
    leads: each column looks at COUNT_CAP of its own at most.  Raises Invalid.
    """
    statuses = [each for each in list_statuses(session) if each.category is not StatusCategory.CONVERTED]
    open_ones = [each for each in statuses if is_open(each.category)]
    if not open_ones or "status" in actor.hidden_fields:
        return []
    # Asked with the status, so that previews are left out where they do not tell it.
    query = parse_lead_query(session, actor, {**given, "status": [each.key for each in open_ones]})
    columns = {each.id: Column(each, _goes_to(each, statuses)) for each in open_ones}
    within = union_all(*(_keys(actor, key, query, COUNT_CAP) for key in columns)).subquery("within")
    for key, number in session.execute(select(within.c.status, func.count()).group_by(within.c.status)):
        columns[key].number = number
    full = [key for key, column in columns.items() if column.number]
    if full:
        shown = union_all(*(_keys(actor, key, query, SHOWN - 1) for key in full)).subquery("shown")
        found = session.execute(select(shown.c.status, shown.c.id, shown.c.given)).all()
        where = {key: status for status, key, _given in found}
        rows = rows_of_keys(session, actor, [(key, level, None) for _status, key, level in found])
        for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True):
            columns[where[row.id]].cards.append(row)
    return list(columns.values())


def _goes_to(status: LeadStatus, statuses: Sequence[LeadStatus]) -> list[tuple[str, str]]:
    onward = [each for each in statuses if may_move(status.moves, status.key, each.key)]
    onward.sort(key=lambda each: not is_open(each.category))
    return [(each.key, status_name(each.name)) for each in onward]


def _keys(actor: Actor, status_id: int, query: ListQuery, limit: int) -> Any:
    """(status, key, level given) of the first of a status, one more than `limit`."""
    window = Window(Lead.created_at, descending=True, limit=limit)
    filters = [Lead.status_id == status_id, *query.conditions]
    ids = merged_ids(Lead, actor, window, filters, level=query.level).subquery()
    return select(literal(status_id).label("status"), ids.c.id, ids.c.given)
