"""Writing what is due for many people, each piece by itself, so that none keeps another waiting."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from app.kernel import clock
from app.kernel.db import reading, transaction

log = structlog.get_logger("canal.mails")

AT_ONCE = 100


def write_each(find: Callable[..., Sequence[int]], write: Callable[..., Any], what: str) -> bool:
    """Write what `find(session, now=…, limit=…)` gives keys of; true when there may be more.

    write: `write(session, key, now=…)`, in a transaction of its own.  One that fails is logged and tried again
    next time.  what: what is written, for the log.
    """
    now = clock.now()
    with reading() as session:  # without asking for SQLite's write lock
        keys = find(session, now=now, limit=AT_ONCE)
    done = 0
    for key in keys:
        try:
            with transaction() as session:
                write(session, key, now=now)
            done += 1
        except Exception:
            log.exception("it could not be written", what=what, key=key)
    return done == AT_ONCE
