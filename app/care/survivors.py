"""Which record another one became part of, and who is led from the one to the other."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, AccountResponsible, Contact
from app.events.models import Event
from app.kernel.actor import Actor, Level
from app.sharing.scope import scope, scope_of_merged

MODELS: Mapping[str, Any] = {"account": Account, "contact": Contact}
# So many merges one after the other are followed.
DEEPEST = 60
# What was merged away is deleted, and so nobody's; who is told of it is asked apart.
_FOLLOWING = Actor.system("follow merges")


def find_survivor(session: Session, actor: Actor, kind: str, ref: str) -> str | None:
    """The public name of the record that this one became part of, if the actor may read that one.

    None for whoever would not see this one were it still there: that it ever was is not told to them.
    """
    model = MODELS[kind]
    found = session.execute(
        select(model.id, model.merged_into_id, scope_of_merged(model, actor).label("would_see")).where(
            scope(model, _FOLLOWING), model.ref == ref
        )
    ).first()
    # What was not merged is no further work, lest the wait tell that it is there.
    if found is None or found.merged_into_id is None:
        return None
    if not (found.would_see or _was_answerable(session, actor, kind, found.id)):
        return None
    into = found.merged_into_id
    for _step in range(DEEPEST):
        if into is None:
            return None
        row = session.execute(
            select(model.ref, model.merged_into_id).where(scope(model, _FOLLOWING), model.id == into)
        ).one()
        if row.merged_into_id is None:
            return session.scalar(select(model.ref).where(scope(model, actor, Level.READ), model.id == into))
        into = row.merged_into_id
    return None


def _was_answerable(session: Session, actor: Actor, kind: str, key: int) -> bool:
    """Whether the actor was answerable for a record when it was merged away: that went along to the survivor."""
    told = session.scalar(
        select(Event.detail)
        .where(Event.record_kind == kind, Event.record_id == key, Event.verb == "merged_into")
        .limit(1)
    )
    return actor.user_id in (told or {}).get("answerable_ids", ())


def answerable_for(session: Session, kind: str, losers: Sequence[Any]) -> dict[int, list[int]]:
    """Key of an account → the people answerable for it, who find the survivor at its address."""
    found: dict[int, list[int]] = {}
    if kind == "account":
        table = AccountResponsible
        keys = [each.id for each in losers]
        for key, user_id in session.execute(
            select(table.account_id, table.user_id).where(table.account_id.in_(keys)).order_by(table.id)
        ):
            found.setdefault(key, []).append(user_id)
    return found
