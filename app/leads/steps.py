"""Keeping the way of leads: what each status asks for, where it leads, what *qualified* means; removing a status.

All of it is the administrator's.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.events.operations import record, record_many
from app.fields.catalogue import catalogue
from app.identity.organisation import LANGUAGES, SUBJECT, lock_organisation
from app.kernel.actor import Actor, Permission
from app.kernel.db import is_sqlite
from app.kernel.errors import Invalid
from app.kernel.text import clean_text
from app.leads.fields import FIELDS
from app.leads.models import ANYWHERE, Lead, LeadStatus, StatusCategory
from app.leads.process import ALWAYS_REQUIRED, ASKABLE
from app.leads.registries import STATUSES, get_item, remove_item
from app.sharing.scope import scope
from app.sharing.touched import touch

LONGEST_GUIDANCE = 2000
LONGEST_DEFINITION = 5000
AT_ONCE = 500
# Every lead of a status that goes is moved, whoever sees it; nothing of them is told.
MOVING = Actor.system("statuses that go")
# What stands in the path itself.
_IN_PATH = frozenset({"status", "score", "unqualified_reason"})


def known_fields(session: Session, names: Collection[str]) -> list[str]:
    """Those of the names, and added fields in use, in their order."""
    return [*(name for name in FIELDS if name in names), *catalogue(session).active("lead")]


def fields_that_matter(session: Session) -> list[str]:
    """What a status may point out."""
    return known_fields(session, set(FIELDS) - _IN_PATH)


def fields_to_ask(session: Session) -> list[str]:
    """What qualifying may ask for."""
    return known_fields(session, ASKABLE)


def set_process(
    session: Session,
    actor: Actor,
    *,
    required: Sequence[str],
    definition: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Say what a lead has before it is qualified, and what that means here; whether that is new.

    definition: language → text.  Last name and company are always required.  Writes an event.
    Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SETTING_MANAGE)
    known = fields_to_ask(session)
    wrong = [name for name in required if name not in known]
    if wrong:
        raise Invalid({"required": [_l("There is no such field.")]})
    texts = _texts(definition, "definition", LONGEST_DEFINITION)
    asked = [name for name in known if name in required and name not in ALWAYS_REQUIRED]
    organisation = lock_organisation(session)
    before, after = dict(organisation.lead_process), {"required": asked, "definition": texts}
    if {"required": [], "definition": {}, **before} == after:
        return False
    organisation.lead_process = after
    organisation.version += 1
    changes = {f"lead_process.{name}": (before.get(name), value) for name, value in after.items()}
    record(session, actor, verb="edited", subject=SUBJECT, at=now, changes=changes)
    return True


def set_step(
    session: Session,
    actor: Actor,
    ref: str,
    *,
    guidance: Mapping[str, Any],
    matters: Sequence[str],
    now: datetime,
) -> LeadStatus:
    """Say what a status asks for.  guidance: language → text.  matters: fields to be pointed out.

    Raises NotAllowed, NotFound, Invalid.
    """
    actor.require(Permission.SETTING_MANAGE)
    status: LeadStatus = get_item(session, STATUSES, ref)
    known = fields_that_matter(session)
    if any(name not in known for name in matters):
        raise Invalid({"matters": [_l("There is no such field.")]})
    values = {
        "guidance": _texts(guidance, "guidance", LONGEST_GUIDANCE),
        "matters": [name for name in known if name in matters],
    }
    _change(session, actor, status, values, now)
    return status


def set_moves(
    session: Session, actor: Actor, moves: Mapping[str, Sequence[str] | None], *, now: datetime
) -> int:
    """Say where leads go on to from each status; how many were changed.

    moves: key → keys, None for anywhere; statuses that are not named stay.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.SETTING_MANAGE)
    statuses = {status.key: status for status in session.scalars(select(LeadStatus))}
    changed = 0
    for key, targets in moves.items():
        if key not in statuses or any(target not in statuses for target in targets or ()):
            raise Invalid({"moves": [_l("There is no such status.")]})
        kept = [ANYWHERE] if targets is None else [k for k in statuses if k in targets and k != key]
        changed += _change(session, actor, statuses[key], {"moves": kept}, now)
    return changed


def targets_for(session: Session, status: LeadStatus) -> list[LeadStatus]:
    """Where the leads of a status that goes can be moved to: nothing opens, closes or is qualified by that."""
    rows = session.scalars(
        select(LeadStatus)
        .where(LeadStatus.is_active, LeadStatus.id != status.id, LeadStatus.leaving_to_id.is_(None))
        .order_by(LeadStatus.position, LeadStatus.id)
    )
    early = {StatusCategory.NEW, StatusCategory.WORKING}
    if status.category is StatusCategory.QUALIFIED:
        fitting = {StatusCategory.QUALIFIED, *early}
    else:
        fitting = early if status.category in early else {status.category}
    return [row for row in rows if row.category in fitting]


