"""Erasing one person's data for good: what will happen, and doing it in one transaction, recorded.

The person's own records keep what counts (status, owner, source, place, history of assignment and turns) and lose who they
were.  Everywhere else their whole names, addresses and numbers are replaced where they stand.  `docs/data-care.md` says what
stays and why.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, Text, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.care import erasable
from app.care.erasable import EMPTIED, MARK, NAMES, REPLACED, Needles, marked_wholly
from app.care.erased_files import remove_files
from app.care.models import Erasure, ErasureGate
from app.care.people_found import Held
from app.care.sweeping import rewrite, rewrite_many, rows_of, sweep
from app.conversion.models import Conversion
from app.documents.models import Document, DocumentVersion
from app.documents.operations import KEPT_DELETED
from app.events.models import Event
from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.records import index_columns
from app.identity.models import User, UserState
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Conflict, Invalid
from app.kernel.fold import fold
from app.leads.models import Assignment, Lead, Offer
from app.search.forgetting import forget_words
from app.sharing.scope import scope

LONGEST_REASON = 1_000
_ERASING = Actor.system("erasing a person")


class PersonIsUser(Conflict):
    slug = "in-use"
    message = _l("One of them is a user of Canal who can still sign in. Deactivate the user first.")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an erasure changes.  counts: kind → how many rows; needles: what is looked for everywhere."""

    chosen: Sequence[Held]
    needles: Needles
    counts: Mapping[str, int]
    keys: Mapping[str, Sequence[int]] = field(default_factory=dict)


def plan_erasure(session: Session, actor: Actor, chosen: Sequence[Held], more: Iterable[str] = ()) -> Plan:
    """What would be changed, counted; nothing is written.  more: other spellings, looked for everywhere.

    Raises NotAllowed, Invalid (nothing chosen, a spelling too short).
    """
    actor.require(Permission.PERSON_MANAGE)
    if not chosen:
        raise Invalid({"records": [_l("Choose whose records are to be erased.")]})
    spelled = [word for word in (text.strip() for text in more) if word]
    if any(len(word) < erasable.FEWEST for word in spelled):
        message = _l("Other spellings have at least %(num)s letters.", num=erasable.FEWEST)
        raise Invalid({"more": [message]})
    needles = erasable.needles_of(((held.table, held.record) for held in chosen), spelled)
    keys = {table: [h.record.id for h in chosen if h.table == table] for table in EMPTIED}
    counts = dict(sweep(session, needles, write=False))
    own = {table: len(ids) for table, ids in keys.items() if ids}
    own |= {
        "activity": _count(session, select(Activity.id).where(_on(Activity, keys))),
        "document": _count(session, _document_keys(keys)),
        "event": _count(session, select(Event.id).where(_told_of(keys))),
    }
    for table, number in own.items():
        counts[table] = max(counts.get(table, 0), number)
    return Plan(chosen, needles, {table: number for table, number in sorted(counts.items()) if number}, keys)


def erase_person(
    session: Session,
    actor: Actor,
    chosen: Sequence[Held],
    *,
    reason: str,
    more: Iterable[str] = (),
    now: datetime,
) -> Erasure:
    """Erase the person whose records these are.  It cannot be undone.

    Writes the erasure, an event on each record and one on the actor; files that were taken out and hold something of
    the person are removed.  Does not commit.  Raises NotAllowed, Invalid (reason, choice), PersonIsUser.
    """
    plan = plan_erasure(session, actor, chosen, more)
    why = " ".join(reason.split())[:LONGEST_REASON]
    if not why:
        raise Invalid({"reason": [_l("Say why. It stays on record.")]})
    if plan.needles.own_pattern.search(why):
        raise Invalid({"reason": [_l("Do not name the person here: what you write stays.")]})
    _refuse_users(session, plan)
    refs = [held.record.ref for held in chosen]
    erasure = Erasure(at=now, by_id=actor.user_id, reason=why, records=refs, counts=dict(plan.counts))
    session.add(erasure)
    session.flush()
    gate = ErasureGate(erasure_id=erasure.id, closed_id=-1)
    session.add(gate)
    session.flush()
    _erase_what_hangs_on_them(session, plan, now)
    for held in chosen:
        _erase_record(session, actor, held, now)
    session.flush()
    sweep(session, plan.needles, write=True)
    forget_words(session, (*plan.needles.everywhere, *plan.needles.parts))
    session.delete(gate)
    session.flush()
    session.expire_all()
    for held in chosen:
        record(session, actor, verb="erased", subject=held.record, at=now, detail={"why": why})
    user = session.get_one(User, actor.user_id)
    detail = {"records": ", ".join(refs), "why": why}
    record(session, actor, verb="person_erased", subject=user, at=now, detail=detail)
    remove_files(session, plan.needles)
    return erasure


