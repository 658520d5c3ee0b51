"""Verbs on a case: create, edit, close, reopen, delete, restore."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.changes import find_owner
from app.activities.lasting import follow_record
from app.cases import numbers
from app.cases.changes import Change, refuse_stale
from app.cases.fields import CASE_FIELDS, LONGEST_TEXT
from app.cases.models import Case, CaseCategory, CaseStatus
from app.cases.parties import Parties, names_of, parties_after, parties_of_new
from app.cases.queries import get_case_and_level, list_statuses, may_govern
from app.cases.values import clean_values
from app.events.operations import record
from app.identity.models import User
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.kernel.fold import fold
from app.kernel.records import RESTORABLE
from app.kernel.text import clean_text
from app.sharing.external_ids import refuse_taken
from app.sharing.scope import scope, scope_of_deleted_cases

# A number is taken whoever may see the case that has it.
_TAKEN = Actor.system("case numbers")


def create_case(session: Session, actor: Actor, values: Mapping[str, Any], *, now: datetime) -> Case:
    """Store a new case.  values: field name → what was given, see `fields`.

    References (`contact_id`, `account_id`, `owner`) are public names; a contact brings its account.  Without
    `owner` it is the actor's own, without `status` it has the first open one.  Writes an event; does not commit.
    Raises NotAllowed, Invalid.
    """
    actor.require(Permission.CASE_EDIT)
    cleaned = clean_values(values, is_new=True)
    parties = parties_of_new(session, actor, cleaned)
    status = _first_status(session, cleaned.get("status"))
    refuse_taken(session, actor, Case, cleaned.get("external_id"))
    is_open = status.category is CaseCategory.OPEN
    columns = {
        name: cleaned.get(name) for name in ("subject", "type", "origin", "description", "external_id")
    }
    case = Case(
        ref=refs.new_ref(refs.CASE),
        number=_free_number(session),
        status_id=status.id,
        is_open=is_open,
        contact_id=parties.contact_id,
        account_id=parties.account_id,
        owner_user_id=_first_owner(session, actor, cleaned.get("owner")),
        opened_at=now,
        closed_at=None if is_open else now,
        turned_at=None if is_open else now,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **columns,
    )
    _derive(case, cleaned)
    session.add(case)
    session.flush()  # its id goes into the event
    record(session, actor, verb="created", subject=case, at=now)
    return case


def _derive(case: Case, cleaned: Mapping[str, Any]) -> None:
    """The columns that lists search and sort by follow from what was given."""
    case.subject_fold = fold(case.subject, 255)
    if cleaned.get("priority") is not None:
        case.priority = cleaned["priority"]
        case.priority_rank = cleaned["priority"].rank


def _first_status(session: Session, key: str | None) -> CaseStatus:
    if key is not None:
        return _status(session, key)
    return _first_of(session, CaseCategory.OPEN)


def _first_of(session: Session, category: CaseCategory) -> CaseStatus:
    """The first status of a category; the list always keeps one."""
    return next(s for s in list_statuses(session) if s.category is category and s.is_active)


def _status(session: Session, key: str, *, now: CaseStatus | None = None) -> CaseStatus:
    """The status of that name.  now: the present one, which may be retired.  Raises Invalid."""
    found = session.scalar(select(CaseStatus).where(CaseStatus.key == key))
    if found is not None and (found.is_active or (now is not None and found.id == now.id)):
        return found
    known = ", ".join(status.key for status in list_statuses(session) if status.is_active)
    raise Invalid({"status": [_l("Choose one of: %(known)s.", known=known)]})


def _first_owner(session: Session, actor: Actor, ref: str | None) -> int:
    if ref is not None:
        return find_owner(session, ref).id
    if actor.user_id is None:
        raise Invalid({"owner": [_l("Choose one of the people listed.")]})
    return actor.user_id


def _free_number(session: Session) -> str:
    while True:
        number = numbers.draw()
        if session.scalar(select(Case.id).where(scope(Case, _TAKEN), Case.number == number)) is None:
            return number


def edit_case(
    session: Session,
    actor: Actor,
    case_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    reason: str | None = None,
    now: datetime,
) -> Case:
    """Change fields of a case; those not given stay.  version: the one the edit began from, if known.

    A status of the other category closes it or opens it again: `closed_at` follows, and `reason` stands with
    it.  Writes one event with old and new values; nothing when nothing changes.  Does not commit.
    Raises NotFound, NotAllowed, Invalid, StaleEdit.
    """
    actor.require(Permission.CASE_EDIT)
    case, given = get_case_and_level(session, actor, case_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    cleaned = clean_values(values)
    reason = clean_text(reason, max_length=LONGEST_TEXT, field="reason", multiline=True)
    changes = _changes(session, actor, case, given, cleaned)
    refuse_stale(session, case, version, changes)
    if not changes:
        return case
    if "external_id" in changes:
        refuse_taken(session, actor, Case, changes["external_id"].column_value)
    for change in changes.values():
        setattr(case, change.column, change.column_value)
    _derive(case, {name: change.column_value for name, change in changes.items()})
    verb = _follow_status(session, case, reason, now) if "status" in changes else "edited"
    _store(session, actor, case, changes, verb, reason, now)
    if "account_id" in changes:
        follow_record(session, case)
    return case


def _changes(
    session: Session, actor: Actor, case: Case, given: Level, cleaned: Mapping[str, Any]
) -> dict[str, Change]:
    """What the edit changes, by field."""
    found: dict[str, Change] = {}
    for name, value in cleaned.items():
        field = CASE_FIELDS[name]
        if not field.is_reference and name != "status" and getattr(case, field.attribute) != value:
            found[name] = Change(field.attribute, value, getattr(case, field.attribute), value)
    if cleaned.get("status") is not None:
        found |= _change_of_status(session, case, cleaned["status"])
    found |= _changes_of_parties(session, actor, case, cleaned)
    if "owner" in cleaned:
        found |= _change_of_owner(session, actor, case, given, cleaned["owner"])
    return found


def _change_of_status(session: Session, case: Case, key: str) -> dict[str, Change]:
    before = session.get_one(CaseStatus, case.status_id)
    after = _status(session, key, now=before)
    return {} if after.id == before.id else {"status": Change("status_id", after.id, before.key, after.key)}


def _changes_of_parties(
    session: Session, actor: Actor, case: Case, cleaned: Mapping[str, Any]
) -> dict[str, Change]:
    before, after = Parties(case.contact_id, case.account_id), parties_after(session, actor, case, cleaned)
    if before == after:
        return {}
    old, new = names_of(session, before), names_of(session, after)
    return {
        name: Change(name, getattr(after, name), old[name], new[name])
        for name in old
        if old[name] != new[name]
    }


def _change_of_owner(
    session: Session, actor: Actor, case: Case, given: Level, ref: str | None
) -> dict[str, Change]:
    owner = find_owner(session, ref or "")
    if owner.id == case.owner_user_id:
        return {}
    if not may_govern(actor, given):
        raise NotAllowed(_l("Only its owner, channel managers and administrators change the owner."))
    before = session.get_one(User, case.owner_user_id)
    return {"owner": Change("owner_user_id", owner.id, before.name, owner.name)}


def _follow_status(session: Session, case: Case, reason: str | None, now: datetime) -> str:
    """Let what depends on the status follow it; the verb for what happened."""
    is_open = session.get_one(CaseStatus, case.status_id).category is CaseCategory.OPEN
    if is_open == case.is_open:
        return "edited"
    case.is_open = is_open
    case.closed_at = None if is_open else now
    case.turned_at = now
    case.resolution = None if is_open else reason
    return "reopened" if is_open else "closed"


def _store(
    session: Session,
    actor: Actor,
    case: Case,
    changes: Mapping[str, Change],
    verb: str,
    reason: str | None,
    now: datetime,
) -> None:
    case.stamp(actor, now)
    session.flush()  # its id goes into the event
    detail: dict[str, Any] = {"version": case.version}
    if verb != "edited" and reason is not None:
        detail["reason"] = reason
    told = {name: (change.old, change.new) for name, change in changes.items()}
    record(session, actor, verb=verb, subject=case, at=now, changes=told, detail=detail)


def close_case(
    session: Session,
    actor: Actor,
    case_ref: str,
    *,
    status: str | None = None,
    reason: str | None = None,
    version: int | None = None,
    now: datetime,
) -> Case:
    """Close a case, with the status of that key or the first closed one.  Closed already, it stays as it is.

    Raises NotFound, NotAllowed, Invalid, StaleEdit.
    """
    return _turn(session, actor, case_ref, CaseCategory.CLOSED, status, reason, version, now)


def reopen_case(
    session: Session,
    actor: Actor,
    case_ref: str,
    *,
    status: str | None = None,
    reason: str | None = None,
    version: int | None = None,
    now: datetime,
) -> Case:
    """Open a closed case again, with the status of that key or the first open one.  Open already, it stays so.

    Raises NotFound, NotAllowed, Invalid, StaleEdit.
    """
    return _turn(session, actor, case_ref, CaseCategory.OPEN, status, reason, version, now)


def _turn(
    session: Session,
    actor: Actor,
    case_ref: str,
    category: CaseCategory,
    status: str | None,
    reason: str | None,
    version: int | None,
    now: datetime,
) -> Case:
    actor.require(Permission.CASE_EDIT)
    case, given = get_case_and_level(session, actor, case_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    if case.is_open == (category is CaseCategory.OPEN):
        return case
    wanted = _status(session, status) if status else _first_of(session, category)
    if wanted.category is not category:
        known = ", ".join(s.key for s in list_statuses(session) if s.category is category and s.is_active)
        raise Invalid({"status": [_l("Choose one of: %(known)s.", known=known)]})
    return edit_case(
        session, actor, case_ref, {"status": wanted.key}, version=version, reason=reason, now=now
    )


def delete_case(session: Session, actor: Actor, case_ref: str, *, now: datetime) -> Case:
    """Take the case out of everything, at once; it can be restored for 30 days.

    Raises NotAllowed, NotFound.
    """
    actor.require(Permission.CASE_DELETE)
    case, given = get_case_and_level(session, actor, case_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    case.deleted_at = now
    case.stamp(actor, now)
    record(session, actor, verb="deleted", subject=case, at=now)
    follow_record(session, case)
    return case


def restore_case(session: Session, actor: Actor, case_ref: str, *, now: datetime) -> Case:
    """Bring a case back that was deleted in the last 30 days.

    Raises NotAllowed, NotFound (not deleted, too long ago, not to be edited).
    """
    actor.require(Permission.CASE_DELETE)
    case = session.scalar(
        select(Case).where(
            scope_of_deleted_cases(actor, Level.EDIT),
            Case.ref == case_ref,
            Case.deleted_at > now - RESTORABLE,
        )
    )
    if case is None:
        raise NotFound("case", case_ref)
    case.deleted_at = None
    case.stamp(actor, now)
    record(session, actor, verb="restored", subject=case, at=now)
    follow_record(session, case)
    return case
