"""Codes of an authenticator app (TOTP, RFC 6238): the secret behind them, which count now, the picture to scan.

The secret is derived from a stored random value and the application's key: the database alone gives no
code, and a new key makes every authenticator useless.
"""

import base64
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from app.identity.derived import derived_key

STEP_SECONDS = 30
# Codes of the step before and the step after count too: clocks differ, and people type slowly.
WINDOW = 1
DIGITS = 6
_QUIET_ZONE = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A QR code as one path of an SVG image.  size: its width and height, the quiet zone included."""

    path: str
    size: int


def new_nonce() -> str:
    """A random value to derive a secret from."""
    return secrets.token_urlsafe(24)


def secret_of(user_ref: str, nonce: str) -> str:
    """The secret that the authenticator holds: 160 bits in base 32."""
    made = hmac.digest(derived_key("second factor"), f"{user_ref}:{nonce}".encode(), "sha256")
    return base64.b32encode(made[:20]).decode()


def in_groups(secret: str) -> str:
    """The secret for people who type it: four characters at a time."""
    return " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))


def step_at(moment: datetime) -> int:
    """The number of the time step that a moment lies in."""
    return int(moment.timestamp()) // STEP_SECONDS


def find_step(secret: str, digits: str, *, now: datetime, after: int | None) -> int | None:
    """The time step that the code is of; None when it is of none that counts now.

    after: the step of the last code that was taken: neither that one nor an older is taken again.
    """
    from pyotp import TOTP

    authenticator = TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    current = step_at(now)
    found = None
    for step in range(current - WINDOW, current + WINDOW + 1):
        is_right = hmac.compare_digest(authenticator.generate_otp(step), digits)
        if is_right and (after is None or step > after):
            found = step
    return found


def setup_address(secret: str, *, email: str, vendor: str) -> str:
    """The `otpauth:` address that an authenticator app reads from the picture."""
    from pyotp import TOTP

    totp = TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    return str(totp.provisioning_uri(name=email, issuer_name=vendor.replace(":", " ").strip() or "Canal"))


def picture_of(text: str) -> Picture:
    """The QR code of a text."""
    import segno

    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix]
    runs = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            end = x
            while end < len(row) and row[end]:
                end += 1
            if end > x:
                runs.append(f"M{x + _QUIET_ZONE} {y + _QUIET_ZONE}h{end - x}v1h-{end - x}z")
            x = end + 1
    return Picture("".join(runs), len(rows) + 2 * _QUIET_ZONE)
