"""Leads that changed since they were counted: as they were, to be taken out, and as they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, any_, func, literal, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.lists.catalogue import Condition
from app.lists.query import ListQuery
from app.reports.asked import Asked
from app.reports.models import ReportChange, ReportFact
from app.reports.picking import fact_months
from app.reports.telling import Wanted, columns_of, live_columns, needed_of, told_of
from app.sharing.scope import scope


def since(
    session: Session,
    actor: Actor,
    asked: Asked,
    wanted: Wanted,
    query: ListQuery,
    keys: Mapping[str, Sequence[str]],
) -> Sequence[Select[*tuple[Any, ...]]]:
    """Selects of the leads that changed since they were counted: as they were, to be taken out, and as they are."""
    is_changed = _is_changed(session)
    nothing = [literal(0) for _name in wanted.measures]
    fact = {name: getattr(ReportFact, name) for name in columns_of(wanted)}
    before = select(literal(-1), *told_of(fact, wanted), *nothing).where(
        is_changed(ReportFact.lead_id),
        *fact_months(asked),
        # No bare columns, for these few are found by their keys and not by an index of them.
        *(func.coalesce(getattr(ReportFact, name), "").in_(some) for name, some in keys.items()),
        *needed_of(fact, wanted),
    )
    live = live_columns(actor, asked, wanted)
    now = select(literal(1), *told_of(live, wanted), *nothing).where(
        scope(Lead, actor, Level.READ), Lead.deleted_at.is_(None), is_changed(Lead.id), *query.conditions,
        *needed_of(live, wanted),
    )  # fmt: skip
    return before, now


def _is_changed(session: Session) -> Callable[[Any], Condition]:
    """That a key is of a lead that changed, so that the few are looked up by it.

    PostgreSQL would join with them, and walk along all leads to where the last of them stands.
    """
    changed = select(ReportChange.lead_id)
    if is_sqlite(session):
        return lambda key: key.in_(changed)
    return lambda key: key == any_(func.array(changed.scalar_subquery()))
