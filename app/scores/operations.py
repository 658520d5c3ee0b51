"""Keeping the score rules, version by version, and handing a lead over by hand.

What was once active is never rewritten: a change of it is a new version.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.identity.organisation import lock_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotFound, Stale
from app.kernel.text import clean_text
from app.leads.errors import AlreadyConverted
from app.leads.models import Lead
from app.leads.queries import get_lead
from app.routing.models import Queue
from app.routing.rules import criteria_fields
from app.scores.books import find_active_book
from app.scores.lines import LARGEST
from app.scores.models import ScoreSet, ScoreState, Work
from app.scores.reading import LONGEST_NAME, read_lines
from app.scores.writing import queue_to_leave, waits

KNOWN = frozenset({"name", "lines", "threshold", "routes_again", "route_queue_id"})


def get_scores(session: Session, ref: str) -> ScoreSet:
    """A version of the score rules.  Raises NotFound."""
    known = refs.is_ref(refs.SCORES, ref)
    found = session.scalar(select(ScoreSet).where(ScoreSet.ref == ref)) if known else None
    if found is None:
        raise NotFound("score rules", ref)
    return found


def create_scores(session: Session, actor: Actor, given: Mapping[str, Any], *, now: datetime) -> ScoreSet:
    """A new version, as a draft.

    given: name; lines as `reading.read_lines` takes them; threshold, a number or None; routes_again; route_queue_id, a
    queue's public name, None for the default queue.  Writes an event; does not commit.
    Raises NotAllowed, Invalid with every fault under its path ("lines[0].points").
    """
    actor.require(Permission.SETTING_MANAGE)
    columns = _clean(session, given)
    lock_organisation(session)  # two at once would take the same number
    scores = ScoreSet(
        ref=refs.new_ref(refs.SCORES),
        number=(session.scalar(select(func.max(ScoreSet.number))) or 0) + 1,
        state=ScoreState.DRAFT,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        version=1,
        **columns,
    )
    session.add(scores)
    session.flush()  # its id goes into the event
    record(session, actor, verb="created", subject=scores, at=now, detail={"name": scores.name})
    return scores


def edit_scores(
    session: Session,
    actor: Actor,
    ref: str,
    given: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> ScoreSet:
    """Change a draft in place; of a version that is or was in force, make the next one, as a draft.

    What was counted for the draft is forgotten.  Raises NotAllowed, NotFound, Invalid, Stale.
    """
    actor.require(Permission.SETTING_MANAGE)
    if get_scores(session, ref).state is not ScoreState.DRAFT:
        return create_scores(session, actor, given, now=now)
    columns = _clean(session, given)
    scores = _hold(session, ref)
    if scores.state is not ScoreState.DRAFT:
        raise Conflict(_l("It has just been activated. Edit it again to make the next version."))
    if version is not None and version != scores.version:
        raise Stale(_l("Somebody changed this while you were editing. Reload to see it as it is now."))
    for name, value in columns.items():
        setattr(scores, name, value)
    scores.work, scores.preview, scores.previewed_at = Work.NONE, {}, None
    _touch(scores, actor, now)
    record(session, actor, verb="edited", subject=scores, at=now, detail={"name": scores.name})
    return scores


def ask_preview(session: Session, actor: Actor, ref: str, *, now: datetime) -> ScoreSet:
    """Have the worker count what a draft would change.  One that is counted already is counted anew.

    Raises NotAllowed, NotFound, Conflict (it is no draft).
    """
    actor.require(Permission.SETTING_MANAGE)
    scores = _hold(session, ref)
    if scores.state is ScoreState.ACTIVE:
        raise Conflict(_l("It is in force already."))
    scores.work, scores.work_began_at = Work.PREVIEW, now
    scores.work_reached = scores.work_total = scores.work_round = 0
    scores.preview, scores.previewed_at = {}, None
    return scores


def activate_scores(session: Session, actor: Actor, ref: str, *, now: datetime) -> ScoreSet:
    """Put a version in force; the one that was is retired.  The worker writes all scores anew.

    From now on whatever changes a lead goes by this version.  An active one stays as it is.
    Raises NotAllowed, NotFound, Invalid (a line names a field that is gone).
    """
    actor.require(Permission.SETTING_MANAGE)
    scores = _hold(session, ref)
    if scores.state is ScoreState.ACTIVE:
        return scores
    read_lines(scores.lines, criteria_fields(session))
    before = session.scalar(select(ScoreSet).where(ScoreSet.state == ScoreState.ACTIVE))
    if before is not None:
        before.state, before.retired_at, before.work = ScoreState.RETIRED, now, Work.NONE
        _touch(before, actor, now)
        session.flush()  # at most one is active, at every moment
    scores.state, scores.activated_at, scores.retired_at = ScoreState.ACTIVE, now, None
    scores.work, scores.work_began_at = Work.APPLY, now
    scores.work_reached = scores.work_total = scores.work_round = 0
    _touch(scores, actor, now)
    record(session, actor, verb="activated", subject=scores, at=now, detail={"number": scores.number})
    return scores


def delete_scores(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Delete a draft.  Raises NotAllowed, NotFound, Conflict (it is or was in force)."""
    actor.require(Permission.SETTING_MANAGE)
    scores = _hold(session, ref)
    if scores.state is not ScoreState.DRAFT:
        raise Conflict(_l("It is or was in force and stays."))
    record(session, actor, verb="deleted", subject=scores, at=now, detail={"name": scores.name})
    session.delete(scores)


