"""Setting and resetting passwords: invitations, resets and changes.  Each ends what the old one opened."""

import secrets
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.browsers import place_of
from app.identity.errors import LinkGone, NotActive, field_error
from app.identity.links import LIFETIMES, token_of
from app.identity.models import LinkPurpose, OneTimeLink, User, UserState
from app.identity.passwords import is_right
from app.identity.queries import digest, find_user_by_email, get_organisation, make_actor
from app.identity.sessions import revoke_keys, void_links
from app.identity.signing_in import (
    Browser,
    Entry,
    company_is_suspended,
    enter,
    lock_user,
    portal_is_closed_to,
)
from app.kernel.actor import Actor
from app.kernel.fold import email_key
from app.notifications.models import NotificationKind
from app.notifications.operations import notify

_FORGOTTEN = Actor.system("forgotten password", door="web")


def make_link(session: Session, user: User, purpose: LinkPurpose, *, now: datetime) -> OneTimeLink:
    """A new one-time link, in the place of all that the user has.  The mail that carries it is `notify`'s."""
    void_links(session, user.id, now=now)
    nonce = secrets.token_urlsafe(24)
    link = OneTimeLink(
        user_id=user.id,
        purpose=purpose,
        nonce=nonce,
        token_hash=digest(token_of(purpose, nonce)),
        created_at=now,
        expires_at=now + LIFETIMES[purpose],
    )
    session.add(link)
    session.flush()  # its id names the notification
    return link


def send_invitation(session: Session, user: User, *, now: datetime) -> OneTimeLink:
    """A fresh invitation and its mail; an older one opens nothing any more."""
    link = make_link(session, user, LinkPurpose.INVITATION, now=now)
    _mail_link(session, user, link, NotificationKind.INVITATION, now)
    return link


def send_reset(session: Session, email: str, *, now: datetime, browser: Browser | None = None) -> None:
    """Mail a reset link to the address, if it is somebody's who may use one; a new invitation to the invited.

    Nothing tells whether it was; that it does not take longer either is the door's to see to.
    """
    user = find_user_by_email(session, email_key(email) or "")
    if user is None or user.state is UserState.DEACTIVATED or company_is_suspended(session, user):
        return
    if user.state is UserState.INVITED:
        send_invitation(session, user, now=now)
    else:
        link = make_link(session, user, LinkPurpose.RESET, now=now)
        _mail_link(session, user, link, NotificationKind.PASSWORD_RESET, now)
    where = place_of(browser.address, browser.user_agent) if browser is not None else {}
    events.record(session, _FORGOTTEN, verb="link_asked", subject=user, at=now, detail=where)


def get_link(session: Session, token: str, *, now: datetime) -> tuple[OneTimeLink, User]:
    """The link and whose it is.  Changes nothing.

    Raises LinkGone: unknown, used, replaced, expired, or the user may not use one (any more).
    """
    row = session.execute(
        select(OneTimeLink, User)
        .join(User, User.id == OneTimeLink.user_id)
        .where(
            OneTimeLink.token_hash == digest(token),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now,
        )
    ).first()
    if row is None:
        raise LinkGone
    link, user = row
    expected = UserState.INVITED if link.purpose is LinkPurpose.INVITATION else UserState.ACTIVE
    if user.state is not expected or company_is_suspended(session, user):
        raise LinkGone
    return link, user


def use_link(
    session: Session, token: str, password_hash: str, *, now: datetime, browser: Browser
) -> Entry | None:
    """Set the password that a link was for, and sign in: whoever has a second factor is still asked for a code.

    None when the portal is not published: the password is set, but that was no sign-in.  A reset ends
    every session, token and link of the user and tells them by mail.  Writes an event; does not commit.
    Raises LinkGone, also to the second of two who use it at the same moment.
    """
    link, user = get_link(session, token, now=now)
    user = lock_user(session, user.id)
    used = session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None))
        .values(used_at=now)
    )
    if used.rowcount != 1 or user.state is UserState.DEACTIVATED:  # type: ignore[attr-defined]
        raise LinkGone
    actor = make_actor(session, user, get_organisation(session), "")
    if link.purpose is LinkPurpose.INVITATION:
        user.state = UserState.ACTIVE
        void_links(session, user.id, now=now)
        _keep(user, password_hash, now)
        events.record(session, actor, verb="accepted_invitation", subject=user, at=now)
    else:
        _replace(session, actor, user, password_hash, now=now)
    if portal_is_closed_to(session, user):
        return None
    return enter(session, user, now=now, browser=browser)


def set_first_password(
    session: Session, actor: Actor, user: User, password_hash: str, *, now: datetime
) -> None:
    """Make an invited user active with a password given by a command; no link is needed any more."""
    user.state = UserState.ACTIVE
    void_links(session, user.id, now=now)
    _keep(user, password_hash, now)
    user.updated_by_id = actor.user_id
    events.record(session, actor, verb="changed_password", subject=user, at=now)


def change_password(
    session: Session, actor: Actor, user_id: int, kept: str | None, password_hash: str, *, now: datetime
) -> None:
    """Set a new password of one's own, after `check_own_password` found `kept` to be the old one.

    Ends all other sessions and every token and link, and tells the person by mail.  Does not commit.
    Raises NotActive, Invalid (the old password has been changed meanwhile).
    """
    user = lock_user(session, user_id)
    if user.state is not UserState.ACTIVE:
        raise NotActive
    if user.password_hash != kept:
        raise field_error("current_password", _l("This is not your password."))
    _replace(session, actor, user, password_hash, now=now, keep_session=actor.session_id)


def check_own_password(user: User, password: str) -> str | None:
    """The hash that was found right.  Raises Invalid."""
    if not is_right(password, user.password_hash):
        raise field_error("current_password", _l("This is not your password."))
    return user.password_hash


def _replace(
    session: Session,
    actor: Actor,
    user: User,
    password_hash: str,
    *,
    now: datetime,
    keep_session: int | None = None,
) -> None:
    revoke_keys(session, user.id, now=now, keep_session=keep_session)
    _keep(user, password_hash, now)
    event_id = events.record(session, actor, verb="changed_password", subject=user, at=now)
    notify(session, act=f"password:{event_id}", user=user, kind=NotificationKind.PASSWORD_CHANGED, now=now)


def _keep(user: User, password_hash: str, now: datetime) -> None:
    user.password_hash = password_hash
    user.password_changed_at = now
    user.updated_at = now
    user.updated_by_id = user.id
    user.version += 1


def _mail_link(
    session: Session, user: User, link: OneTimeLink, kind: NotificationKind, now: datetime
) -> None:
    notify(session, act=f"link:{link.id}", user=user, kind=kind, now=now, detail={"link_id": link.id})
