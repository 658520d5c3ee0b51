"""Filters of the list of leads as conditions on what is counted: on columns of the facts, or of the counts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.countries import country_code
from app.kernel.db import is_sqlite
from app.kernel.fold import fold
from app.leads.models import LeadSource
from app.lists.catalogue import Condition
from app.lists.conditions import same_text
from app.reports.asked import Asked
from app.reports.cuts import EVER, QUEUE
from app.reports.models import ReportCount, ReportFact
from app.routing.models import Queue
from app.sharing.scope import scope

# Filter of the list of leads → column of the facts.
COLUMN_OF = {
    "partner": "partner",
    "source": "source",
    "campaign_id": "campaign",
    "country": "country",
    "product_interest": "product",
    "owner": "owner",
    "queue": "owner",
}


def keys_asked(session: Session, actor: Actor, asked: Asked) -> Mapping[str, list[str]]:
    """Column of the facts → values that are asked for, of filters that facts tell."""
    found: dict[str, list[str]] = {}
    for name, values in asked.given.items():
        if name in COLUMN_OF:
            keys = _keys_of(session, actor, name, values)
            known = found.get(COLUMN_OF[name])
            found[COLUMN_OF[name]] = keys if known is None else [key for key in keys if key in known]
    return found


def _any_text(column: Any, values: Sequence[str]) -> Condition:
    found = same_text(column, values[0])
    for value in values[1:]:
        found = found | same_text(column, value)
    return found


def _keys_of(session: Session, actor: Actor, name: str, values: Sequence[str]) -> list[str]:
    statement: Select[Any] | CompoundSelect[Any]
    match name:
        case "country":
            return [country_code(value) or "" for value in values]
        case (
            "product_interest"
        ):  # as they are written; not looked for in each fact, which no index would help
            known = ReportCount.cut == "product", ReportCount.month == EVER
            statement = select(ReportCount.a).where(*known, _any_text(ReportCount.a, values))
        case "owner":
            refs = [actor.ref if each == "me" else each for each in values]
            # As the list has it: partner people know nobody outside their company.
            people = select(cast(User.id, String)).where(User.ref.in_(refs))
            queues = _queues(refs)
            if actor.is_partner:
                people = people.where(User.partner_account_id == actor.company_id)
                queues = queues.where(Queue.id.in_(actor.queue_ids))
            statement = union_all(people, queues)
        case "queue":
            statement = _queues(values)
        case "partner":
            statement = select(Account.id).where(scope(Account, actor), Account.ref.in_(values))
        case "campaign_id":
            statement = select(Campaign.id).where(
                scope(Campaign, actor, Level.READ), Campaign.ref.in_(values)
            )
        case _:
            names = [fold(value) for value in values]
            statement = select(LeadSource.id).where(
                LeadSource.name_fold.in_(names) | LeadSource.ref.in_(values)
            )
    return [str(key) for key in session.scalars(statement)]


def _queues(refs: Sequence[str]) -> Select[str]:
    return select(literal(QUEUE).concat(cast(Queue.id, String))).where(Queue.ref.in_(refs))


def fact_months(asked: Asked, month: Any = ReportFact.month) -> list[Condition]:
    """That a fact is of the months that are asked for.  month: the column that has it."""
    found = [month >= asked.first] if asked.first is not None else []
    return [*found, *([month <= asked.last] if asked.last is not None else [])]


def count_months(asked: Asked, *, apart: bool = False) -> list[Condition]:
    """That a count is of those months.  apart: whether each is wanted by itself."""
    month = ReportCount.month
    if asked.first is None and asked.last is None:
        return [month > EVER if apart else month == EVER]
    return [*fact_months(asked, month), *([month > EVER] if asked.first is None else [])]


def fewest_months(
    session: Session, asked: Asked, *, apart: bool
) -> tuple[list[Condition], Callable[[Any], Any]]:
    """(which counts are to be added up, what gives a count its sign) for those months.

    apart: whether each is wanted by itself; else, where there are more of them than others, all months together are added up without
    the others.  Months stand one by one, for what is told of each stands together.
    """
    if apart or (asked.first is None and asked.last is None):
        return count_months(asked, apart=apart), lambda count: count
    of_all = aliased(ReportCount)
    month, every = of_all.month, of_all.cut == "all"
    inside = and_(month > EVER, *fact_months(asked, month))
    outside = and_(month > EVER, not_(inside))
    are_few = (
        select(func.count().filter(inside) <= func.count().filter(outside)).where(every).scalar_subquery()
    )
    months = select(month).where(every, case((are_few, inside), else_=not_(inside)))

    def signed(count: Any) -> Any:
        return case(
            (or_(ReportCount.month == EVER, and_(*fact_months(asked, ReportCount.month))), count),
            else_=-count,
        )

    if is_sqlite(session):
        return [ReportCount.month.in_(months)], signed
    # PostgreSQL would read every count to look among these, of which it cannot tell how few they are.
    return [ReportCount.month == func.any(func.array(months.scalar_subquery()))], signed
