"""Signed-in browsers: begun at sign-in, ended by their owner, an administrator or time.

A session ends 24 hours after it was last seen and seven days after it began, whichever comes first.
A person may have any number; each shows on their profile, where it can be ended.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.models import ApiToken, CalendarAddress, OneTimeLink, User, UserSession
from app.identity.queries import IDLE_LIMIT, digest
from app.identity.steps import end_steps
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import NotFound

LIFETIME = timedelta(days=7)


def start_session(session: Session, user: User, *, now: datetime, address: str, user_agent: str) -> str:
    """Begin a session with a fresh random token, which is returned and of which only the digest is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            ref=refs.new_ref(refs.SESSION),
            token_hash=digest(token),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + LIFETIME,
            address=address[:60],
            user_agent=_printable(user_agent)[:300],
        )
    )
    return token


def live_sessions(session: Session, user_id: int, *, now: datetime) -> Sequence[UserSession]:
    """Where the person is signed in, the most recently used first."""
    return session.scalars(
        select(UserSession)
        .where(
            UserSession.user_id == user_id,
            UserSession.ended_at.is_(None),
            UserSession.expires_at > now,
            UserSession.last_seen_at > now - IDLE_LIMIT,
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        .limit(100)
    ).all()


def end_session(session: Session, actor: Actor, user: User, session_ref: str, *, now: datetime) -> None:
    """End one session of the user: one's own, or as an administrator.  Raises NotFound."""
    row = session.scalar(
        select(UserSession).where(
            UserSession.ref == session_ref, UserSession.user_id == user.id, UserSession.ended_at.is_(None)
        )
    )
    if row is None:
        raise NotFound("session", session_ref)
    row.ended_at = now
    events.record(session, actor, verb="session_ended", subject=user, at=now, detail={"session": row.ref})


def end_own_session(session: Session, actor: Actor, *, now: datetime) -> None:
    """Sign out: end the session that the actor's request came with."""
    row = session.get(UserSession, actor.session_id) if actor.session_id else None
    if row is None or row.ended_at is not None:
        return
    row.ended_at = now
    events.record(session, actor, verb="signed_out", subject=session.get_one(User, row.user_id), at=now)


def end_sessions(session: Session, user_id: int, *, now: datetime, keep: int | None = None) -> int:
    """End all sessions of the user but the one with the key `keep`; how many ended.  Writes no event."""
    ended = session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id, UserSession.ended_at.is_(None), UserSession.id != (keep or 0))
        .values(ended_at=now)
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]  # an UPDATE has a count


def end_other_sessions(session: Session, actor: Actor, user: User, *, now: datetime) -> int:
    """End the actor's other sessions; how many there were."""
    number = end_sessions(session, user.id, now=now, keep=actor.session_id)
    if number:
        events.record(session, actor, verb="sessions_ended", subject=user, at=now, detail={"number": number})
    return number


def end_all_sessions(session: Session, actor: Actor, user: User, *, now: datetime) -> int:
    """Sign somebody else out everywhere; how many sessions ended.  Raises NotAllowed."""
    actor.require(Permission.USER_MANAGE)
    number = end_sessions(session, user.id, now=now)
    events.record(session, actor, verb="sessions_ended", subject=user, at=now, detail={"number": number})
    return number


def revoke_keys(session: Session, user_id: int, *, now: datetime, keep_session: int | None = None) -> None:
    """End every session, token, one-time link and the calendar address of a user at once, but the session
    named; also sign-ins that wait for a code.  Writes no event.
    """
    end_sessions(session, user_id, now=now, keep=keep_session)
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    void_links(session, user_id, now=now)
    end_steps(session, user_id, now=now)
    session.execute(delete(CalendarAddress).where(CalendarAddress.user_id == user_id))


def void_links(session: Session, user_id: int, *, now: datetime) -> None:
    """Make the user's unused one-time links useless."""
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == user_id, OneTimeLink.used_at.is_(None))
        .values(used_at=now)
    )


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
