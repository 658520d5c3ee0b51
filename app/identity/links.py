"""One-time links in mails: invitations and password resets.

The secret is derived from the link's nonce and the application's key when the mail is written, so that
the database holds nothing that opens it.  It is made again, the same, however often a mail is retried.
"""

import base64
import hmac
from datetime import timedelta
from hashlib import sha256

from flask import current_app

from app.identity.models import LinkPurpose, OneTimeLink
from app.settings import current_settings

LIFETIMES = {LinkPurpose.INVITATION: timedelta(hours=72), LinkPurpose.RESET: timedelta(hours=1)}


def token_of(purpose: LinkPurpose, nonce: str) -> str:
    """The secret of a link: 43 characters that fit a URL."""
    key = hmac.digest(str(current_app.config["SECRET_KEY"]).encode(), b"one-time link", "sha256")
    secret = hmac.new(key, f"{purpose.value}:{nonce}".encode(), sha256).digest()
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def link_token(link: OneTimeLink) -> str:
    """The secret of a stored link."""
    return token_of(link.purpose, link.nonce)


def link_url(link: OneTimeLink) -> str:
    """The address to put into a mail.  Opening it changes nothing: the page behind it asks for a password."""
    return f"{current_settings().base_url}/welcome/{link_token(link)}"
