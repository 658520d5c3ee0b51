"""What lists of leads are filtered by so that they hold exactly what a report counts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import false, func, not_, or_, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.models import Lead
from app.lists.catalogue import RELATED, SAME, Condition, Kind, ListField, add_fields
from app.reports import steps
from app.routing.criteria import Op
from app.routing.models import Queue


def _steps(_session: Session, _actor: Actor) -> Sequence[tuple[str, str]]:
    return [(step.key, str(step.label)) for step in steps.STEPS]


def _reached(_session: Session, actor: Actor, op: Op, value: Any) -> Condition:
    keys = value if isinstance(value, tuple) else (value,)
    found = or_(false(), *(steps.reached(actor, key) for key in keys))
    return not_(found) if op is Op.NOT_EQUALS else found


def _says_reached(op: Op, value: str) -> str:
    if op is Op.NOT_EQUALS:
        return _("it did not come as far as %(step)s", step=value)
    return _("it came as far as %(step)s", step=value)


def _unclaimed(_session: Session, _actor: Actor, _op: Op, value: Any) -> Condition:
    return steps.is_unclaimed() if value else not_(func.coalesce(steps.is_unclaimed(), false()))


def _says_unclaimed(_op: Op, value: str) -> str:
    return _("nobody has claimed or accepted it") if value == _("yes") else _("somebody has it")


def _came_from(_session: Session, _actor: Actor, op: Op, value: Any) -> Condition:
    if op in (Op.IS_EMPTY, Op.IS_NOT_EMPTY):
        return Lead.last_queue_id.is_(None) if op is Op.IS_EMPTY else Lead.last_queue_id.is_not(None)
    refs = value if isinstance(value, tuple) else (value,)
    found = func.coalesce(Lead.last_queue_id, 0).in_(select(Queue.id).where(Queue.ref.in_(refs)))
    return not_(found) if op in (Op.NOT_EQUALS, Op.NOT_IN) else found


def _queue_names(session: Session, _actor: Actor, values: Collection[str]) -> Mapping[str, str]:
    found = session.execute(select(Queue.ref, Queue.name).where(Queue.ref.in_(list(values))))
    return {row.ref: row.name for row in found}


def _queue_cells(session: Session, _actor: Actor, keys: Collection[Any]) -> Mapping[Any, Any]:
    rows = session.execute(select(Queue.id, Queue.name).where(Queue.id.in_(keys)))
    return {row.id: row.name for row in rows}


def _seconds(name: str, label: Any) -> ListField:
    return ListField(
        name, label, Kind.NUMBER, getattr(Lead, name), unit=_l("seconds"), is_column=False, section=RELATED,
        is_internal=True,
    )  # fmt: skip


add_fields(
    "lead",
    ListField(
        "reached", _l("Came as far as"), Kind.CHOICE, None, _reached, SAME[:2], _steps, is_column=False,
        is_export=False, says=_says_reached,
    ),
    ListField(
        "unclaimed", _l("Unclaimed"), Kind.YES_NO, None, _unclaimed, is_column=False, is_export=False,
        says=_says_unclaimed, is_internal=True,
    ),
    ListField(
        "last_queue", _l("Last queue"), Kind.CHOICE, Lead.last_queue_id, _came_from, SAME, names=_queue_names,
        resolve=_queue_cells, text=str, is_column=False, section=RELATED, is_internal=True,
    ),
    ListField("taken_at", _l("In hand since"), Kind.MOMENT, Lead.taken_at, is_internal=True),
    ListField("touched_at", _l("First touched"), Kind.MOMENT, Lead.touched_at, is_internal=True),
    _seconds("taken_after", _l("Waited before it was taken")),
    _seconds("touched_after", _l("Waited for its first touch")),
)  # fmt: skip
