"""API tokens: made once, shown once, kept as a digest, revoked at once."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.errors import NotActive, field_error
from app.identity.models import ApiToken, User, UserState
from app.identity.queries import digest
from app.identity.signing_in import lock_user
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Conflict, NotFound
from app.kernel.text import clean_text

PREFIX = "canal_"
MOST_DAYS = 3650
MOST_TOKENS = 50


class TooManyTokens(Conflict):
    """Somebody who has so many has lost track of them."""

    slug = "too-many-tokens"
    message = _l("You have %(number)s tokens. Revoke one that you do not use.", number=MOST_TOKENS)


def create_token(
    session: Session, actor: Actor, user: User, *, label: str, now: datetime, days: int | None = None
) -> tuple[ApiToken, str]:
    """A bearer token that acts as the user; the second is the token itself, which is kept nowhere.

    days: it expires after so many; None never.  For oneself, or for anybody by the system (a command).
    Writes an event; does not commit.  Raises NotActive, Invalid (label, days), TooManyTokens.
    """
    if not actor.is_system and actor.user_id != user.id:
        actor.require(Permission.USER_MANAGE)
    user = lock_user(session, user.id)
    if user.state is not UserState.ACTIVE:
        raise NotActive
    name = clean_text(label, max_length=100, field="label")
    if name is None:
        raise field_error("label", _l("Say what the token is for."))
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise field_error("days", _l("Enter a whole number from 1 to %(limit)s.", limit=MOST_DAYS))
    if len(live_tokens(session, user.id, now=now)) >= MOST_TOKENS:
        raise TooManyTokens
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        ref=refs.new_ref(refs.TOKEN),
        user_id=user.id,
        label=name,
        prefix=secret[:12],
        token_hash=digest(secret),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    session.add(token)
    detail = {"token": token.ref, "label": name, "prefix": token.prefix, "days": days}
    events.record(session, actor, verb="token_created", subject=user, at=now, detail=detail)
    return token, secret


def revoke_token(session: Session, actor: Actor, user: User, token_ref: str, *, now: datetime) -> None:
    """Make a token of the user useless from the next call on.  Raises NotFound."""
    if actor.user_id != user.id:
        actor.require(Permission.USER_MANAGE)
    token = session.scalar(
        select(ApiToken).where(
            ApiToken.ref == token_ref, ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)
        )
    )
    if token is None:
        raise NotFound("token", token_ref)
    token.revoked_at = now
    events.record(session, actor, verb="token_revoked", subject=user, at=now, detail={"token": token.ref})


def live_tokens(session: Session, user_id: int, *, now: datetime) -> Sequence[ApiToken]:
    """The user's tokens that still work, the newest first."""
    return session.scalars(
        select(ApiToken)
        .where(
            ApiToken.user_id == user_id,
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
        )
        .order_by(ApiToken.id.desc())
    ).all()
