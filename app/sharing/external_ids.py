"""External ids: what other systems call a record.  Each means one record among those that somebody may see.

A record that they may not see counts as absent, as everywhere else: were its external id refused, whoever tries
them one by one would learn which are there.  Two records of one external id can thus be, each unknown to the
other's people; whoever sees both is told of several when a row or a call names it.
"""

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid
from app.sharing.scope import scope


def refuse_taken(session: Session, actor: Actor, model: Any, external_id: str | None) -> None:
    """Raises Invalid when another record that the actor may read has the external id.

    Holds the id until the transaction ends, so that of two who take it at the same moment the second is told.
    """
    if external_id is None:
        return
    if not is_sqlite(session):  # SQLite has one writer at a time
        key = func.hashtextextended(f"{model.__tablename__}:{external_id}", 0)
        session.execute(select(func.pg_advisory_xact_lock(key)))
    taken = select(model.id).where(scope(model, actor, Level.READ), model.external_id == external_id)
    if session.scalar(taken.limit(1)) is not None:
        raise Invalid({"external_id": [_l("Another record has this external id.")]})
