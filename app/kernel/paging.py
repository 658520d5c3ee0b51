"""Pages by key.  A cursor names the last row of a page; it reveals no key and fits only the person,
filters and sort it was made for.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Integer, literal_column

from app.kernel.errors import DomainError

T = TypeVar("T")

PAGE_SIZE = 50
LARGEST_PAGE = 200
COUNT_CAP = 1000


def fixed(limit: int) -> ColumnElement[int]:
    """A limit that is the same whoever asks, written into the statement instead of bound; see `planned_once`."""
    return literal_column(str(limit), Integer)


class BadCursor(DomainError):
    """A cursor that is damaged or was made for another person, filter or sort."""

    status = 400
    slug = "bad-cursor"
    message = _l("This page link does not fit the list any more. Start from the first page.")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a sorted list.  older: cursor of the next page, None at the end; newer: of the one before."""

    items: Sequence[T]
    older: str | None = None
    newer: str | None = None


def _cipher() -> Fernet:
    cipher: Fernet | None = current_app.extensions.get("canal_cursor_cipher")
    if cipher is None:
        secret = str(current_app.config["SECRET_KEY"]).encode()
        key = hmac.new(secret, b"cursor", hashlib.sha256).digest()
        cipher = current_app.extensions["canal_cursor_cipher"] = Fernet(urlsafe_b64encode(key))
    return cipher


def _binding(user_id: int | None, shape: object) -> str:
    """Digest of whom and what a cursor is for.  shape: filters and sort, JSON-able."""
    text = json.dumps([user_id, shape], sort_keys=True, default=str)
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:9]).decode()


def make_cursor(user_id: int | None, shape: object, sort_value: Any, key: int, *, back: bool = False) -> str:
    """A cursor after the row with that sort value and key; `back` pages towards the first row."""
    if isinstance(sort_value, datetime):
        sort_value = {"at": sort_value.isoformat()}
    payload = json.dumps([_binding(user_id, shape), sort_value, key, back]).encode()
    return _cipher().encrypt(payload).decode().rstrip("=")


def read_cursor(user_id: int | None, shape: object, cursor: str) -> tuple[Any, int, bool]:
    """(sort value, key, back) of a cursor.  Raises BadCursor."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        urlsafe_b64decode(padded)
        binding, sort_value, key, back = json.loads(_cipher().decrypt(padded.encode("ascii")))
    except (InvalidToken, ValueError, TypeError) as error:
        raise BadCursor from error
    if binding != _binding(user_id, shape):
        raise BadCursor
    if isinstance(sort_value, dict):
        sort_value = datetime.fromisoformat(sort_value["at"])
    return sort_value, int(key), bool(back)
