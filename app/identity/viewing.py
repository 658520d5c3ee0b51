"""Looking at Canal as somebody else: what an administrator does to find out what that person sees.

It is kept with the administrator's session, changes nothing, and is on record.  The person's rights are
read anew with every request, as their own requests would.
"""

from dataclasses import replace
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.directory import get_user
from app.identity.models import User, UserSession, UserState
from app.identity.queries import find_actor
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Conflict, NotAllowed


def start_viewing(session: Session, actor: Actor, user_ref: str, *, now: datetime) -> User:
    """Let the actor's session see what the user sees, and change nothing, until `stop_viewing`.

    Writes an event; does not commit.  Raises NotAllowed, NotFound, Conflict (oneself, nobody who can sign in).
    """
    actor.require(Permission.USER_MANAGE)
    row = session.get(UserSession, actor.session_id) if actor.session_id else None
    if row is None:
        raise NotAllowed(_l("This is done in a browser."))
    user = get_user(session, actor, user_ref)
    if user.id == actor.user_id:
        raise Conflict(_l("You see what you see."))
    if user.state is not UserState.ACTIVE or find_actor(session, user.id) is None:
        raise Conflict(_l("They cannot sign in, and see nothing."))
    row.viewing_as_id = user.id
    record(session, actor, verb="viewing_started", subject=user, at=now)
    return user


def stop_viewing(session: Session, actor: Actor, *, now: datetime) -> User | None:
    """Be oneself again; the user who was looked at, None when it was nobody.  actor: oneself.

    Writes an event; does not commit.
    """
    row = session.get(UserSession, actor.session_id) if actor.session_id else None
    if row is None or row.viewing_as_id is None:
        return None
    user = session.get_one(User, row.viewing_as_id)
    row.viewing_as_id = None
    record(session, actor, verb="viewing_stopped", subject=user, at=now)
    return user


def seen_as(session: Session, actor: Actor, row: UserSession) -> Actor:
    """The actor whose view the session shows: the user looked at, or `actor` where there is none.

    The page keeps the administrator's language, zone and theme; the user's profile with their keys is closed.
    """
    if row.viewing_as_id is None or not actor.can(Permission.USER_MANAGE):
        return actor
    other = find_actor(session, row.viewing_as_id, door="view_as")
    if other is None:
        return actor  # they have left meanwhile
    return replace(
        other,
        language=actor.language,
        time_zone=actor.time_zone,
        theme=actor.theme,
        session_id=actor.session_id,
        permissions=other.permissions - {Permission.PROFILE_EDIT},
        viewer_name=actor.name,
        viewer_ref=actor.ref,
    )