def leave_status(
    session: Session, actor: Actor, ref: str, *, move_to: str, now: datetime
) -> LeadStatus | None:
    """Remove a status after its leads went to another; None when it is gone already.

    A few hundred are moved at once.  Of more the rest is the worker's, and nobody chooses the status meanwhile.
    Writes an event for each lead.  Raises NotAllowed, NotFound, Invalid, InUse.
    """
    actor.require(Permission.SETTING_MANAGE)
    status: LeadStatus = get_item(session, STATUSES, ref)
    target = next((row for row in targets_for(session, status) if row.ref == move_to), None)
    if target is None:
        raise Invalid({"move_to": [_l("Choose the status that its leads go to.")]})
    if STATUSES.check is not None:
        STATUSES.check(session, status, {"is_active": False})
    status.leaving_to_id, status.is_active = target.id, False
    detail = {"name": status.name, "to": target.name}
    record(session, actor, verb="status_left", subject=status, at=now, detail=detail)
    session.flush()
    return None if move_leads(session, actor, status, now=now) else status


def is_leaving(session: Session) -> LeadStatus | None:
    """A status whose leads are still to be moved."""
    return session.scalar(select(LeadStatus).where(LeadStatus.leaving_to_id.is_not(None)).limit(1))


def move_leads(session: Session, actor: Actor, status: LeadStatus, *, now: datetime) -> bool:
    """Move some hundred leads out of a status that goes; whether it is empty, and gone.

    Deleted and converted leads are moved too, or they could not be read any more.
    """
    target = session.get(LeadStatus, status.leaving_to_id)
    if target is None or not target.is_active:
        # Where they were to go is gone by now; somebody is to choose anew.
        status.leaving_to_id = None
        return True
    statement = select(Lead.id, Lead.ref).where(scope(Lead, MOVING), Lead.status_id == status.id)
    statement = statement.order_by(Lead.id).limit(AT_ONCE)
    rows = session.execute(statement if is_sqlite(session) else statement.with_for_update(of=Lead)).all()
    if rows:
        keys = {row.id for row in rows}
        session.execute(
            update(Lead)
            .where(scope(Lead, MOVING), Lead.id.in_(keys))
            .values(status_id=target.id, version=Lead.version + 1, updated_at=now)
            .execution_options(synchronize_session=False)
        )
        touch(session, Lead.__tablename__, keys)
        for loaded in session.identity_map.values():
            if isinstance(loaded, Lead) and loaded.id in keys:
                set_committed_value(loaded, "status_id", target.id)
                set_committed_value(loaded, "version", loaded.version + 1)
        change = {"status": (status.name, target.name)}
        moved = [("edited", _Moved(row.id, row.ref), change, {"removed": status.name}) for row in rows]
        record_many(session, actor, moved, at=now)
    if len(rows) == AT_ONCE:
        return False
    _lead_elsewhere(session, status.key, target.key)
    remove_item(session, MOVING, STATUSES, status.ref, now=now)
    return True


class _Moved:
    """A lead as events name it."""

    __tablename__ = "lead"

    def __init__(self, key: int, ref: str) -> None:
        self.id, self.ref = key, ref


def count_in(session: Session, status: LeadStatus, *, cap: int) -> int:
    """How many leads are in a status, at most `cap` + 1."""
    some = select(Lead.id).where(scope(Lead, MOVING), Lead.status_id == status.id).limit(cap + 1).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def _lead_elsewhere(session: Session, gone: str, instead: str) -> None:
    """What led to the status that goes leads to the other from now on."""
    for status in session.scalars(select(LeadStatus)):
        if gone in status.moves:
            onward = dict.fromkeys(instead if key == gone else key for key in status.moves)
            status.moves = [key for key in onward if key != status.key]


def _change(
    session: Session, actor: Actor, status: LeadStatus, values: Mapping[str, Any], now: datetime
) -> bool:
    changes = {n: (getattr(status, n), value) for n, value in values.items() if getattr(status, n) != value}
    for name, (_old, new) in changes.items():
        setattr(status, name, new)
    if changes:
        detail = {"name": status.name}
        record(session, actor, verb="edited", subject=status, at=now, changes=changes, detail=detail)
    return bool(changes)


def _texts(given: Mapping[str, Any], name: str, longest: int) -> dict[str, str]:
    """language → text of those that are filled in.  Raises Invalid."""
    if any(language not in LANGUAGES for language in given):
        raise Invalid({name: [_l("Choose one of: %(known)s.", known=", ".join(LANGUAGES))]})
    texts = {}
    for language in LANGUAGES:
        text = clean_text(given.get(language), max_length=longest, field=f"{name}_{language}", multiline=True)
        if text:
            texts[language] = text
    return texts


def get_status(session: Session, ref: str) -> LeadStatus:
    """A status by its public name.  Raises NotFound."""
    status: LeadStatus = get_item(session, STATUSES, ref)
    return status
