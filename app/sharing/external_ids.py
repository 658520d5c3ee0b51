"""External ids: what other systems call a record.  Each means one record among those that somebody may see.

A record that they may not see counts as absent, as everywhere else: were its external id refused, whoever tries
them one by one would learn which are there.  Two records of one external id can thus be, each unknown to the
other's people; whoever sees both is told of several when a row or a call names it.
"""

from collections.abc import Collection
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid
from app.sharing.scope import scope

TAKEN = _l("Another record has this external id.")


def refuse_taken(session: Session, actor: Actor, model: Any, external_id: str | None) -> None:
    """Raises Invalid when another record that the actor may read has the external id.

    Holds the id until the transaction ends, so that of two who take it at the same moment the second is told.
    """
    if external_id is None:
        return
    hold(session, model, [external_id])
    taken = select(model.id).where(scope(model, actor, Level.READ), model.external_id == external_id)
    if session.scalar(taken.limit(1)) is not None:
        raise Invalid({"external_id": [TAKEN]})


def hold(session: Session, model: Any, external_ids: Collection[str]) -> None:
    """Let nobody else take these ids until the transaction ends."""
    if external_ids and not is_sqlite(session):  # SQLite has one writer at a time
        # In one order, so that two imports never wait in a circle.
        names = [f"{model.__tablename__}:{external_id}" for external_id in sorted(external_ids)]
        each = func.unnest(literal(names, ARRAY(Text))).table_valued("name").render_derived(name="each")
        lock = func.pg_advisory_xact_lock(func.hashtextextended(each.c.name, 0))
        session.execute(select(lock).select_from(each))
