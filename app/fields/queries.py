"""Reading fields that administrators added, how much they are used, and what names them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.fields.models import CustomField, CustomFieldUse, FieldCount
from app.kernel.actor import Actor
from app.kernel.db import is_sqlite
from app.kernel.errors import NotFound
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.sharing.scope import scope

MODELS: dict[str, Any] = {"lead": Lead, "account": Account, "contact": Contact, "opportunity": Opportunity}
# How many records hold something is counted among all of them, and told to administrators.
COUNTING = Actor.system("use of fields")


def get_field(session: Session, ref: str, *, for_update: bool = False) -> CustomField:
    """A field that has not been deleted.  Raises NotFound."""
    statement = select(CustomField).where(CustomField.ref == ref, CustomField.deleted_at.is_(None))
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update()
    field = session.scalar(statement.execution_options(populate_existing=True))
    if field is None:
        raise NotFound("field", ref)
    return field


def list_fields(session: Session, object_: str | None = None) -> Sequence[CustomField]:
    """All that have not been deleted, the latest last."""
    statement = select(CustomField).where(CustomField.deleted_at.is_(None))
    if object_ is not None:
        statement = statement.where(CustomField.object == object_)
    return session.scalars(
        statement.order_by(CustomField.object, CustomField.created_at, CustomField.id)
    ).all()


def find_names(session: Session, object_: str) -> set[str]:
    """The names of fields that the object has or had."""
    return set(session.scalars(select(CustomField.name).where(CustomField.object == object_)))


def is_used(session: Session, field: CustomField) -> bool:
    """Whether something has ever been filled in."""
    found = select(CustomFieldUse.field_id).where(CustomFieldUse.field_id == field.id).limit(1)
    return session.scalar(found) is not None


def used_choices(session: Session, field: CustomField) -> set[str]:
    """Keys of the choices that have ever been chosen."""
    return set(
        session.scalars(
            select(CustomFieldUse.choice).where(
                CustomFieldUse.field_id == field.id, CustomFieldUse.choice != ""
            )
        )
    )


def last_uses(session: Session) -> dict[int, Any]:
    """Field's key → when something was last filled in, to the day."""
    rows = session.execute(
        select(CustomFieldUse.field_id, CustomFieldUse.last_used_at).where(CustomFieldUse.choice == "")
    )
    return {key: at for key, at in rows}  # noqa: C416 - rows are no pairs to mypy


def counts(session: Session) -> dict[tuple[str, str], FieldCount]:
    """(object, field) → how many records hold something in it, as last counted."""
    return {(row.object, row.name): row for row in session.scalars(select(FieldCount))}


def count_values(session: Session, field: CustomField) -> int:
    """How many records hold something in the field, deleted ones too.  Looks through the object's table."""
    model = MODELS[field.object]
    value = model.custom[field.name].as_string()
    return (
        session.scalar(
            select(func.count()).select_from(model).where(scope(model, COUNTING), value.is_not(None))
        )
        or 0
    )
