"""Sign-ins that wait for a code: the browser holds a random token, the server its digest, for ten minutes."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.identity.errors import StepGone
from app.identity.models import SignInStep, User
from app.identity.queries import digest

LIFETIME = timedelta(minutes=10)
MOST_TRIES = 5


def start_step(session: Session, user: User, *, now: datetime) -> str:
    """Begin to wait for a code of somebody whose password was right; the token."""
    token = secrets.token_urlsafe(32)
    session.add(
        SignInStep(
            token_hash=digest(token), user_id=user.id, created_at=now, expires_at=now + LIFETIME, tries=0
        )
    )
    return token


def get_step(session: Session, token: str, *, now: datetime) -> tuple[SignInStep, User]:
    """The waiting sign-in and whose it is.  Raises StepGone: unknown, passed, tried too often, too old."""
    row = session.execute(
        select(SignInStep, User)
        .join(User, User.id == SignInStep.user_id)
        .where(
            SignInStep.token_hash == digest(token),
            SignInStep.ended_at.is_(None),
            SignInStep.expires_at > now,
            SignInStep.tries < MOST_TRIES,
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise StepGone
    step, user = row
    return step, user


def end_steps(session: Session, user_id: int, *, now: datetime) -> None:
    """Let no sign-in of the user that waits for a code go on."""
    session.execute(
        update(SignInStep)
        .where(SignInStep.user_id == user_id, SignInStep.ended_at.is_(None))
        .values(ended_at=now)
    )