def _refuse_users(session: Session, plan: Plan) -> None:
    emails = [mail.lower() for mail in plan.needles.everywhere if "@" in mail]
    is_theirs = or_(User.email_key.in_(emails), User.contact_id.in_(plan.keys.get("contact", ())))
    active = session.scalar(select(User.id).where(is_theirs, User.state != UserState.DEACTIVATED).limit(1))
    if active is not None:
        raise PersonIsUser


def _erase_record(session: Session, actor: Actor, held: Held, now: datetime) -> None:
    each, table = held.record, held.table
    for name in EMPTIED[table]:
        setattr(each, name, None)
    for name in REPLACED[table]:
        if getattr(each, name) or name in NAMES:
            setattr(each, name, MARK)
    for name in ("name_fold", "last_name_fold"):
        if hasattr(each, name):
            setattr(each, name, fold(MARK, 120))
    each.imported = {}
    each.custom = {name: value for name, value in (each.custom or {}).items() if not isinstance(value, str)}
    for column, value in index_columns(catalogue(session), table, each.custom).items():
        setattr(each, column, value)
    if hasattr(each, "opted_out_email"):
        each.consent, each.opted_out_email, each.opted_out_phone = False, True, True
    each.stamp(actor, now)


def _erase_what_hangs_on_them(session: Session, plan: Plan, now: datetime) -> None:
    own = plan.needles.own_pattern
    for activity in _activities(session, plan.keys):
        for name in REPLACED["activity"]:
            if getattr(activity, name):
                setattr(activity, name, MARK)
    for document in _documents(session, plan.keys):
        document.name, document.name_fold, document.description = MARK, fold(MARK, 120), None
        # Its contents go with the next round of the worker, as those of what was deleted long ago.
        document.deleted_at = now - KEPT_DELETED - timedelta(seconds=1)
        for version in session.scalars(
            select(DocumentVersion).where(DocumentVersion.document_id == document.id)
        ):
            version.file_name, version.note = MARK, None
    columns = select(Event.id, Event.changes, Event.detail).where(_told_of(plan.keys)).order_by(Event.id)
    marked = [
        (key, {"changes": marked_wholly(changes, own), "detail": marked_wholly(detail, own)}, changes, detail)
        for key, changes, detail in session.execute(columns)
    ]
    rewrite_many(
        session,
        Event.__tablename__,
        {key: new for key, new, *old in marked if [new["changes"], new["detail"]] != old},
    )
    _erase_of_leads(session, plan.keys.get("lead", ()), plan)
    _forget_likeness(session, plan.keys)
    for kind in EMPTIED:
        _rewrite_named(session, kind, plan)


def _erase_of_leads(session: Session, ids: Sequence[int], plan: Plan) -> None:
    own = plan.needles.own_pattern
    for conversion in session.scalars(select(Conversion).where(Conversion.lead_id.in_(ids))):
        for name in ("made", "asked", "before", "filled"):
            setattr(conversion, name, marked_wholly(getattr(conversion, name), own))
    session.execute(
        update(Offer).where(Offer.lead_id.in_(ids), Offer.note.is_not(None)).values(note=MARK),
        execution_options={"synchronize_session": False},
    )
    for assignment in session.scalars(select(Assignment).where(Assignment.lead_id.in_(ids))):
        trace = [_step_without(step) for step in assignment.trace]
        if trace != assignment.trace:
            assignment.trace = trace


