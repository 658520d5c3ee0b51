"""Telling the owner of a record that somebody who cannot see it has made what is probably a second one.

Whoever makes it learns nothing: saving neither asks nor answers about records that they may not see, and
this is done later, by the worker.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.identity.models import User, UserState
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Level
from app.notifications.models import Notification, NotificationKind
from app.notifications.operations import Mail, notify
from app.notifications.preferences import choice
from app.sharing.scope import scope

_MODELS: Mapping[str, Any] = {"account": Account, "contact": Contact}
_TELLING = Actor.system("telling of duplicates")


def tell_owners(
    session: Session, kind: str, record: Any, found: Mapping[int, tuple[str, ...]], *, now: datetime
) -> None:
    """Tell of new pairs of the record: the owner of the earlier of two that the writer of the later may not read.

    The earlier was made and last changed before the other.  Where these two do not agree nobody is told: else
    whoever makes a record to learn whether a hidden one is there would be told so when that one is next changed.

    found: key → reasons.  The notice is about the owner's own record, and names the reasons; of the other
    record it keeps the key, and nothing else is told of it.  Does not commit.
    """
    model = _MODELS[kind]
    others = session.scalars(select(model).where(scope(model, _TELLING), model.id.in_(sorted(found)))).all()
    for other in others:
        first, second = sorted((record, other), key=lambda each: (each.updated_at, each.id))
        if first.created_at > second.created_at:
            continue
        writer = find_actor(session, second.updated_by_id, door="web") if second.updated_by_id else None
        if writer is None or _reads(session, writer, model, first.id):
            continue
        _tell(session, kind, first, second, writer, found[other.id], now)


def _reads(session: Session, writer: Actor, model: Any, key: int) -> bool:
    return (
        session.scalar(select(model.id).where(scope(model, writer, Level.READ), model.id == key)) is not None
    )


def _tell(
    session: Session, kind: str, first: Any, second: Any, writer: Actor, reasons: Sequence[str], now: datetime
) -> None:
    act = f"duplicate:{kind}:{min(first.id, second.id)}:{max(first.id, second.id)}"
    for user in _told_of(session, first, writer):
        if user.id == writer.user_id or user.state is not UserState.ACTIVE or _is_told(session, act, user):
            continue
        notify(
            session,
            act=act,
            user=user,
            kind=NotificationKind.DUPLICATE_FOUND,
            now=now,
            record=first,
            detail={"reasons": list(reasons), "other": second.id},
            # By mail only for those who asked for it.
            mail=Mail.NOW if choice(user, NotificationKind.DUPLICATE_FOUND) else Mail.NONE,
        )


def _told_of(session: Session, first: Any, writer: Actor) -> list[User]:
    """The owner of the record; of what a partner's person made also the partner's channel manager."""
    keys = [first.owner_user_id]
    if writer.company_id is not None:
        manager = select(Account.owner_user_id).where(
            scope(Account, _TELLING), Account.id == writer.company_id
        )
        keys += [key for key in session.scalars(manager) if key not in keys]
    return [session.get_one(User, key) for key in keys]


def _is_told(session: Session, act: str, owner: User) -> bool:
    statement = select(Notification.id).where(
        Notification.act == act,
        Notification.user_id == owner.id,
        Notification.kind == NotificationKind.DUPLICATE_FOUND,
    )
    return session.scalar(statement) is not None
