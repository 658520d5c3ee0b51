"""The second factor of a person: set up, proved, turned off, reset.

Whoever calls holds the user with `lock_user`, so that no code is taken twice by two requests at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.events import operations as events
from app.identity.authenticator import DIGITS, find_step, secret_of
from app.identity.errors import (
    FactorRequired,
    NoSecondFactor,
    NotActive,
    OwnAccount,
    field_error,
)
from app.identity.models import User, UserState
from app.identity.operations import require_managing
from app.identity.queries import get_organisation
from app.identity.recovery_codes import clean_code, hash_code, replace_codes, use_code
from app.identity.required_factor import must_have_one
from app.identity.sessions import end_sessions
from app.identity.signing_in import lock_user
from app.identity.steps import end_steps
from app.kernel.actor import Actor, Permission
from app.notifications.models import NotificationKind
from app.notifications.operations import notify


class Means(StrEnum):
    """What somebody proved themselves with."""

    AUTHENTICATOR = "authenticator"
    RECOVERY_CODE = "recovery_code"


class Change(StrEnum):
    """What people are told by mail has happened to their second factor."""

    SET_UP = "set_up"
    TURNED_OFF = "turned_off"
    RESET = "reset"
    CODES_RENEWED = "codes_renewed"
    CODE_USED = "code_used"
    CODES_TRIED = "codes_tried"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed where a code is asked for, with the slow part done.

    recovery_hash: None unless it looks like a recovery code.  nonce: whose authenticator it was hashed for.
    """

    digits: str
    recovery_hash: bytes | None
    nonce: str | None


def read_code(user: User, text: str) -> Typed:
    """What was typed, ready to be compared.  Takes some 30 ms for a recovery code; changes nothing."""
    digits = "".join(c for c in text[:40] if not c.isspace())
    if len(digits) == DIGITS and digits.isascii() and digits.isdecimal():
        return Typed(digits, None, user.second_factor_nonce)
    code = clean_code(text[:40])
    if code is None or user.second_factor_nonce is None:
        return Typed("", None, user.second_factor_nonce)
    return Typed("", hash_code(code, user.second_factor_nonce), user.second_factor_nonce)


def accept_code(session: Session, actor: Actor, user: User, typed: Typed, *, now: datetime) -> Means | None:
    """Use the code up if it is right now; with what the person proved themselves, None when they did not.

    A code of the authenticator is taken once, and none of an older step after it.  A recovery code leaves
    an event and a mail.  Does not commit.
    """
    nonce = user.second_factor_nonce
    if not user.has_second_factor or nonce is None or nonce != typed.nonce:
        return None
    if typed.digits:
        secret = secret_of(user.ref, nonce)
        step = find_step(secret, typed.digits, now=now, after=user.second_factor_step)
        if step is None:
            return None
        user.second_factor_step = step
        return Means.AUTHENTICATOR
    if typed.recovery_hash is None or not use_code(session, user.id, typed.recovery_hash, now=now):
        return None
    _tell(session, actor, user, Change.CODE_USED, "recovery_code_used", now)
    return Means.RECOVERY_CODE


def prove(
    session: Session, actor: Actor, user_id: int, kept: str | None, typed: Typed, *, now: datetime
) -> User | None:
    """The user, held, once password and code were found right; None, and an event, when the code was not.

    kept: the hash that `check_own_password` found right.  Does not commit: a wrong code counts only when
    the caller does.  Raises NotActive, Invalid (the password was changed meanwhile).
    """
    user = _own(session, actor, user_id, kept)
    if accept_code(session, actor, user, typed, now=now) is None:
        events.record(session, actor, verb="second_factor_failed", subject=user, at=now)
        return None
    return user


