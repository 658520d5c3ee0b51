"""What is done to all records of an object in the background: a column filled, emptied, values that go.

Each step is one batch in a transaction of its own, in the order of keys, gone on with by any worker after any end.
A column is filled twice: whoever changed a record by the fields of the moment before may have written after the
first round passed by.  Between the rounds lies more time than a request takes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.fields.catalogue import definition_of, new_key
from app.fields.models import CustomField, CustomFieldUse, FieldCount
from app.fields.queries import MODELS
from app.fields.values import for_index
from app.identity.organisation import lock_organisation
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.sharing.scope import scope

BATCH = 1000
GRACE = timedelta(seconds=30)
ROUNDS = 2
# A column of all records is filled, whoever may see them; nothing of it is told.
FILLING = Actor.system("columns of fields")


def waiting() -> Any:
    """The condition of fields for which something is to be done."""
    return CustomField.work != ""


def work_step(session: Session, *, now: datetime) -> bool:
    """One batch, or the end of it; whether there was anything to do.  Does not commit."""
    found = session.execute(
        select(CustomField.id, CustomField.work, CustomField.work_round)
        .where(waiting())
        .order_by(CustomField.work_began_at, CustomField.id)
        .limit(1)
    ).first()
    if found is None:
        return False
    is_over = found.work_round >= (ROUNDS if found.work == "fill" else 1)
    # Before the field, as whoever changes fields does: two that wait for each other would both wait for ever.
    organisation = lock_organisation(session) if is_over else None
    statement = select(CustomField).where(CustomField.id == found.id)
    if not is_sqlite(session):
        statement = statement.with_for_update(skip_locked=organisation is None)
    field = session.scalar(statement.execution_options(populate_existing=True))
    if field is None or (field.work, field.work_round) != (found.work, found.work_round):
        return field is not None
    if organisation is not None:
        _finish(session, field)
        organisation.fields_key = new_key()
        return True
    if field.work_round > 0 and field.work_reached == 0 and not _may_go_on(field, now):
        return False
    _batch(session, field)
    return True


def _batch(session: Session, field: CustomField) -> None:
    model = MODELS[field.object]
    if not field.work_total:
        field.work_total = session.scalar(select(func.max(model.id)).where(scope(model, FILLING))) or 0
    ids = session.scalars(
        select(model.id)
        .where(scope(model, FILLING), model.id > field.work_reached)
        .order_by(model.id)
        .limit(BATCH)
    ).all()
    if ids:
        {"fill": _fill, "release": _release, "clear": _clear}[field.work](session, model, field, ids)
        field.work_reached = ids[-1]
    if len(ids) < BATCH:
        field.work_round += 1
        field.work_reached = 0


def _may_go_on(field: CustomField, now: datetime) -> bool:
    return field.work_began_at is None or now - field.work_began_at >= GRACE


def _finish(session: Session, field: CustomField) -> None:
    if field.work == "fill":
        field.slot_is_ready = True
    else:
        field.slot = None
    if field.work == "clear":
        counted = (FieldCount.object == field.object, FieldCount.name == field.name)
        session.execute(delete(CustomFieldUse).where(CustomFieldUse.field_id == field.id))
        session.execute(delete(FieldCount).where(*counted))
    field.work = ""


def _fill(session: Session, model: Any, field: CustomField, ids: Sequence[int]) -> None:
    """Write the column of these records where it does not say yet what they hold."""
    column = getattr(model, f"custom_{field.slot}")
    statement = select(model.id, model.custom[field.name].label("held"), column.label("present")).where(
        scope(model, FILLING), model.id.in_(ids)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update()
    definition = definition_of(field)
    wanted = [(row.id, for_index(definition, row.held), row.present) for row in session.execute(statement)]
    changed = [{"the_id": key, "text": text} for key, text, present in wanted if text != present]
    if changed:
        table = model.__table__
        session.execute(
            update(table)
            .where(scope(model, FILLING), table.c.id == bindparam("the_id"))
            .values({column.key: bindparam("text")}),
            changed,
        )


def _release(session: Session, model: Any, field: CustomField, ids: Sequence[int]) -> None:
    """Empty the column of these records."""
    column = getattr(model, f"custom_{field.slot}")
    session.execute(
        update(model)
        .where(scope(model, FILLING), model.id.in_(ids), column.is_not(None))
        .values({column.key: None})
        .execution_options(synchronize_session=False)
    )


def _clear(session: Session, model: Any, field: CustomField, ids: Sequence[int]) -> None:
    """Take what these records hold in the field away."""
    if is_sqlite(session):
        without = func.json_remove(model.custom, f'$."{field.name}"')
    else:
        without = model.custom.op("-")(field.name)
    values: dict[str, Any] = {"custom": without}
    has = model.custom[field.name].as_string().is_not(None)
    if field.slot is not None:
        column = getattr(model, f"custom_{field.slot}")
        values[column.key] = None
        has = or_(has, column.is_not(None))
    session.execute(
        update(model)
        .where(scope(model, FILLING), model.id.in_(ids), has)
        .values(values)
        .execution_options(synchronize_session=False)
    )
