"""Passwords: which are refused, and how they are kept.

Kept as Argon2id with 19 MiB, two passes and one lane (OWASP's first recommendation), some 30 ms here,
so that hashing is done before a transaction that writes begins.  No rule of composition: length, and not
on the list of common ones, decide.
"""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid

SHORTEST = 12
LONGEST = 256
_LONGEST_DRESS = 8  # signs and figures around a common word that still leave it easy to guess
_SHORTEST_NUMBER = 20
_COMMON = Path(__file__).parent / "data" / "common-passwords.txt"
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def hash_password(password: str) -> str:
    """What is kept of a password; takes some 30 ms and 19 MiB."""
    return _HASHER.hash(_plain(password))


def is_right(password: str, kept: str | None) -> bool:
    """Whether the password is the one kept.  Takes as long when nothing is kept, and then says no."""
    if len(password) > LONGEST:
        password, kept = password[:LONGEST], None
    try:
        _HASHER.verify(kept or _nobodys(), _plain(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _HASHER.check_needs_rehash(kept)


def check_password(password: str, about: Iterable[str] = (), *, field: str = "password") -> None:
    """Raises Invalid, filed under `field`, for a password that is too short, too long or easy to guess.

    about: what is known of the person (name, address, company) and may not be the password.
    """
    problem = _problem(password, about)
    if problem is not None:
        raise Invalid({field: [problem]})


def _problem(password: str, about: Iterable[str]) -> Any:
    if len(password) < SHORTEST:
        return _l("Use at least %(number)s characters. Several words in a row are fine.", number=SHORTEST)
    if len(password) > LONGEST:
        return _l("Use at most %(number)s characters.", number=LONGEST)
    text = _plain(password).casefold()
    if _is_common(text) or _is_pattern(text):
        return _l("Many people use this password, or one much like it. Choose another.")
    if _dressed(text, {word for known in about for word in _words_of(known)}):
        return _l("This is too close to your name or address. Choose another.")
    return None


def _is_common(text: str) -> bool:
    common = _common()
    return text in common or _dressed(text, common)


def _dressed(text: str, words: frozenset[str] | set[str]) -> bool:
    """Whether it is one of the words, but for a few signs and figures around it."""
    start = next((i for i, c in enumerate(text) if c.isalpha()), len(text))
    end = next((i for i in range(len(text), start, -1) if text[i - 1].isalpha()), start)
    return len(text) - (end - start) <= _LONGEST_DRESS and text[start:end] in words


def _is_pattern(text: str) -> bool:
    """Few different characters, a short number, a run (abcdef…), something short or common again and again."""
    if len(set(text)) < 5 or (text.isdigit() and len(text) < _SHORTEST_NUMBER):
        return True
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    if steps in ({1}, {-1}):
        return True
    for length in range(1, len(text) // 2 + 1):
        unit = text[:length]
        if (unit * len(text))[: len(text)] == text:
            return length <= 4 or unit in _common()
    return False


def _words_of(known: str) -> Iterable[str]:
    whole = _plain(known).casefold()
    yield whole
    yield whole.partition("@")[0]
    yield "".join(c for c in whole if c.isalnum())
    yield from whole.replace("@", " ").replace(".", " ").split()


def _plain(password: str) -> str:
    """One spelling for what keyboards spell in several."""
    return unicodedata.normalize("NFKC", password)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())


@lru_cache(maxsize=1)
def _nobodys() -> str:
    """A hash that belongs to nobody, so that an unknown address costs what a known one does."""
    return _HASHER.hash("nobody has this password")
