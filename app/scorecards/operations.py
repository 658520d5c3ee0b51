"""Comparing all partners beforehand, where they have too many leads to compare them while somebody waits."""

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, insert, select
from sqlalchemy.orm import Session

from app.scorecards.models import ScorecardComparison
from app.scorecards.queries import compared_at, count_of_partners, rows_to_keep, usual_months

# Up to so many leads they are compared when a page is looked at, as they are then.
MOST_AT_ONCE = 50_000
EVERY = timedelta(minutes=15)


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether what is kept is to be made anew, or not to be kept any more."""
    usual = usual_months(session, now)
    if count_of_partners(session, usual) <= MOST_AT_ONCE:
        return bool(session.scalar(select(exists(select(ScorecardComparison.partner)))))
    at = compared_at(session, usual)
    return at is None or at <= now - EVERY


def compare_partners(session: Session, *, now: datetime) -> None:
    """Keep of the usual months what was to be expected of each partner; nothing where they have few leads.  Does not commit."""
    usual = usual_months(session, now)
    session.execute(delete(ScorecardComparison))
    if count_of_partners(session, usual) > MOST_AT_ONCE:
        rows = rows_to_keep(usual, now)
        session.execute(insert(ScorecardComparison).from_select(list(rows.selected_columns.keys()), rows))
