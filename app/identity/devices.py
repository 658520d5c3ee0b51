"""Browsers that somebody has signed in from before: strangers who guess cannot lock their owner out.

Each successful sign-in leaves a signed cookie that names the account.  Tries from such a browser are
counted on their own instead of against the address and the account (OWASP's device cookies), so that
whoever uses up the account's tries from elsewhere stops nobody but themselves.
"""

import secrets

from flask import current_app, request
from flask_limiter.util import get_remote_address
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from app.kernel.fold import email_key

LIFETIME_SECONDS = 180 * 24 * 3600
_NAME = "canal_device"


def remember_device(response: Response, email: str) -> None:
    """Leave the cookie that says: this account has been signed in to from here."""
    known = _known_device(email) or secrets.token_urlsafe(12)
    response.set_cookie(
        _cookie_name(),
        _signer().dumps([email_key(email), known]),
        max_age=LIFETIME_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


def by_address() -> str:
    """Key of a limit: the browser's address, or the known browser."""
    return _device_key("address") or f"address:{get_remote_address()}"


def by_account() -> str:
    """Key of a limit: the account that the sign-in is for, or the known browser."""
    return _device_key("account") or f"account:{email_key(_typed()) or _typed()[:320]}"


def _device_key(instead_of: str) -> str | None:
    """Named after what it stands in for: two limits with one key would count each try twice."""
    known = _known_device(_typed())
    return f"device, {instead_of}:{known}" if known else None


def _known_device(email: str) -> str | None:
    try:
        account, device = _signer().loads(request.cookies.get(_cookie_name(), ""), max_age=LIFETIME_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(device) if account == email_key(email) else None


def _typed() -> str:
    return request.form.get("email", "").strip()


def _cookie_name() -> str:
    return f"__Host-{_NAME}" if current_app.config["SESSION_COOKIE_SECURE"] else _NAME


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt="known device")