def _forget_likeness(session: Session, keys: Mapping[str, Sequence[int]]) -> None:
    """Let no lead say any more that it had an address or a number in common with one of the records."""
    gone = {(kind, key) for kind, ids in keys.items() for key in ids}
    names_one = or_(*(cast(Lead.duplicates, Text).like(f'%"id": {key}%') for _kind, key in gone))
    alike = session.execute(select(Lead.id, Lead.duplicates).where(scope(Lead, _ERASING), names_one)).all()
    left = {
        key: {"duplicates": [each for each in entries if (each["type"], each["id"]) not in gone]}
        for key, entries in alike
    }
    rewrite_many(session, Lead.__tablename__, left)


def _step_without(step: dict[str, Any]) -> dict[str, Any]:
    """A step of a trace without what the rules compared of the person; it says so, since it cannot be replayed any more."""
    personal = {*EMPTIED["lead"], *REPLACED["lead"]}
    values = step.get("values")
    if not isinstance(values, dict):
        return step
    new = {
        name: MARK
        if value and (name in personal or name.startswith("c_")) and isinstance(value, str)
        else value
        for name, value in values.items()
    }
    return step if new == values else {**step, "values": new, "erased": True}


def _rewrite_named(session: Session, kind: str, plan: Plan) -> None:
    """Rows of lists' jobs that name the records, with what stood in them before."""
    refs = [held.record.ref for held in plan.chosen if held.table == kind]
    for name, columns in (("list_job_change", ("name", "before")), ("list_job_refusal", ("record_name",))):
        for row in rows_of(session, name, "record_ref", refs):
            values = {
                column: MARK
                if isinstance(row[column], str)
                else marked_wholly(row[column], plan.needles.own_pattern)
                for column in columns
                if row[column]
            }
            if values:
                rewrite(session, name, row, values)


def _on(model: Any, keys: Mapping[str, Sequence[int]]) -> Any:
    return or_(*(getattr(model, f"{kind}_id").in_(ids) for kind, ids in keys.items()))


def _activities(session: Session, keys: Mapping[str, Sequence[int]]) -> Sequence[Activity]:
    return session.scalars(select(Activity).where(_on(Activity, keys)).order_by(Activity.id)).all()


def _documents(session: Session, keys: Mapping[str, Sequence[int]]) -> Sequence[Document]:
    found = select(Document).where(scope(Document, _ERASING), _on(Document, keys)).order_by(Document.id)
    return session.scalars(found).all()


def _document_keys(keys: Mapping[str, Sequence[int]]) -> Select[int]:
    return select(Document.id).where(scope(Document, _ERASING), _on(Document, keys))


def _told_of(keys: Mapping[str, Sequence[int]]) -> Any:
    """That an event is of one of the records, or of an activity or a document on them."""
    subjects: dict[str, Any] = dict(keys) | {
        "activity": select(Activity.id).where(_on(Activity, keys)),
        "document": _document_keys(keys),
    }
    return or_(*(and_(Event.record_kind == kind, Event.record_id.in_(ids)) for kind, ids in subjects.items()))


def _count(session: Session, found: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(found.subquery())) or 0


def list_erasures(session: Session, actor: Actor, *, limit: int = 50) -> Sequence[tuple[Erasure, str]]:
    """What was erased of late with who did it, newest first.  Raises NotAllowed."""
    actor.require(Permission.PERSON_MANAGE)
    rows = session.execute(
        select(Erasure, User.name)
        .join(User, User.id == Erasure.by_id)
        .order_by(Erasure.id.desc())
        .limit(limit)
    )
    return [(erasure, name) for erasure, name in rows]
