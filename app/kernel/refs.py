"""Public names of records: `lead_06F3…`, the kind in front, then time-ordered random bits.

A reference is stored with its record and never derived from the key, so that nobody reads a rival's
volume off a running number and no name is taken for another kind's.  48 bits of milliseconds keep
new rows at the right-hand end of the index; 80 random bits keep them unguessable.
"""

import secrets
import time

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Two digits at a time: imports and notifications make several names a row.
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LENGTH_IN_PAIRS = 11

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


def new_ref(kind: str) -> str:
    """A fresh public name such as `lead_0QZ…`: kind, underscore, 22 base-62 characters."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    pairs = []
    for _ in range(_LENGTH_IN_PAIRS):
        number, rest = divmod(number, len(_PAIRS))
        pairs.append(_PAIRS[rest])
    pairs.reverse()
    return f"{kind}_{''.join(pairs)}"


def is_ref(kind: str, value: object) -> bool:
    """Whether `value` has the shape of a public name of that kind."""
    return isinstance(value, str) and value.startswith(f"{kind}_") and len(value) <= 40 and value.isascii()
