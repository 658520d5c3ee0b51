"""Words that nobody is to be found by any more."""

import re
from collections.abc import Iterable

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app.kernel.fold import fold
from app.search.models import LONGEST, SearchEntry, Spelling


def forget_words(session: Session, texts: Iterable[str]) -> int:
    """Forget how the words of these texts may be misspelt, unless a record that is still there begins with one; how many."""
    words = {
        word[:LONGEST] for text in texts for word in re.split(r"[^\w]+", fold(text, 500)) if len(word) > 1
    }
    gone = [
        word
        for word in sorted(words)
        if session.scalar(select(SearchEntry.record_id).where(SearchEntry.text.startswith(word)).limit(1))
        is None
    ]
    if gone:
        session.execute(
            delete(Spelling).where(or_(Spelling.word.in_(gone), Spelling.variant.in_(gone))),
            execution_options={"synchronize_session": False},
        )
    return len(gone)
