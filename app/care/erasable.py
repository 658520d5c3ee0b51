"""What of a person's records says who they are, and what stands there once they are erased.  Pure.

What counts stays: status, owner, source, campaign, country and town, industry, amounts, score, history of assignment.
"""

import contextlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.kernel.fold import fold

# The guard of events knows it too: migration 0035.
MARK = "[erased]"
FEWEST = 4  # shorter words would be found in everything
FEWEST_DIGITS = 7  # and so would shorter numbers, and 0000

# Emptied, and what is replaced where something was written, by table.
EMPTIED: Mapping[str, tuple[str, ...]] = {
    "lead": (
        "first_name", "title", "email", "email_key", "phone", "mobile", "phone_key", "website", "street", "postal_code",
        "external_id",
    ),
    "contact": (
        "first_name", "title", "email", "email_key", "phone", "mobile", "phone_key", "external_id",
    ),
    "account": (
        "first_name", "last_name", "title", "email", "phone", "mobile", "phone_key", "website", "domain", "site",
        "account_number", "billing_street", "billing_postal_code", "shipping_street", "shipping_postal_code",
        "external_id", "company_key",
    ),
}  # fmt: skip
REPLACED: Mapping[str, tuple[str, ...]] = {
    "lead": (
        "last_name",
        "description",
        "budget",
        "authority",
        "need",
        "timeframe",
        "consent_origin",
    ),
    "contact": ("last_name", "description", "consent_origin"),
    "account": ("name", "description"),
    "activity": ("subject", "text", "place", "outcome"),
    "document": ("name", "description"),
}
NAMES = ("email", "phone", "mobile", "first_name", "last_name", "name")
# Texts of an event or a conversion that tell nothing of the person; all others are replaced.
_TELLING_NOTHING = frozenset(
    {
        "status", "source", "owner", "queue", "rating", "industry", "employees", "country", "city", "state", "company",
        "product_interest", "campaign", "campaign_name", "level", "kind", "category", "role", "stage", "currency", "at",
        "due_at", "arrived_at", "consent", "consent_basis", "consent_on", "converted_at", "score", "assignee", "type",
        "unqualified_reason", "to", "from", "cause", "reason", "via", "on", "billing_city", "billing_country", "object",
        "shipping_city", "shipping_country", "billing_state", "shipping_state", "records", "account", "contact",
        "opportunity", "parent", "reports_to", "language", "time_zone", "annual_revenue",
    }
)  # fmt: skip
_REF = re.compile(r"[a-z]{2,6}_[0-9A-Za-z]{15,}")


@dataclass(frozen=True, slots=True)
class Needles:
    """What is looked for everywhere, and what beside it within the person's own records.

    everywhere: whole names, addresses, numbers, as written, folded and as keys.  parts: single names.
    """

    everywhere: tuple[str, ...]
    parts: tuple[str, ...] = ()

    @property
    def pattern(self) -> re.Pattern[str]:
        return _any_of(self.everywhere)

    @property
    def own_pattern(self) -> re.Pattern[str]:
        return _any_of((*self.everywhere, *self.parts))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(set(words), key=lambda word: (-len(word), word))
    return re.compile("|".join(_apart(word) for word in longest_first) or r"(?!)", re.IGNORECASE)


def _apart(word: str) -> str:
    """A pattern of the word where it stands by itself: within a longer name, address or number it is somebody else's.

    Numbers may have more before them, the country's; letters without small and large ones are written without blanks.
    """
    if "@" in word:
        return rf"(?<!\w)(?<!\w[.+-]){re.escape(word)}(?!\w)(?![.-]\w)"
    if not any(letter.isalpha() for letter in word):
        return rf"{re.escape(word)}(?!\d)"
    before = r"(?<![^\W\d_])" if _is_spaced(word[0]) else ""
    after = r"(?![^\W\d_])" if _is_spaced(word[-1]) else ""
    return f"{before}{re.escape(word)}{after}"


def _is_spaced(letter: str) -> bool:
    return letter.lower() != letter.upper()


def _tells_of_one(word: str) -> bool:
    """Whether it is long enough to be looked for everywhere."""
    if any(letter.isalpha() for letter in word):
        return len(word.strip()) >= FEWEST
    return sum(letter.isdigit() for letter in word) >= FEWEST_DIGITS


def needles_of(records: Iterable[tuple[str, Any]], more: Iterable[str] = ()) -> Needles:
    """What the records are known by.  records: (table, loaded).  more: other spellings, given by hand."""
    whole: set[str] = set()
    parts: set[str] = set()
    for table, each in records:
        first, last = getattr(each, "first_name", None) or "", getattr(each, "last_name", None) or ""
        if first and last:
            whole |= {f"{first} {last}", f"{last} {first}", f"{last}, {first}"}
        parts |= {part for part in (first, last) if part}
        if table == "account":
            (whole if len(each.name.split()) > 1 else parts).add(each.name)
        for name in ("email", "phone", "mobile"):
            value = getattr(each, name, None)
            if value:
                whole |= {value, value.strip()}
                if name != "email":
                    whole.add("".join(value.split()))
        for name in ("email_key", "phone_key"):
            if getattr(each, name, None):
                whole.add(getattr(each, name))
    whole |= {word.strip() for word in more}
    kept = {word for word in whole if MARK not in word and _tells_of_one(word)}
    own = {word for word in parts if MARK not in word and len(word) > 1}
    folded = {fold(word, 200) for word in kept} | {fold(word, 200) for word in own}
    return Needles(
        tuple(sorted(kept | {fold(word, 200) for word in kept})), tuple(sorted(own | folded - kept))
    )


def without(text: str, pattern: re.Pattern[str], most: int | None = None) -> str:
    """The text with the mark in the place of whatever matches, no longer than `most`."""
    found = pattern.sub(MARK, text)
    return found if most is None else found[:most]


def marked_leaves(value: Any, pattern: re.Pattern[str]) -> Any:
    """The same structure, with the mark where a text matches."""
    if isinstance(value, str):
        return without(value, pattern)
    if isinstance(value, dict):
        return {name: marked_leaves(each, pattern) for name, each in value.items()}
    if isinstance(value, list):
        return [marked_leaves(each, pattern) for each in value]
    return value


def marked_wholly(value: Any, pattern: re.Pattern[str], name: str = "") -> Any:
    """The same structure with the mark in the place of every text but public names and what tells nothing of a person."""
    if isinstance(value, str):
        if not value or _REF.fullmatch(value):
            return value
        return without(value, pattern) if name in _TELLING_NOTHING else MARK
    if isinstance(value, dict):
        return {key: marked_wholly(each, pattern, key) for key, each in value.items()}
    if isinstance(value, list):
        return [marked_wholly(each, pattern, name) for each in value]
    return value


def texts_in(value: Any) -> Iterator[str]:
    """The texts of a structure, and of one that is written as JSON."""
    if isinstance(value, bytes | memoryview):
        text = bytes(value).decode("utf-8", errors="replace")
        yield text
        with contextlib.suppress(ValueError):
            yield from texts_in(json.loads(text))
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts_in(each)


def spellings(needles: Collection[str]) -> list[str]:
    """How what is looked for may stand in a column: in lower case, and as JSON writes it without other letters."""
    found: set[str] = set()
    for word in needles:
        for form in {word, word.lower(), word.upper()}:
            found |= {form.lower(), json.dumps(form)[1:-1].lower()}
    return sorted(found)
