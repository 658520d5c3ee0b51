"""Ten codes that stand in for a lost authenticator: shown once, used once each, replaced all together.

Kept as Argon2id of the code, salted by the person's own random value, and then keyed with the application's
key.  One code costs some 30 ms, so that hashing is done before a transaction that writes begins.
"""

import hmac
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from argon2.low_level import Type, hash_secret_raw
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.identity.derived import derived_key
from app.identity.models import RecoveryCode

NUMBER = 10
# Without what is easily taken for something else: 0 and o, 1, i and l.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH, _GROUP = 12, 4
_COSTS = {"time_cost": 2, "memory_cost": 19 * 1024, "parallelism": 1}


def make_codes() -> list[str]:
    """Ten fresh codes as they are shown: `abcd-efgh-jkmn`, 59 random bits each."""
    return ["-".join(_random(_GROUP) for _ in range(_LENGTH // _GROUP)) for _ in range(NUMBER)]


def clean_code(text: str) -> str | None:
    """What was typed as it is hashed; None when it does not look like a recovery code."""
    code = "".join(c for c in text.casefold() if not c.isspace() and c != "-")
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None


def hash_code(code: str, nonce: str) -> bytes:
    """What is kept of a code (as `clean_code` gives it)."""
    raw = hash_secret_raw(code.encode(), nonce.encode(), hash_len=32, type=Type.ID, **_COSTS)
    return hmac.digest(derived_key("recovery code"), raw, "sha256")


def hash_codes(codes: Iterable[str], nonce: str) -> list[bytes]:
    """What is kept of codes as they are shown."""
    return [hash_code(clean_code(code) or "", nonce) for code in codes]


def replace_codes(session: Session, user_id: int, hashes: Sequence[bytes], *, now: datetime) -> None:
    """Give the person these codes instead of all earlier ones."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(RecoveryCode(user_id=user_id, code_hash=kept, created_at=now) for kept in hashes)


def use_code(session: Session, user_id: int, code_hash: bytes, *, now: datetime) -> bool:
    """Use up the code with that hash; whether there was one."""
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
    )
    return int(used.rowcount) == 1  # type: ignore[attr-defined]  # an UPDATE has a count


def count_codes(session: Session, user_id: int) -> int:
    """How many codes are left."""
    left = select(func.count(RecoveryCode.id)).where(
        RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    )
    return session.scalar(left) or 0


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
