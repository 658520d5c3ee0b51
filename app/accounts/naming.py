"""How accounts are to be named: an administrator's hint and patterns, in a language that cannot run away.

A pattern is text in which `*` stands for anything, `?` for one character, `#` for a digit and `@` for a capital
letter; a backslash takes the next character as it is.  It is matched whole, in time that grows with the
product of the two lengths and no faster.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.kernel.text import clean_text

LONGEST_PATTERN = 200
MOST_PATTERNS = 20
LONGEST_HINT = 500
ANYTHING, ONE, DIGIT, CAPITAL = "*", "?", "#", "@"
_SPECIAL = frozenset({ANYTHING, ONE, DIGIT, CAPITAL})
# (is it a character of the pattern language, the character)
_Sign = tuple[bool, str]


@dataclass(frozen=True, slots=True)
class Naming:
    """hint: shown at the field.  patterns: a name must fit one of them; none: any name will do.

    is_must: a name that fits none is refused; else it is only said.
    """

    hint: str = ""
    patterns: Sequence[str] = field(default_factory=tuple)
    is_must: bool = False

    @classmethod
    def stored(cls, kept: Mapping[str, Any] | None) -> "Naming":
        kept = kept or {}
        return cls(kept.get("hint", ""), tuple(kept.get("patterns", ())), bool(kept.get("is_must")))

    def to_store(self) -> dict[str, Any]:
        return {"hint": self.hint, "patterns": list(self.patterns), "is_must": self.is_must}

    def fits(self, name: str) -> bool:
        return not self.patterns or any(matches(pattern, name) for pattern in self.patterns)

    def complaint(self, name: str) -> Any | None:
        """What to say about a name that does not fit; None for one that does."""
        if self.fits(name):
            return None
        return self.hint or _l("Names are written like this: %(patterns)s", patterns=", ".join(self.patterns))


def read_naming(hint: object, patterns: object, is_must: bool) -> Naming:
    """What an administrator typed, a pattern a line.  Raises Invalid."""
    lines = clean_text(patterns, max_length=10_000, field="patterns", multiline=True) or ""
    kept = [line.strip() for line in lines.splitlines() if line.strip()]
    if len(kept) > MOST_PATTERNS or any(len(line) > LONGEST_PATTERN for line in kept):
        message = _l(
            "At most %(many)s patterns of %(long)s characters.", many=MOST_PATTERNS, long=LONGEST_PATTERN
        )
        raise Invalid({"patterns": [message]})
    text = clean_text(hint, max_length=LONGEST_HINT, field="hint") or ""
    if is_must and kept and not text:
        raise Invalid({"hint": [_l("Say how names are to be written, for those whose name is refused.")]})
    return Naming(text, tuple(kept), is_must)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name fits the pattern.  Each letter of the name is looked at once for each sign at most."""
    signs = _signs(pattern)
    # Which beginnings of the pattern the name so far can have used up.
    reached = {0} | _past_anything(signs, 0)
    for letter in name:
        after: set[int] = set()
        for at in reached:
            if at < len(signs) and _takes(signs[at], letter):
                here = at if signs[at] == (True, ANYTHING) else at + 1
                after.add(here)
                after |= _past_anything(signs, here)
        reached = after
        if not reached:
            return False
    return len(signs) in reached


def _past_anything(signs: Sequence[_Sign], at: int) -> set[int]:
    """The places behind the asterisks that begin here: each may stand for nothing."""
    places = set()
    while at < len(signs) and signs[at] == (True, ANYTHING):
        at += 1
        places.add(at)
    return places


def _signs(pattern: str) -> list[_Sign]:
    found: list[_Sign] = []
    is_plain = False
    for letter in unicodedata.normalize("NFC", pattern):
        if letter == "\\" and not is_plain:
            is_plain = True
            continue
        sign = (not is_plain and letter in _SPECIAL, letter)
        if not (sign == (True, ANYTHING) and found and found[-1] == sign):
            found.append(sign)
        is_plain = False
    return [*found, (False, "\\")] if is_plain else found


def _takes(sign: _Sign, letter: str) -> bool:
    is_special, wanted = sign
    if not is_special:
        return letter == wanted
    return {ANYTHING: True, ONE: True, DIGIT: letter.isdecimal(), CAPITAL: letter.isupper()}[wanted]
