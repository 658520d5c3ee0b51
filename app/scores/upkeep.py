"""Keeping the score right with every change of a lead, in the transaction that changes it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.kernel import clock
from app.leads.models import Lead
from app.scores.books import Scorer, find_active_book, leads_to_score, of_ids
from app.scores.models import ScoreSet, Work
from app.scores.writing import ASKED, write_scores
from app.sharing.touched import TOUCHED, WORKED_ON
from app.sharing.upkeep import RENAMED

NEW = "new_leads"
_AT_ONCE = 500


def settle_scores(session: Session, *, now: datetime | None = None) -> None:
    """Listener of `before_commit`, ahead of the grants of sharing rules, whose criteria may compare scores.

    An operation whose answer shows the score calls it itself, once everything else is written.
    """
    if session.in_nested_transaction():
        return  # the whole is settled at its end
    session.flush()
    name = Lead.__tablename__
    ids = {*session.info.get(TOUCHED, {}).get(name, ()), *session.info.pop(WORKED_ON, {}).get(name, ())}
    is_renamed = bool(session.info.get(RENAMED))
    new = frozenset(session.info.pop(NEW, ()))
    if not ids and not is_renamed:
        return
    book = find_active_book(session)
    if book is None:
        return
    now = now or clock.now()
    if is_renamed and "source" in book.fields:
        begin_again(session, book.id, now=now)
    scorer = Scorer(session, book)
    wanted = sorted(ids)
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        rows = session.execute(of_ids(leads_to_score(scorer, *ASKED), some)).all()
        write_scores(session, scorer, rows, new=new, now=now)


def score_arrivals(session: Session, arrivals: Sequence[Any], *, now: datetime) -> None:
    """Give leads that are about to be stored their score, so that routing can go by it.

    arrivals: attributes of Lead → value, of which `score` and `score_due_on` are set.
    """
    book = find_active_book(session)
    if book is None:
        return
    scorer = Scorer(session, book)
    for attributes in arrivals:
        score = scorer.of_values({"created_at": now, **attributes}, now.date())
        attributes["score"], attributes["score_due_on"] = score.value, score.due_on


def score_lead(session: Session, lead: Lead, *, now: datetime) -> None:
    """The same for one lead that is not stored yet."""
    book = find_active_book(session)
    if book is not None:
        score = Scorer(session, book).of_lead(lead, now.date())
        lead.score, lead.score_due_on = score.value, score.due_on


def note_arrived(session: Session, ids: Iterable[int]) -> None:
    """Note that these leads arrive in this transaction: they are not routed anew for their score."""
    session.info.setdefault(NEW, set()).update(ids)


def forget_arrived(session: Session) -> None:
    """Listener of `after_rollback`: nothing of it happened."""
    if not session.in_nested_transaction():
        session.info.pop(NEW, None)
        session.info.pop(WORKED_ON, None)


def begin_again(session: Session, set_id: int, *, now: datetime) -> None:
    """Have the worker write all scores anew by that version."""
    session.execute(
        update(ScoreSet)
        .where(ScoreSet.id == set_id)
        .values(work=Work.APPLY, work_began_at=now, work_reached=0, work_total=0, work_round=0)
    )
