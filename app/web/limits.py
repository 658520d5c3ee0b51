"""How often something may be asked for: sign-in, public forms, the API.  Kept in this process's memory."""

from flask import request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(
    key_func=get_remote_address, headers_enabled=True, storage_uri="memory://", strategy="moving-window"
)

SIGN_IN = "10 per 5 minutes"
PUBLIC_FORM = "20 per minute"
API = "600 per minute"


def account_key() -> str:
    """The account that a sign-in is tried for, so that many addresses cannot share the guessing."""
    return f"account:{request.form.get('email', '').strip().casefold()[:320]}"
