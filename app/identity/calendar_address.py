"""The secret address of somebody's calendar: made, shown once, renewed, revoked; whose it is."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.models import CalendarAddress, User
from app.identity.queries import digest, find_actor
from app.identity.signing_in import lock_user
from app.kernel.actor import Actor

USED_EVERY = timedelta(minutes=5)
_QUIETLY = {"synchronize_session": False}


def renew_address(session: Session, actor: Actor, user: User, *, now: datetime) -> str:
    """A new secret for one's own calendar, kept nowhere; one there was before opens nothing any more.

    Writes an event; does not commit.
    """
    lock_user(session, user.id)
    secret = secrets.token_urlsafe(32)
    row = session.get(CalendarAddress, user.id)
    if row is None:
        row = CalendarAddress(user_id=user.id, token_hash=digest(secret), created_at=now)
        session.add(row)
    row.token_hash, row.created_at, row.last_used_at = digest(secret), now, None
    events.record(session, actor, verb="calendar_opened", subject=user, at=now)
    return secret


def revoke_address(session: Session, actor: Actor, user: User, *, now: datetime) -> None:
    """Let the address open nothing from now on.  Without one it does nothing."""
    gone = session.execute(
        delete(CalendarAddress).where(CalendarAddress.user_id == user.id), execution_options=_QUIETLY
    )
    if gone.rowcount:  # type: ignore[attr-defined]  # a DELETE has a count
        events.record(session, actor, verb="calendar_closed", subject=user, at=now)


def find_address(session: Session, user_id: int) -> CalendarAddress | None:
    """The person's address, without its secret."""
    return session.get(CalendarAddress, user_id)


def find_actor_by_calendar(session: Session, secret: str) -> tuple[Actor, CalendarAddress] | None:
    """Whose calendar it is, if they may act: neither deactivated nor of a suspended company."""
    row = session.scalar(select(CalendarAddress).where(CalendarAddress.token_hash == digest(secret)))
    actor = find_actor(session, row.user_id, door="calendar") if row is not None else None
    return (actor, row) if actor is not None and row is not None else None


def note_used(session: Session, user_id: int, *, now: datetime) -> None:
    """Note that the calendar was asked for; whoever calls does so every five minutes at most."""
    session.execute(
        update(CalendarAddress).where(CalendarAddress.user_id == user_id).values(last_used_at=now),
        execution_options=_QUIETLY,
    )
