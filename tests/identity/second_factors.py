"""Somebody with a second factor, and the codes that their authenticator shows."""

from datetime import timedelta

from pyotp import TOTP

from app.identity.authenticator import new_nonce, secret_of
from app.identity.recovery_codes import hash_codes, make_codes, replace_codes
from app.kernel import clock
from tests.factories import PASSWORD


def give_factor(session, user):
    """A second factor for the user, as if set up a while ago; the recovery codes."""
    user.second_factor_nonce = new_nonce()
    user.second_factor_at = clock.now() - timedelta(days=3)
    user.second_factor_step = None
    codes = make_codes()
    replace_codes(session, user.id, hash_codes(codes, user.second_factor_nonce), now=clock.now())
    session.commit()
    return codes


def code_of(user, *, steps=0):
    """What the authenticator shows now; steps: with a clock that is so many half minutes ahead."""
    return code_for(secret_of(user.ref, user.second_factor_nonce), steps=steps)


def code_for(secret, *, steps=0):
    return TOTP(secret.replace(" ", "")).at(clock.now() + timedelta(seconds=30 * steps))


def wrong_code(user):
    """Six digits that are right neither now nor soon."""
    right = {code_of(user, steps=steps) for steps in range(-3, 4)}
    return next(code for number in range(10) if (code := f"{number:06d}") not in right)


def give_password(browser, user, password=PASSWORD, **kwargs):
    return browser.submit("/sign-in", {"email": user.email, "password": password}, **kwargs)


def give_code(browser, code, **kwargs):
    return browser.submit("/sign-in/code", {"code": code}, **kwargs)


def token_in(browser):
    """The session's token in the browser's cookie; None when nobody is signed in."""
    with browser.session_transaction() as cookie:
        return cookie.get("_user_id")
