"""Which activities stand on the page of a record, and the first of them in an order.

On that of an account stands what is on its contacts, cases and opportunities too, as far as the reader reads these.
Two ways lead there: along the account's own index, asking of each activity whether it may be read, which soon has a
page full where most may; and from the records that may be read, which passes over those that are hidden, however
many these are.  So the first is gone for a stretch, and then the second.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Row,
    Select,
    SQLColumnExpression,
    and_,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from app.accounts.models import Account, Contact
from app.activities.models import Activity, Participant
from app.activities.places import PLACES, Record, is_on, is_readable, leads_of
from app.activities.told import reads_everything
from app.kernel.actor import Actor, Level
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

STRETCH = 400
Condition = ColumnElement[bool] | SQLColumnExpression[bool]
Column = ColumnElement[Any] | SQLColumnExpression[Any]


def first_on(
    session: Session,
    actor: Actor,
    record: Record,
    found: Select[*tuple[Any, ...]],
    wanted: Sequence[Condition],
    order: Sequence[Column],
    limit: int,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The first rows of a select from activities that stand on the record's page.  record: one the actor may read.

    wanted: which activities.  One statement; three at most beside an account with more than STRETCH of them.
    """
    rows = found.where(*wanted).order_by(*order).limit(limit)
    if not _may_hide(actor, record) or not _are_many_on(session, record):
        return session.execute(rows.where(belongs_to(actor, record))).all()
    stretch = _keys([Activity.of_account_id == record.id, *wanted], order, STRETCH)
    readable = or_(Activity.account_id == record.id, is_readable(actor))
    near = session.execute(rows.where(Activity.id.in_(stretch), readable)).all()
    if len(near) == limit:
        return near
    return session.execute(
        rows.where(Activity.id.in_(_by_records(actor, record, wanted, order, limit)))
    ).all()


def _may_hide(actor: Actor, record: Record) -> bool:
    """Whether there may be many on the page that the actor does not read.

    Of partner people little is asked: what their own company did not write is left out before.
    """
    return isinstance(record, Account) and actor.is_internal and not reads_everything(actor)


def _are_many_on(session: Session, record: Record) -> bool:
    here = select(Activity.id).where(Activity.of_account_id == record.id)
    return session.scalar(here.order_by(Activity.at).offset(STRETCH).limit(1)) is not None


def _by_records(
    actor: Actor,
    account: Record,
    wanted: Sequence[Condition],
    order: Sequence[Column],
    limit: int,
) -> CompoundSelect[int]:
    """The first on the account, on its contacts, on its cases …: each by its index, and nothing of what is hidden."""
    ways: list[list[Condition]] = [[Activity.account_id == account.id]]
    for place in PLACES:
        model = place.model
        if model is Lead:  # on the page of what it became
            # By their keys, for SQLite reads the whole table where few activities are on leads.
            on_lead = aliased(Activity)
            keys = select(on_lead.id).where(on_lead.lead_id.in_(leads_of(account)))
            of_account = func.coalesce(Activity.of_account_id, 0) == account.id  # not by its index
            ways.append([Activity.id.in_(keys), of_account, is_readable(actor)])
        elif model is not Account:
            readable = select(model.id).where(scope(model, actor, Level.READ), model.account_id == account.id)
            ways.append([place.column.in_(readable)])
    return union_all(*(_keys([*way, *wanted], order, limit) for way in ways))


def _keys(conditions: Sequence[Condition], order: Sequence[Column], limit: int) -> Select[int]:
    first = select(Activity.id).where(*conditions).order_by(*order).limit(limit).subquery()
    return select(first.c.id)


def belongs_to(actor: Actor, record: Record) -> ColumnElement[bool]:
    """That an activity is shown on the record's page: what is on it, and what it has a part in that the actor reads."""
    if isinstance(record, Account):
        return and_(
            Activity.of_account_id == record.id,
            or_(Activity.account_id == record.id, is_readable(actor)),
        )
    if isinstance(record, Contact):
        # Each by its index; an OR would defeat both.
        keys = union_all(
            select(Activity.id).where(Activity.contact_id == record.id),
            select(Participant.activity_id).where(Participant.contact_id == record.id),
            select(Activity.id).where(Activity.lead_id.in_(leads_of(record))),
        )
        own = or_(Activity.contact_id == record.id, Activity.lead_id.in_(leads_of(record)))
        return and_(Activity.id.in_(keys), or_(own, is_readable(actor)))
    if isinstance(record, Opportunity):
        keys = union_all(
            select(Activity.id).where(Activity.opportunity_id == record.id),
            select(Activity.id).where(Activity.lead_id.in_(leads_of(record))),
        )
        return Activity.id.in_(keys)
    return is_on(record)