def set_up(
    session: Session,
    actor: Actor,
    user_id: int,
    *,
    nonce: str,
    instead_of: str | None,
    digits: str,
    recovery: Sequence[bytes],
    now: datetime,
) -> None:
    """Make the authenticator of that nonce the person's second factor, once it gave a right code.

    instead_of: the nonce of the one it takes the place of.  recovery: hashes of the codes that go with it.
    Writes an event and tells the person by mail; does not commit.
    Raises NotActive, NoSecondFactor (another was set up or turned off meanwhile), Invalid (code).
    """
    user = _own(session, actor, user_id)
    if user.second_factor_nonce != instead_of:
        raise NoSecondFactor
    step = find_step(secret_of(user.ref, nonce), digits, now=now, after=None)
    if step is None:
        raise field_error("code", wrong_code())
    user.second_factor_nonce = nonce
    user.second_factor_at = now
    user.second_factor_step = step
    _touch(user, actor, now)
    replace_codes(session, user.id, recovery, now=now)
    end_steps(session, user.id, now=now)
    _tell(session, actor, user, Change.SET_UP, "second_factor_set_up", now)


def renew_codes(
    session: Session, actor: Actor, user: User, recovery: Sequence[bytes], *, now: datetime
) -> None:
    """Replace the recovery codes of somebody who has proved themselves.  Writes an event and a mail."""
    replace_codes(session, user.id, recovery, now=now)
    _tell(session, actor, user, Change.CODES_RENEWED, "recovery_codes_renewed", now)


def require_optional(session: Session, user: User) -> None:
    """Raises FactorRequired when the user's role asks for a second factor, NoSecondFactor without one."""
    if not user.has_second_factor:
        raise NoSecondFactor
    if must_have_one(user, get_organisation(session)):
        raise FactorRequired


def turn_off(session: Session, actor: Actor, user: User, *, now: datetime) -> None:
    """Let the password be enough again, for somebody who has proved themselves.

    Writes an event and a mail; does not commit.  Raises FactorRequired, NoSecondFactor.
    """
    require_optional(session, user)
    _clear(session, actor, user, now)
    _tell(session, actor, user, Change.TURNED_OFF, "second_factor_turned_off", now)


def reset_second_factor(session: Session, actor: Actor, user: User, *, now: datetime) -> None:
    """Take somebody's second factor away, when authenticator and codes are lost; ends their sessions.

    Where the role asks for one, their next sign-in leads to setting up another.  For administrators and
    the system (a command).  Writes an event and a mail; does not commit.
    Raises NotAllowed, OwnAccount, NoSecondFactor.
    """
    if not actor.is_system:
        require_managing(session, actor, user, Permission.USER_MANAGE)
        if user.id == actor.user_id:
            raise OwnAccount
    user = lock_user(session, user.id)
    if not user.has_second_factor:
        raise NoSecondFactor
    _clear(session, actor, user, now)
    end_sessions(session, user.id, now=now)
    _tell(session, actor, user, Change.RESET, "second_factor_reset", now)


def tell_change(session: Session, user: User, change: Change, *, act: str, now: datetime) -> None:
    """Tell the person by mail what happened to their second factor."""
    notify(
        session,
        act=act,
        user=user,
        kind=NotificationKind.SECOND_FACTOR,
        now=now,
        detail={"what": change.value},
    )


def wrong_code() -> object:
    """One answer for wrong, old and used codes."""
    return _l("This code is wrong, has run out or was used already. Wait for the next one.")


def _own(session: Session, actor: Actor, user_id: int, kept: str | None = None) -> User:
    """The actor's own user, held.  kept: the password's hash that it must still have, if one is given."""
    if actor.user_id != user_id:
        raise ValueError("a second factor is its owner's")
    user = lock_user(session, user_id)
    if user.state is not UserState.ACTIVE:
        raise NotActive
    if kept is not None and user.password_hash != kept:
        raise field_error("current_password", _l("This is not your password."))
    return user


def _clear(session: Session, actor: Actor, user: User, now: datetime) -> None:
    user.second_factor_nonce = None
    user.second_factor_at = None
    user.second_factor_step = None
    _touch(user, actor, now)
    replace_codes(session, user.id, (), now=now)
    end_steps(session, user.id, now=now)


def _touch(user: User, actor: Actor, now: datetime) -> None:
    user.updated_at = now
    user.updated_by_id = actor.user_id
    user.version += 1


def _tell(session: Session, actor: Actor, user: User, change: Change, verb: str, now: datetime) -> None:
    event_id = events.record(session, actor, verb=verb, subject=user, at=now)
    tell_change(session, user, change, act=f"second factor:{event_id}", now=now)
