"""Words that records hold and that somebody may have meant who typed another."""

from collections.abc import Collection, Iterable
from typing import Any

from rapidfuzz.distance import OSA
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.kernel.db import is_sqlite
from app.search.models import Spelling
from app.search.words import is_spellable, variants

# So many are looked at for a word; a word of four letters has rarely more than a dozen beside it.
MOST_NEAR = 40
LONG_WORD = 8

_SPELLINGS: Any = Spelling.__table__
_KNOWN = select(Spelling.variant, Spelling.word).where(
    Spelling.variant.in_(bindparam("variants", expanding=True))
)


def near_words(session: Session, words: Collection[str]) -> dict[str, list[str]]:
    """Word → other words a slip away from it, the nearest first: one letter more, less, changed or swapped,
    two in long words.  One statement, or none.
    """
    wanted = {word: variants(word) for word in words if is_spellable(word)}
    every = set().union(*wanted.values()) if wanted else set()
    if not every:
        return {}
    held: dict[str, set[str]] = {}
    for variant, word in session.execute(_KNOWN, {"variants": sorted(every)}):
        held.setdefault(variant, set()).add(word)
    found = {}
    for word, its in wanted.items():
        others = set().union(*(held.get(variant, ()) for variant in its)) - {word}
        near = [(slips(word, other), other) for other in others]
        found[word] = [other for d, other in sorted(near) if d <= allowed(word)][:MOST_NEAR]
    return found


def slips(one: str, other: str) -> int:
    """How many letters are left out, put in, changed or swapped with their neighbour between two words."""
    return OSA.distance(one, other)


def allowed(word: str) -> int:
    """How many slips are taken for a misspelling of the word."""
    return 2 if len(word) >= LONG_WORD else 1


def learn(session: Session, words: Iterable[str]) -> None:
    """Keep words, so that their misspellings are understood.  Does not commit.

    Written in one order by everybody, so that two who learn at once never wait for each other in a circle.
    """
    wanted = sorted(words)
    known = set(session.scalars(select(Spelling.word).where(Spelling.variant.in_(wanted))))
    rows = sorted({(v, word) for word in wanted if word not in known for v in variants(word)})
    if not rows:
        return
    if is_sqlite(session):
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert  # type: ignore[assignment]
    for at in range(0, len(rows), 1000):
        values = [{"variant": variant, "word": word} for variant, word in rows[at : at + 1000]]
        session.execute(insert(_SPELLINGS).on_conflict_do_nothing(), values)
