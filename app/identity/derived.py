"""Keys derived from the application's own, one for each purpose, so that the database alone opens nothing."""

import hmac

from flask import current_app


def derived_key(purpose: str) -> bytes:
    """32 bytes that stay the same as long as the application's key does."""
    return hmac.digest(str(current_app.config["SECRET_KEY"]).encode(), purpose.encode(), "sha256")
