"""A person's whole name in two: the given name first, as in the West, or the family name before a comma.  Pure.

How many words the family name has cannot be told: one with what leads to it ("van Beethoven", "Pons i Vila"), or
two as in Spain, as whoever imports says.  What was made of the names is shown before anything is imported.
"""

from collections.abc import Iterable, Sequence

_TITLES = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "sr", "sra", "srta", "don", "doña", "herr", "frau", "mme", "mlle", "dra", "prof", "dott", "ing", "lic"]
)  # fmt: skip
_SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "mba"])
_PARTICLES = frozenset(
    ["de", "del", "della", "di", "da", "das", "do", "dos", "du", "des", "la", "las", "los", "le", "les", "van", "von", "der", "den", "ter", "ten", "zu", "zur", "vom", "af", "av", "bin", "ibn"]
)  # fmt: skip
_CONNECTORS = frozenset(("i", "y", "e"))


def split_name(text: str, *, last_names: int = 1) -> tuple[str | None, str]:
    """(given name or None, family name).  last_names: of how many words the family name is where there are enough.

    Titles are left out.
    """
    before, comma, after = (part.strip() for part in text.partition(","))
    if comma and after and not all(_plain(word) in _SUFFIXES for word in after.split()):
        return " ".join(after.split()), " ".join(before.split())
    words = f"{before} {after}".split()
    while len(words) > 1 and _plain(words[0]) in _TITLES:
        words.pop(0)
    ends: list[str] = []
    while len(words) > 2 and _plain(words[-1]) in _SUFFIXES:
        ends.insert(0, words.pop())
    names = _names(words)
    if len(names) < 2:
        return None, " ".join([*words, *ends])
    has_both = not _CONNECTORS.isdisjoint(names[-1].split())
    count = 1 if has_both or len(names) < 3 else last_names
    return " ".join(names[:-count]), " ".join([*names[-count:], *ends])


def telling(texts: Iterable[str], *, most: int) -> list[str]:
    """Of these names so many that differ, those first that could be taken otherwise: of three words or more, or one."""
    different = list(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))
    return sorted(different, key=lambda text: len(text.split()) == 2)[:most]


def _names(words: Sequence[str]) -> list[str]:
    """The words with what leads to them, or joins them, in one."""
    names: list[str] = []
    is_open = False
    for place, word in enumerate(words):
        joins = word in _CONNECTORS and bool(names) and place + 1 < len(words)
        if (is_open or joins) and names:
            names[-1] += f" {word}"
        else:
            names.append(word)
        is_open = joins or (place > 0 and place + 1 < len(words) and _plain(word) in _PARTICLES)
    return names


def _plain(word: str) -> str:
    return word.rstrip(".").lower()
