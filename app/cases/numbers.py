"""What a case is called by: eight digits that can be said on the phone and tell nobody anything.

They are drawn by chance rather than counted up.  A running number would tell each customer and partner who
reads two of them how many cases lie between, and would have everybody who makes one wait for the same
counter.  Ninety million numbers are enough: at a million cases one draw in ninety is taken, and drawn again.
"""

import re

from app.kernel import refs

DIGITS = 8
_FIRST, _HOW_MANY = 10 ** (DIGITS - 1), 9 * 10 ** (DIGITS - 1)
_TYPED = re.compile(r"#?\s*(\d{4})(?:[\s-]?(\d{1,4}))?\s*\Z")


def draw() -> str:
    """A number, which may be taken."""
    return str(_FIRST + refs.draw() % _HOW_MANY)


def read(text: str) -> str | None:
    """The beginning of a number, four digits or more, in what somebody typed: "4827 1935", "#48271935"."""
    found = _TYPED.match(text.strip())
    return "".join(found.groups("")) if found else None
