"""What the worker does for scores: counting what a version would change, writing them anew, and as days pass.

Each step is one batch in a transaction of its own, in the order of keys, gone on with by any worker after any end.
All scores are written twice where others write beside the worker: whoever changed a lead by the version of the moment
before may have written after the first round passed by.  Between the rounds lies more time than a request takes.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.fields.kinds import is_custom
from app.identity.models import Organisation
from app.kernel.db import is_sqlite
from app.leads.models import Lead
from app.routing.alerts import Alert, raise_alerts
from app.scores.books import SCORING, Book, Score, Scorer, find_active_book, leads_to_score, open_book
from app.scores.lines import Problem
from app.scores.models import ScoreSet, ScoreState, Work
from app.scores.upkeep import begin_again
from app.scores.writing import ASKED, write_scores
from app.sharing.scope import scope

BATCH = 500
LOOKED_AT_ONCE = 2000
GRACE = timedelta(seconds=30)
MOST_EXAMPLES = 10


def is_waiting(session: Session, *, now: datetime) -> bool:
    """Whether there is anything to do.  Takes no lock."""
    at_work = exists().where(ScoreSet.work != Work.NONE)
    due = exists().where(*_is_due(now))
    outdated = exists().where(
        ScoreSet.state == ScoreState.ACTIVE,
        Organisation.id == 1,
        ScoreSet.fields_key != Organisation.fields_key,
    )
    return bool(session.scalar(select(or_(at_work, due, outdated))))


def _is_due(now: datetime) -> tuple[Any, ...]:
    return (
        scope(Lead, SCORING), Lead.score_due_on <= now.date(), Lead.deleted_at.is_(None), Lead.converted_at.is_(None)
    )  # fmt: skip


def work_step(session: Session, *, now: datetime) -> bool:
    """One batch of what is first; whether there was anything to do.  Does not commit."""
    scores = _take(session)
    if scores is not None:
        if scores.work is Work.PREVIEW:
            _count(session, scores, now)
            return True
        return _apply(session, scores, now)
    return _note_fields(session, now) or _let_days_pass(session, now)


def _take(session: Session) -> ScoreSet | None:
    """The version that has waited longest, held for this transaction."""
    statement = (
        select(ScoreSet)
        .where(ScoreSet.work != Work.NONE)
        .order_by(ScoreSet.work == Work.PREVIEW, ScoreSet.work_began_at, ScoreSet.id)
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return session.scalar(statement if is_sqlite(session) else statement.with_for_update(skip_locked=True))


# Writing all scores anew


def _apply(session: Session, scores: ScoreSet, now: datetime) -> bool:
    if scores.state is not ScoreState.ACTIVE:
        scores.work = Work.NONE
        return True
    if scores.work_round and not scores.work_reached and now - (scores.work_began_at or now) < GRACE:
        return False
    if not scores.work_reached:
        scores.fields_key = _fields_key(session)
        scores.work_total = session.scalar(select(func.max(Lead.id)).where(scope(Lead, SCORING))) or 0
    book = open_book(session, scores)
    scorer = Scorer(session, book)
    statement = leads_to_score(scorer, *ASKED).where(Lead.id > scores.work_reached)
    statement = statement.order_by(Lead.id).limit(BATCH)
    rows = session.execute(statement if is_sqlite(session) else statement.with_for_update(of=Lead)).all()
    write_scores(session, scorer, rows, now=now)
    if not scores.work_reached:
        raise_alerts(session, not_understood(book), now=now)
    if rows:
        scores.work_reached = rows[-1].id
    if len(rows) < BATCH:
        scores.work_round += 1
        scores.work_reached = 0
        if scores.work_round >= (1 if is_sqlite(session) else 2):
            scores.work = Work.NONE
    return True


def not_understood(book: Book) -> list[Alert]:
    """An alert for each line that nobody can ask any more."""
    return [
        Alert(
            "score_line",
            f"{book.ref}:{place}",
            {"name": line.name, "number": book.number, "reason": Problem.NOT_UNDERSTOOD.value},
        )
        for place, line in enumerate(book.lines)
        if line.criteria is None
    ]


def _fields_key(session: Session) -> str:
    return session.scalar(select(Organisation.fields_key)) or ""


def _note_fields(session: Session, now: datetime) -> bool:
    """Begin anew where added fields have changed since the scores were written by them."""
    active = session.scalar(select(ScoreSet).where(ScoreSet.state == ScoreState.ACTIVE))
    key = _fields_key(session)
    if active is None or active.fields_key == key:
        return False
    names = {*open_book(session, active).fields} | {name for line in active.lines for name in _named(line)}
    active.fields_key = key
    if any(is_custom(name) for name in names):
        session.flush()
        begin_again(session, active.id, now=now)
        session.expire(active)
    return True


def _named(value: Any) -> Iterable[str]:
    """Every field that a line names, whether or not it can be understood."""
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "field" and isinstance(part, str):
                yield part
            else:
                yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)


# As days pass


def _let_days_pass(session: Session, now: datetime) -> bool:
    """Write the scores that change today by themselves, and no others."""
    book = find_active_book(session)
    if book is None:
        # Nothing is due where nothing decides; what is left over is forgotten.
        session.execute(
            update(Lead)
            .where(*_is_due(now))
            .values(score_due_on=None)
            .execution_options(synchronize_session=False)
        )
        return False
    scorer = Scorer(session, book)
    statement = (
        leads_to_score(scorer, *ASKED).where(Lead.score_due_on <= now.date()).order_by(Lead.id).limit(BATCH)
    )
    if not is_sqlite(session):
        statement = statement.with_for_update(of=Lead, skip_locked=True)
    rows = session.execute(statement).all()
    write_scores(session, scorer, rows, now=now)
    return len(rows) == BATCH


# Counting what a version would change


def _count(session: Session, scores: ScoreSet, now: datetime) -> None:
    before = find_active_book(session)
    counted = dict(scores.preview) or _nothing()
    if not scores.work_reached:
        counted = _nothing()
        scores.work_total = session.scalar(select(func.max(Lead.id)).where(scope(Lead, SCORING))) or 0
    scorer = Scorer(session, open_book(session, scores))
    rows = session.execute(
        leads_to_score(scorer, Lead.marketing_qualified_at, Lead.is_open)
        .where(Lead.id > scores.work_reached)
        .order_by(Lead.id)
        .limit(LOOKED_AT_ONCE)
    ).all()
    for row in rows:
        _compare(counted, row, scorer.of_row(row, now.date()), scorer.book, before)
    scores.preview = counted
    if rows:
        scores.work_reached = rows[-1].id
    if len(rows) < LOOKED_AT_ONCE:
        scores.work, scores.previewed_at = Work.NONE, now


def _nothing() -> dict[str, Any]:
    counts = dict.fromkeys(("looked_at", "up", "down", "same", "over", "under", "failed"), 0)
    return {**counts, "examples": []}


def _compare(counted: dict[str, Any], row: Any, score: Score, book: Book, before: Book | None) -> None:
    counted["looked_at"] += 1
    counted["up" if score.value > row.score else "down" if score.value < row.score else "same"] += 1
    counted["failed"] += any(part.problem for part in score.parts)
    was, is_over = before is not None and before.reaches(row.score), book.reaches(score.value)
    if was == is_over:
        return
    way = "over" if is_over else "under"
    counted[way] += 1
    if counted[way] <= MOST_EXAMPLES:
        counted["examples"] = [*counted["examples"], [way, row.id, row.score, score.value]]
