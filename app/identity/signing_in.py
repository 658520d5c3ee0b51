"""Signing in with an address and a password.

Checking is apart from signing in: it takes 30 ms and holds no transaction that writes.  What was checked
is checked again, under a lock, when the session begins.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.browsers import browser_and_system, place_of
from app.identity.errors import PortalNotOpen, RoleKeptOut, SignInRefused
from app.identity.models import User, UserState
from app.identity.passwords import hash_password, is_outdated, is_right
from app.identity.queries import find_user_by_email, get_organisation, make_actor
from app.identity.sessions import start_session
from app.identity.steps import start_step
from app.kernel.db import is_sqlite
from app.kernel.fold import email_key
from app.notifications.models import NotificationKind
from app.notifications.operations import notify
from app.partners.models import PartnerAccount, PartnerState

log = structlog.get_logger("canal.identity")


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in from, as their list of sessions shows it.

    is_known: the account was signed in to from there before.
    """

    address: str = ""
    user_agent: str = ""
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What a right password opened.  token: of a session, or of the wait for a code.

    counted_as: what wrong codes are counted by: the user, and the password that was right.
    """

    token: str
    needs_code: bool = False
    counted_as: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A person whose password was right.  kept: the hash that it was right for; renewed: a newer one, if due."""

    user_id: int
    kept: str
    renewed: str | None = None


def check_credentials(session: Session, email: str, password: str) -> Checked:
    """Who it is.  Reads one row and verifies one hash, whatever the answer; changes nothing.

    Raises SignInRefused for an unknown address, a wrong password and everybody who may not sign in;
    PortalNotOpen to a partner user who gave the right password before the portal is published.
    """
    user = find_user_by_email(session, email_key(email) or "")
    right = is_right(password, user.password_hash if user else None)
    if user is None or user.password_hash is None or not right:
        log.info("sign-in refused", user=user.ref if user else None, reason="credentials")
        raise SignInRefused
    check_may_sign_in(session, user)
    renewed = hash_password(password) if is_outdated(user.password_hash) else None
    return Checked(user.id, user.password_hash, renewed)


def sign_in(session: Session, checked: Checked, *, now: datetime, browser: Browser) -> Entry:
    """Begin a session for somebody whose password was checked, or the wait for the code of their second factor.

    A session comes with an event; the first one makes a partner user assignable.  Does not commit.
    Raises SignInRefused when the password or the right to sign in has gone meanwhile, PortalNotOpen.
    """
    user = lock_user(session, checked.user_id)
    if user.password_hash != checked.kept:
        raise SignInRefused
    check_may_sign_in(session, user)
    if checked.renewed is not None:
        user.password_hash = checked.renewed
    return enter(session, user, now=now, browser=browser)


def enter(session: Session, user: User, *, now: datetime, browser: Browser) -> Entry:
    """Let somebody in whose password was right: at once, or to the page that asks for a code."""
    if not user.has_second_factor:
        return Entry(begin(session, user, now=now, browser=browser))
    since = int(user.password_changed_at.timestamp()) if user.password_changed_at else 0
    return Entry(start_step(session, user, now=now), needs_code=True, counted_as=f"{user.ref}:{since}")


def begin(session: Session, user: User, *, now: datetime, browser: Browser) -> str:
    """Begin a session of a user who was found to be allowed; returns its token.

    Tells them by mail when it is from a browser that is not known, but for the very first time.
    """
    if not browser.is_known and user.last_sign_in_at is not None:
        _tell_of_new_device(session, user, browser, now)
    token = start_session(session, user, now=now, address=browser.address, user_agent=browser.user_agent)
    if user.first_web_sign_in_at is None:
        user.first_web_sign_in_at = now
    user.last_sign_in_at = now
    actor = make_actor(session, user, get_organisation(session), "")
    where = place_of(browser.address, browser.user_agent)
    events.record(session, actor, verb="signed_in", subject=user, at=now, detail=where)
    return token


def lock_user(session: Session, user_id: int) -> User:
    """The user as they are now, held against changes until the transaction ends."""
    statement = select(User).where(User.id == user_id).execution_options(populate_existing=True)
    return session.scalars(
        statement if is_sqlite(session) else statement.with_for_update(key_share=True)
    ).one()


def portal_is_closed_to(session: Session, user: User) -> bool:
    """Whether the user is a partner's and the portal is not published, or their role no member of it."""
    return why_closed(session, user) is not None


def why_closed(session: Session, user: User) -> PortalNotOpen | None:
    """Why the portal is closed to the user; None when it is not, and for internal people."""
    if not user.is_partner:
        return None
    organisation = get_organisation(session)
    if organisation.portal_published_at is None:
        return PortalNotOpen()
    return RoleKeptOut() if user.role not in organisation.portal_roles else None


def _tell_of_new_device(session: Session, user: User, browser: Browser, now: datetime) -> None:
    name, system = browser_and_system(browser.user_agent)
    where = {"browser": name, "system": system, "address": browser.address[:60]}
    act = f"new device:{secrets.token_urlsafe(12)}"
    notify(session, act=act, user=user, kind=NotificationKind.NEW_DEVICE, now=now, detail=where)


def check_may_sign_in(session: Session, user: User) -> None:
    """Raises SignInRefused for those who may not (any more), PortalNotOpen."""
    if user.state is not UserState.ACTIVE or company_is_suspended(session, user):
        log.info("sign-in refused", user=user.ref, reason="state")
        raise SignInRefused
    closed = why_closed(session, user)
    if closed is not None:
        raise closed


def company_is_suspended(session: Session, user: User) -> bool:
    """Whether the user belongs to a partner account that is suspended."""
    if user.partner_account_id is None:
        return False
    state = session.scalar(
        select(PartnerAccount.state).where(PartnerAccount.account_id == user.partner_account_id)
    )
    return state is not PartnerState.ACTIVE
