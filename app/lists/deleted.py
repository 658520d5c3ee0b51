"""Records that were deleted and can still be restored: the latest of an object, as the page of them shows them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.identity.models import User
from app.kernel.records import RESTORABLE

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Deleted:
    """by: who deleted it.  note: what stands below the name."""

    ref: str
    name: str
    deleted_at: datetime
    by: str | None
    note: str = ""

    @property
    def until(self) -> datetime:
        """When it can be restored no more."""
        return self.deleted_at + RESTORABLE


def latest_deleted(
    session: Session,
    model: Any,
    *which: ColumnElement[bool],
    name: Callable[[Any], str],
    note: Callable[[Any], str] = lambda _record: "",
    now: datetime,
) -> list[Deleted]:
    """The latest SHOWN that were deleted in the last 30 days.  which: conditions, the scope of deleted ones among them."""
    rows = session.execute(
        select(model, User.name)
        .outerjoin(User, User.id == model.updated_by_id)
        .where(*which, model.deleted_at > now - RESTORABLE)
        .order_by(model.deleted_at.desc(), model.id.desc())
        .limit(SHOWN)
    )
    return [Deleted(record.ref, name(record), record.deleted_at, by, note(record)) for record, by in rows]
