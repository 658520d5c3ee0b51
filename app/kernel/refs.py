"""Public names of records: `lead_06F3…`, the kind in front, then time-ordered random bits.

A reference is stored with its record and never derived from the key, so that nobody reads a rival's
volume off a running number and no name is taken for another kind's.  48 bits of milliseconds keep
new rows at the right-hand end of the index; 80 random bits keep them unguessable.
"""

import itertools
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Two digits at a time: imports and notifications make several names a row.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LENGTH_IN_PAIRS = 11
_LONG_AGO = 1_700_000_000_000  # milliseconds; before the names of anything made since

LEAD = "lead"
ACCOUNT = "acct"
CONTACT = "cont"
USER = "user"
QUEUE = "queue"
ROUND_ROBIN = "rr"
RULE = "rule"
ACTIVITY = "act"
MEMBER = "mem"
IMPORT = "imp"
BULK = "bulk"
DELIVERY = "dlv"
NOTICE = "note"
EVENT = "evt"
SESSION = "ses"
TOKEN = "tok"  # noqa: S105 - a kind of record, not a secret
LEVEL = "lvl"
ITEM = "item"
GROUP = "group"
SHARING_RULE = "srule"
SHARE = "share"
MAIL_TEMPLATE = "tmpl"
DUPLICATE = "pair"
SAVED_VIEW = "view"
TAG = "tag"
EXPORT = "exp"
CHANGE = "chg"
CUSTOM_FIELD = "field"
RELATIONSHIP = "rel"
CHARACTERISTIC = "char"
INTEREST = "int"
CASE = "case"
OPPORTUNITY = "opp"
DOCUMENT = "doc"
SCORES = "score"
CONTACT_ROLE = "ocr"
FIELD_MAPPING = "map"
CAMPAIGN = "camp"
LEAD_FORM = "form"
FORM_POST = "post"
TARGET = "target"
SUBSCRIPTION = "sub"


def _fresh() -> int:
    return (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)


_source: ContextVar[Callable[[], int] | None] = ContextVar("canal_ref_source", default=None)


@contextmanager
def seeded(source: Random) -> Iterator[None]:
    """Draw names from a seeded source instead, so that demo data can be made twice alike."""
    numbers = itertools.count(_LONG_AGO)
    token = _source.set(lambda: (next(numbers) << 80) | source.getrandbits(80))
    try:
        yield
    finally:
        _source.reset(token)


def room_of(kind: str) -> str:
    """The room, and so the first part of the address, that shows records of a table: "leads" of "lead"."""
    return "opportunities" if kind == "opportunity" else f"{kind}s"


def draw() -> int:
    """80 bits by chance, from the seeded source where there is one."""
    return (_source.get() or _fresh)() & ((1 << 80) - 1)


def new_ref(kind: str) -> str:
    """A fresh public name such as `lead_0QZ…`: kind, underscore, 22 base-62 characters."""
    number = (_source.get() or _fresh)()
    pairs = []
    for _ in range(_LENGTH_IN_PAIRS):
        number, rest = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[rest])
    pairs.reverse()
    return f"{kind}_{''.join(pairs)}"


def is_ref(kind: str, value: object) -> bool:
    """Whether `value` has the shape of a public name of that kind."""
    if not isinstance(value, str) or len(value) > 40 or not value.startswith(f"{kind}_"):
        return False
    rest = value[len(kind) + 1 :]
    return rest.isascii() and rest.isalnum()
