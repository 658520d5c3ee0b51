"""Counting what all partners' leads are like beforehand, where there are too many to look at each while somebody waits."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.kernel.bulk import insert_rows
from app.kernel.db import is_sqlite
from app.scorecards.mix import read_mixes
from app.scorecards.models import ScorecardMix
from app.scorecards.queries import count_of_partners, counted_at

# Up to so many leads partners are compared when a page is looked at, as they are then.
MOST_AT_ONCE = 50_000
EVERY = timedelta(minutes=15)
_LOCK = 7_203_046


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether what is kept is to be made anew, or not to be kept any more."""
    at = counted_at(session)
    if count_of_partners(session) <= MOST_AT_ONCE:
        return at is not None
    return at is None or at <= now - EVERY


def rows_to_keep(session: Session, *, now: datetime) -> Sequence[dict[str, Any]]:
    """What is to be kept; nothing where partners have few leads."""
    return list(read_mixes(session, now=now)) if count_of_partners(session) > MOST_AT_ONCE else []


def keep_mixes(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep these instead of what there is.  Does not commit."""
    if not is_sqlite(session):  # there a writing transaction is alone already
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    session.execute(delete(ScorecardMix))
    insert_rows(session, ScorecardMix, rows)
