"""A merge of records with much to move: asked for at once, done by the worker batch after batch.

From the asking on nobody changes the records (`Cared.merging`); what hangs on the others moves in many short
transactions; the last one takes over their fields, records the events and takes them away.  Until then all of
them are there, each with what it has.  A run that ends in any way is gone on with after its last whole batch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.activities.lasting import follow_some
from app.care.merged_values import Candidate, chosen_values, fields_of
from app.care.merging import Decided, carry_out, count_below, decide, move_below
from app.care.moving import count_references, move_references
from app.care.survivors import MODELS
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Level
from app.kernel.db import is_sqlite, transaction
from app.kernel.pace import Pace
from app.lists.catalogue import objects
from app.lists.jobs import BROKEN, Held, Stopped, ask_for
from app.lists.models import JobKind, JobState, ListJob
from app.sharing.scope import scope

# So many rows are moved while the person waits.
AT_ONCE = 300
FIRST = 200  # so many in the first transaction
# What was decided is done whatever becomes of whoever decided it.
_FINISHING = Actor.system("finish a merge")


def merge_or_ask(
    session: Session,
    actor: Actor,
    kind: str,
    survivor_ref: str,
    refs: Sequence[str],
    chosen: Mapping[str, str],
    *,
    versions: Mapping[str, int] | None = None,
    now: datetime,
) -> tuple[Any, ListJob | None]:
    """Make one record of two or three as `merging.merge_records` does; where much hangs on them, by a job.

    The survivor, and the job that is to be waited for.  Does not commit.  Raises what that raises, TooMany.
    """
    decided = decide(session, actor, kind, survivor_ref, refs, chosen, versions=versions)
    survivor, losers = decided.survivor.record, [each.record for each in decided.losers]
    keys = [each.id for each in losers]
    rows = count_references(session, kind, keys) + count_below(session, kind, keys)
    if rows <= AT_ONCE:
        return carry_out(session, actor, decided, now=now), None
    by_ref = {each.record.ref: each for each in (decided.survivor, *decided.losers)}
    chosen_values(
        session, actor, kind, by_ref, survivor, fields_of(kind, survivor), chosen
    )  # what it refuses
    task = {
        "act": "merge",
        "survivor": survivor.id,
        "ref": survivor.ref,
        "name": decided.survivor.name[:255],
        "losers": keys,
        "chosen": dict(chosen),
        "moved": {},
    }
    job = ask_for(session, actor, objects()[kind], JobKind.MERGE, {}, task, rows=rows, now=now)
    for each in (survivor, *losers):
        each.merging = job.ref
    return survivor, job


class MergeRun:
    """Does the merge that `task` tells."""

    def __init__(self) -> None:
        self._pace = Pace(FIRST, least=2)

    def step(self, held: Held) -> bool:
        """Move the next batch, in one transaction; where nothing is left, make them one.  Raises Lost, Stopped."""
        with self._pace.batch() as size, transaction() as session:
            job = held.hold(session)
            seen = _move_some(session, job, size)
            if not seen:
                _complete(session, held, job)
        return seen > 0

    def close(self) -> None:
        """Nothing is open between batches."""

    def fail(self, session: Session, job: ListJob) -> None:
        """Let the records be changed again."""
        model: Any = MODELS[job.object]
        keys = [job.task["survivor"], *job.task["losers"]]
        session.execute(
            update(model)
            .where(scope(model, _FINISHING), model.id.in_(keys), model.merging == job.ref)
            .values(merging=None),
            execution_options={"synchronize_session": False},
        )


def _move_some(session: Session, job: ListJob, most: int) -> int:
    """Move up to so many rows and note them; how many that were, 0 once all have moved."""
    kind, survivor, losers = job.object, job.task["survivor"], job.task["losers"]
    moved, seen = move_references(session, kind, losers, survivor, most=most)
    if not seen:
        seen = move_below(session, kind, survivor, losers, most=most)
    if seen:
        job.done = min(job.done + seen, job.rows or 0)
        job.task = {**job.task, "moved": dict(Counter(job.task["moved"]) + Counter(moved))}
        return seen
    return follow_some(session, survivor, _account_of(session, job), most=most) if kind == "contact" else 0


def _account_of(session: Session, job: ListJob) -> int | None:
    """Where the contact that stays will work."""
    records = _records(session, job)
    by_ref = {each.ref: each for each in records.values()}
    chosen = by_ref.get(job.task["chosen"].get("account_id", ""))
    if chosen is not None:
        return int(chosen.account_id) if chosen.account_id is not None else None
    keys = (records[key].account_id for key in (job.task["survivor"], *job.task["losers"]))
    return next((key for key in keys if key is not None), None)


def _records(session: Session, job: ListJob, *, for_update: bool = False) -> dict[int, Any]:
    model: Any = MODELS[job.object]
    keys = [job.task["survivor"], *job.task["losers"]]
    statement = select(model).where(scope(model, _FINISHING), model.id.in_(keys)).order_by(model.id)
    if for_update and not is_sqlite(session):
        statement = statement.with_for_update(of=model)
    return {each.id: each for each in session.scalars(statement.execution_options(populate_existing=True))}


def _complete(session: Session, held: Held, job: ListJob) -> None:
    records = _records(session, job, for_update=True)
    if any(each.merging != job.ref for each in records.values()):
        raise Stopped(BROKEN)
    user = session.get_one(User, job.user_id)
    actor = replace(_FINISHING, user_id=user.id, ref=user.ref, name=user.name, door=job.door)
    survivor, *losers = (
        Candidate(records[key], Level.FULL) for key in (job.task["survivor"], *job.task["losers"])
    )
    decided = Decided(job.object, survivor, losers, job.task["chosen"])
    kept = carry_out(session, actor, decided, moved=job.task["moved"], now=clock.now())
    job.done = job.rows or 0
    job.task = {**job.task, "name": (kept.name if isinstance(kept, Account) else kept.full_name)[:255]}
    held.end(session, actor, JobState.DONE)
