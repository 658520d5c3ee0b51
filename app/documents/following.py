"""Documents of a lead go along to what it becomes, and come back when that is undone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.activities.places import place_of
from app.documents.holding import mark_holder
from app.documents.models import Document
from app.documents.records import column_of
from app.events.operations import record_many
from app.kernel.actor import Actor
from app.sharing.scope import scope

# They go with their record, whoever may see each of them.
_FOLLOWING = Actor.system("documents follow their lead")


def move_documents(
    session: Session,
    actor: Actor,
    source: Any,
    target: Any,
    *,
    only: Sequence[int] | None = None,
    but_shown: bool = False,
    now: datetime,
) -> list[int]:
    """Put the documents of one record onto another; their keys.  Writes events; does not commit.

    only: these.  but_shown: none that the vendor shows to a partner, for other partners may read the target.
    """
    before, after = column_of(place_of(source)), column_of(place_of(target))
    statement = select(Document).where(scope(Document, _FOLLOWING), before == source.id)
    if only is not None:
        statement = statement.where(Document.id.in_(only))
    if but_shown:
        statement = statement.where(or_(Document.is_internal, Document.company_id.is_not(None)))
    found = session.scalars(statement.order_by(Document.id)).all()
    for document in found:
        setattr(document, before.key, None)
        setattr(document, after.key, target.id)
        document.version += 1
    session.flush()
    if found:
        mark_holder(session, Document.id.in_([document.id for document in found]))
    changes = {"on": (source.ref, target.ref)}
    told = [("edited", each, changes, {"version": each.version}) for each in found]
    record_many(session, actor, told, at=now)
    return [document.id for document in found]
