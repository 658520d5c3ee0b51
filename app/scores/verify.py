"""Proving that the scores that are stored are what the rules say."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from app.leads.models import Lead
from app.scores.books import Scorer, find_active_book, leads_to_score

BATCH = 1000


@dataclass(slots=True)
class Report:
    """leads: how many were looked at.  waiting: those that change today and were not written anew yet."""

    leads: int = 0
    waiting: int = 0


def differences(session: Session, day: date, report: Report) -> Iterator[str]:
    """One line for each lead whose stored score, or the day on which it changes, is not what the rules say.

    What changes today is compared with what was right until yesterday: the worker writes it in the course of the day.
    """
    book = find_active_book(session)
    if book is None:
        return
    scorer, reached = Scorer(session, book), 0
    statement = leads_to_score(scorer, Lead.ref).order_by(Lead.id).limit(BATCH)
    while rows := session.execute(statement.where(Lead.id > reached)).all():
        reached = rows[-1].id
        for row in rows:
            report.leads += 1
            due = row.score_due_on
            as_of = day
            if due is not None and due <= day:
                report.waiting += 1
                as_of = due - timedelta(days=1)
            score = scorer.of_row(row, as_of)
            if score.value != row.score:
                yield f"{row.ref}: stored {row.score}, computed {score.value}"
            elif score.due_on != due:
                yield f"{row.ref}: changes on {score.due_on}, stored {due}"