def hand_over(session: Session, actor: Actor, ref: str, *, now: datetime) -> Lead:
    """Mark a lead as marketing-qualified by hand.  One that is already stays as it is.

    Writes an event.  Where handing over routes anew, it waits for that if nobody chose its owner.
    Raises NotAllowed, NotFound, AlreadyConverted, Conflict (it is unqualified).
    """
    actor.require(Permission.LEAD_HAND_OVER)
    lead = get_lead(session, actor, ref, Level.EDIT, for_update=True)
    if lead.converted_at is not None:
        raise AlreadyConverted
    if lead.marketing_qualified_at is not None:
        return lead
    if not lead.is_open:
        raise Conflict(_l("It is unqualified. Take it up again first."))
    lead.marketing_qualified_at, lead.marketing_qualified_by_id = now, actor.user_id
    lead.stamp(actor, now)
    if waits(lead, queue_to_leave(session, find_active_book(session))):
        lead.route_due_at = now
    record(session, actor, verb="marketing_qualified", subject=lead, at=now, detail={"score": lead.score})
    return lead


def _hold(session: Session, ref: str) -> ScoreSet:
    """The version as it is now; whoever else would change one waits until the transaction ends."""
    lock_organisation(session)
    scores = get_scores(session, ref)
    session.refresh(scores)
    return scores


def _touch(scores: ScoreSet, actor: Actor, now: datetime) -> None:
    scores.stamp(actor, now)


def _clean(session: Session, given: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, list[Any]] = {
        name: [_l("There is no such field.")] for name in sorted(set(given) - KNOWN)
    }
    columns: dict[str, Any] = {}
    readers: dict[str, Callable[[], Any]] = {
        "name": lambda: _name(given.get("name")),
        "threshold": lambda: _threshold(given.get("threshold")),
        "route_queue_id": lambda: _queue(session, given.get("route_queue_id")),
        "lines": lambda: read_lines(_as_list(given.get("lines")), criteria_fields(session)),
    }
    for name, read in readers.items():
        try:
            columns[name] = read()
        except Invalid as error:
            errors.update(error.errors)
    if errors:
        raise Invalid(errors)
    return columns | {"routes_again": given.get("routes_again") is True}


def _as_list(given: Any) -> Sequence[Mapping[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(line, Mapping) for line in given):
        raise Invalid({"lines": [_l("This must be a list of rules.")]})
    return given


def _name(given: Any) -> str:
    name = clean_text(given, max_length=LONGEST_NAME, field="name")
    if name is None:
        raise Invalid({"name": [_l("Give it a name.")]})
    return name


def _threshold(given: Any) -> int | None:
    text = "" if given is None else str(given).strip()
    if not text:
        return None
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0
    if isinstance(given, bool) or not 1 <= number <= LARGEST:
        message = _l("This must be a whole number from %(least)s to %(most)s.", least=1, most=LARGEST)
        raise Invalid({"threshold": [message]})
    return number


def _queue(session: Session, given: Any) -> int | None:
    if given in (None, ""):
        return None
    found = session.scalar(
        select(Queue.id).where(
            Queue.ref == str(given), Queue.deleted_at.is_(None), Queue.partner_account_id.is_(None)
        )
    )
    if found is None:
        raise Invalid({"route_queue_id": [_l("There is no such queue.")]})
    return found
