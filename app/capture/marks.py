"""When a page of ours with a form was made, signed: whoever sends it within two seconds is no person."""

from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from app.capture.models import Cause

LEAST = timedelta(seconds=2)


def make_mark(secret: str, form_key: str, now: datetime) -> str:
    """What a form of ours carries along."""
    return str(_signer(secret).dumps([form_key, int(now.timestamp() * 1000)]))


def judge(secret: str, form_key: str, mark: str, now: datetime) -> Cause | None:
    """What is wrong with the mark that came; a form on another site has none, and nothing is wrong with that."""
    if not mark:
        return None
    try:
        key, made = _signer(secret).loads(mark)
    except (BadSignature, ValueError, TypeError):
        return Cause.FORGED
    if key != form_key or not isinstance(made, int):
        return Cause.FORGED
    return Cause.TOO_FAST if now.timestamp() * 1000 - made < LEAST.total_seconds() * 1000 else None


def _signer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt="lead form")
