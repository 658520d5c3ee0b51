"""Browsers that somebody has signed in from before: strangers who guess cannot lock their owner out.

Each successful sign-in leaves a signed cookie that names the account.  Tries from such a browser are
counted on their own instead of against the address and the account (OWASP's device cookies), so that
whoever uses up the account's tries from elsewhere stops nobody but themselves.
"""

import secrets

from flask import current_app, request, session
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from app.kernel.fold import email_key

LIFETIME_SECONDS = 180 * 24 * 3600
MOST_ACCOUNTS = 8  # that share a browser and are told apart
_NAME = "canal_device"
_STEP = "second_step"


def remember_device(response: Response, email: str) -> None:
    """Leave the cookie that says: this account has been signed in to from here."""
    account = email_key(email)
    others = [pair for pair in _known_accounts() if pair[0] != account]
    known = _known_device(email) or secrets.token_urlsafe(12)
    response.set_cookie(
        _cookie_name(),
        _signer().dumps([[account, known], *others][:MOST_ACCOUNTS]),
        max_age=LIFETIME_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


def is_known_device(email: str) -> bool:
    """Whether the account was signed in to from this browser before."""
    return _known_device(email) is not None


def by_address() -> str:
    """Key of a limit: the browser's address, or the known browser."""
    return _device_key(_typed(), "address") or f"address:{get_remote_address()}"


def by_account() -> str:
    """Key of a limit: the account that the sign-in is for, or the known browser."""
    return _device_key(_typed(), "account") or f"account:{email_key(_typed()) or _typed()[:320]}"


# A sign-in that waits for a code: the signed session cookie says whose it is.


def carry_step(token: str, email: str, counted_as: str) -> None:
    """Give the browser the wait for a code instead of whatever its cookie held before."""
    session.clear()
    session[_STEP] = {"token": token, "email": email, "counted_as": counted_as}


def step_token() -> str:
    """The token of the wait for a code; "" when there is none."""
    return _step("token")


def step_email() -> str:
    """Whose sign-in waits for a code."""
    return _step("email")


def step_by_address() -> str:
    """As `by_address`, for codes."""
    return _device_key(step_email(), "address") or f"address:{get_remote_address()}"


def step_by_account() -> str:
    """As `by_account`, for codes.

    With the password in it, so that whoever knows an old one uses up no tries of whoever knows the new one.
    """
    return _device_key(step_email(), "account") or f"account:{_step('counted_as') or get_remote_address()}"


def _step(name: str) -> str:
    kept = session.get(_STEP)
    return str(kept.get(name, "")) if isinstance(kept, dict) else ""


def _device_key(email: str, instead_of: str) -> str | None:
    """Named after what it stands in for: two limits with one key would count each try twice."""
    known = _known_device(email)
    return f"device, {instead_of}:{known}" if known else None


def _known_device(email: str) -> str | None:
    account = email_key(email)
    return next((known for name, known in _known_accounts() if name == account), None)


def _known_accounts() -> list[tuple[str, str]]:
    """Account and device of each account that was signed in to from here, the latest first."""
    try:
        kept = _signer().loads(request.cookies.get(_cookie_name(), ""), max_age=LIFETIME_SECONDS)
        pairs = kept if kept and isinstance(kept[0], list) else [kept]  # one pair alone in older cookies
        return [(str(account), str(device)) for account, device in pairs]
    except (BadSignature, ValueError, TypeError, IndexError, KeyError):
        return []


def _typed() -> str:
    return request.form.get("email", "").strip()


def _cookie_name() -> str:
    return f"__Host-{_NAME}" if current_app.config["SESSION_COOKIE_SECURE"] else _NAME


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="known device")
