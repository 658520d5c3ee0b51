"""Forgets what has served its time: old answers to repeated requests, ended sessions, spent links."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, tuple_
from sqlalchemy.orm import Session

from app.identity.models import IdempotencyKey, OneTimeLink, SentForm, SignInStep, UserSession

KEEP_ANSWERS = timedelta(hours=24)
KEEP_ENDED = timedelta(days=30)
AT_ONCE = 500


def delete_outdated(session: Session, *, now: datetime) -> int:
    """Delete at most some hundreds of rows of each kind; how many.  Does not commit."""
    old = now - KEEP_ENDED
    return (
        _delete(session, IdempotencyKey, IdempotencyKey.created_at < now - KEEP_ANSWERS)
        + _delete(session, SentForm, SentForm.created_at < now - KEEP_ANSWERS)
        + _delete(
            session,
            UserSession,
            or_(
                UserSession.expires_at < old,
                and_(UserSession.ended_at.is_not(None), UserSession.ended_at < old),
            ),
        )
        + _delete(session, OneTimeLink, OneTimeLink.expires_at < old)
        + _delete(session, SignInStep, SignInStep.expires_at < now - KEEP_ANSWERS)
    )


def _delete(session: Session, model: Any, condition: Any) -> int:
    key = tuple(model.__table__.primary_key)
    some = select(*key).where(condition).limit(AT_ONCE)
    named = key[0].in_(some) if len(key) == 1 else tuple_(*key).in_(some)
    result = session.execute(delete(model).where(named).execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE has a count
