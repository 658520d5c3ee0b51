"""The words by which a document is found, and the tags that people put on it.  Pure."""

import re
from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from app.kernel.errors import Invalid
from app.kernel.fold import fold
from app.kernel.text import clean_text

LONGEST_WORD, MOST_WORDS = 32, 150
LONGEST_TAG, MOST_TAGS = 60, 20
_BETWEEN = re.compile(r"[\W_]+")
_JOINED = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=\D)(?=\d)|(?<=\d)(?=\D)")


def words_of(*texts: str | None) -> list[str]:
    """The different words of the texts as they are compared, at most MOST_WORDS.

    Those of file names are told apart too: "Q3_ReportFinal.pdf" has q3, report, final, reportfinal, pdf.
    """
    found: dict[str, None] = {}
    for text in texts:
        for word in _BETWEEN.split(text or ""):
            parts = _JOINED.split(word)
            for each in (word, *(parts if 1 < len(parts) < 6 else ())):
                folded = fold(each, LONGEST_WORD)
                if folded:
                    found.setdefault(folded)
    return list(found)[:MOST_WORDS]


def read_tags(given: str | Iterable[str] | None) -> dict[str, str]:
    """Folded → tag, of tags in a row with commas between or one by one; each once.  Raises Invalid."""
    each = re.split(r"[,;\n]", given) if isinstance(given, str) else list(given or ())
    tags: dict[str, str] = {}
    for text in each:
        tag = clean_text(text, max_length=LONGEST_TAG, field="tags")
        folded = fold(tag, LONGEST_TAG)
        if tag and folded:
            tags.setdefault(folded, tag)
    if len(tags) > MOST_TAGS:
        raise Invalid({"tags": [_l("At most %(most)s tags.", most=MOST_TAGS)]})
    return tags
