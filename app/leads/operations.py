"""Verbs on one lead: make, edit, claim, delete, restore.  Moving it is `placement.place`'s."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, bindparam, exists, select, update
from sqlalchemy.orm import Session

from app.accounts.consent import opt_outs_noted
from app.campaigns.linking import join_campaign, known_campaign
from app.events.operations import record
from app.fields.catalogue import catalogue
from app.fields.records import Written, refuse_empty, split, write
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from app.kernel.records import RESTORABLE
from app.leads.capacity import hold_seat
from app.leads.columns import derived_columns, touches_derived
from app.leads.duplicates import Refilled, find_anew, likeness_of
from app.leads.errors import AlreadyConverted, AtCapacity, LeadAlreadyClaimed, LeadMoved
from app.leads.fields import FIELDS, QUALIFICATION
from app.leads.models import (
    AssignmentCause,
    Lead,
    LeadRefusal,
    LeadStatus,
    StatusCategory,
    UnqualifiedReason,
)
from app.leads.placement import Move, Owner, place
from app.leads.process import is_open, refuse_score
from app.leads.queries import find_level, get_lead
from app.leads.refusals import (
    check_status,
    check_whole,
    refuse_emptying,
    refuse_foreign_fields,
    refuse_taken_external_id,
    refuse_taking_back,
)
from app.leads.seen import seen_version
from app.leads.touching import note_edit
from app.sharing.scope import scope, scope_of_deleted_leads
from app.sharing.touched import touch

# A claim must tell "taken a moment ago" from "not there" to members of the queue it left.
_CLAIMING = Actor.system("claim")


def new_lead(
    session: Session,
    actor: Actor,
    values: Mapping[str, Any],
    custom: Mapping[str, Any] | None = None,
    *,
    now: datetime,
) -> Lead:
    """A lead that is not stored yet; `place` stores it with its first owner.

    values: attribute name of Lead → value, validated (`intake.take_in`).  Status defaults to the
    first active one of category new.  custom: field that an administrator added → value, validated.
    """
    actor.require(Permission.LEAD_CREATE)
    status = _status_for(session, values.get("status_id"))
    lead = Lead(
        ref=refs.new_ref(refs.LEAD),
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        waiting_since=now,
        owned_since=now,
        arrived_at=values.get("arrived_at") or now,
        version=1,
        is_open=is_open(status.category),
        qualified_by={},
        duplicates=list(values.get("duplicates") or []),
    )
    for name, value in {**values, "status_id": status.id, "arrived_at": lead.arrived_at}.items():
        setattr(lead, name, value)
    _follow_campaign(session, actor, lead, None)
    own = write(session, "lead", None, custom or {}, now=now)
    for name, value in {**derived_columns(values), **own.columns}.items():
        setattr(lead, name, value)
    _note_qualification(lead, {n for n in QUALIFICATION if values.get(n) is not None}, actor, now)
    lead.opted_out_by = opt_outs_noted({}, values, actor.user_id, now)
    check_status(session, actor, lead, status.category)
    return lead


def _status_for(session: Session, status_id: int | None) -> LeadStatus:
    statement = select(LeadStatus).order_by(LeadStatus.position, LeadStatus.id)
    if status_id is not None:
        status = session.get(LeadStatus, status_id)
    else:
        status = session.scalars(
            statement.where(LeadStatus.category == StatusCategory.NEW, LeadStatus.is_active)
        ).first()
    if status is None:
        raise Invalid({"status": [_l("There is no status of this kind.")]})
    return status


def edit_lead(
    session: Session,
    actor: Actor,
    ref: str,
    values: Mapping[str, Any],
    *,
    version: str | None = None,
    now: datetime,
) -> Lead:
    """Change fields of a lead.  values: field name (`fields.FIELDS`, or an added one's) → validated value.

    `status` is a status id here.  version: `seen_version` that the edit began from, None to overwrite.
    Writes one event with old and new values; nothing when nothing changes.
    Raises NotFound, NotAllowed, AlreadyConverted, Invalid (a field one may not write, no identifying
    field left, an external id that is taken, not enough to qualify), Stale.
    """
    actor.require(Permission.LEAD_EDIT)
    lead = get_lead(session, actor, ref, Level.EDIT, for_update=True)
    if lead.converted_at is not None:
        raise AlreadyConverted
    refuse_foreign_fields(session, actor, values)
    refuse_score(session, values)
    edit = _edit_of(session, actor, lead, values, now)
    if edit.is_empty:
        return lead
    if version is not None:
        _refuse_stale(session, actor, lead, version, edit)
    _apply(session, actor, lead, edit, now)
    lead.stamp(actor, now)
    session.flush()  # so that a constraint speaks up here
    if "campaign" in edit.changes:
        join_campaign(session, actor, lead, now=now)
    record(session, actor, verb="edited", subject=lead, at=now, changes=_told(session, edit))
    return lead


@dataclass(frozen=True, slots=True)
class _Edit:
    """What an edit changes.  before, changes: field → what it held, and is to hold.  own: of added fields."""

    before: Mapping[str, Any]
    changes: Mapping[str, Any]
    own: Written

    @property
    def is_empty(self) -> bool:
        return not self.changes and not self.own.raw


def _edit_of(session: Session, actor: Actor, lead: Lead, values: Mapping[str, Any], now: datetime) -> _Edit:
    """Raises Invalid."""
    standard, custom = split(values)
    refuse_emptying(standard, refuse_empty(catalogue(session).seen(actor, "lead"), custom))
    _let_reason_follow(session, lead, standard)
    held = {name: getattr(lead, FIELDS[name].attribute) for name in standard}
    changes = {name: value for name, value in standard.items() if held[name] != value}
    own = write(session, "lead", lead.custom, custom, now=now)
    return _Edit({name: held[name] for name in changes}, changes, own)


def _refuse_stale(session: Session, actor: Actor, lead: Lead, version: str, edit: _Edit) -> None:
    """Raises Stale when the edit began from another version than the present one."""
    known = catalogue(session).seen(actor, "lead")
    if version == seen_version(actor, lead, {name: lead.custom.get(name) for name in known}):
        return
    raise Stale(
        _l("Somebody changed this while you were editing. Both values are shown; decide which to keep."),
        current={**edit.before, **{name: old for name, (old, _new) in edit.own.raw.items()}},
    )


def _apply(session: Session, actor: Actor, lead: Lead, edit: _Edit, now: datetime) -> None:
    """Write the edit into the lead, with all that follows from it.  Raises Invalid."""
    changes = edit.changes
    refuse_taking_back(session, actor, lead, changes)
    refuse_taken_external_id(session, changes.get("external_id"))
    for name, value in changes.items():
        setattr(lead, FIELDS[name].attribute, value)
    for column, value in edit.own.columns.items():
        setattr(lead, column, value)
    if "campaign" in changes:
        _follow_campaign(session, actor, lead, lead.campaign_id)
    check_whole(session, actor, lead, changes, edit.before)
    if touches_derived(changes):
        _derive(session, lead, changes)
    _note_qualification(lead, set(changes) & set(QUALIFICATION), actor, now)
    lead.opted_out_by = opt_outs_noted(lead.opted_out_by, changes, actor.user_id, now)
    note_edit(actor, lead, changes, now=now)


def _derive(session: Session, lead: Lead, changes: Mapping[str, Any]) -> None:
    """Write what is made of the fields, and what the lead may be a duplicate of by those that changed."""
    for name, value in derived_columns(_attributes(lead)).items():
        setattr(lead, name, value)
    with session.no_autoflush:
        [found] = find_anew(
            session, [Refilled(lead.id, likeness_of(lead), lead.duplicates or (), changes.keys())]
        )
    if found != (lead.duplicates or []):
        lead.duplicates = found


def _told(session: Session, edit: _Edit) -> dict[str, tuple[Any, Any]]:
    """What changed as events tell it: names instead of keys."""
    told = {name: (edit.before[name], value) for name, value in edit.changes.items()}
    if "status" in told:
        old, new = told["status"]
        told["status"] = (_status_name(session, old), _status_name(session, new))
    if "unqualified_reason" in told:
        old, new = told["unqualified_reason"]
        told["unqualified_reason"] = (_reason_name(session, old), _reason_name(session, new))
    return told | edit.own.told


def _follow_campaign(session: Session, actor: Actor, lead: Lead, had: int | None) -> None:
    """Let the lead have the campaign that it names, as that one writes its name.  Raises Invalid."""
    with session.no_autoflush:
        found = known_campaign(session, actor, lead.campaign_name, had=had)
    lead.campaign_id = found.id if found is not None else None
    if found is not None:
        lead.campaign_name = found.name


def _let_reason_follow(session: Session, lead: Lead, values: dict[str, Any]) -> None:
    """A lead that is taken up again leaves the reason behind for which it was unqualified."""
    if lead.unqualified_reason_id is None or values.get("status") is None:
        return
    status = session.get(LeadStatus, values["status"])
    if status is not None and is_open(status.category):
        values.setdefault("unqualified_reason", None)


def _attributes(lead: Lead) -> dict[str, Any]:
    return {
        name: getattr(lead, name) for name in ("last_name", "company", "email", "phone", "mobile", "country")
    }


def _note_qualification(lead: Lead, names: set[str], actor: Actor, now: datetime) -> None:
    if names:
        entry = {"by": actor.user_id, "at": now.isoformat()}
        lead.qualified_by = {**(lead.qualified_by or {}), **dict.fromkeys(names, entry)}


def _status_name(session: Session, status_id: int) -> str:
    status = session.get(LeadStatus, status_id)
    return status.name if status is not None else ""


def _reason_name(session: Session, reason_id: int | None) -> str | None:
    reason = session.get(UnqualifiedReason, reason_id) if reason_id is not None else None
    return reason.name if reason is not None else None


def claim_lead(session: Session, actor: Actor, ref: str, *, now: datetime) -> Lead:
    """Make the actor the owner of a lead that waits in one of their queues.

    Two people may press the button together: the conditional update in `place` lets exactly one win.
    The winner asking again gets the same lead and no second event.  Does not commit.

    Raises NotAllowed, NotFound, LeadAlreadyClaimed, AtCapacity.
    """
    actor.require(Permission.LEAD_CLAIM)
    if actor.user_id is None:
        raise NotAllowed
    found = session.execute(_CLAIMED, {"ref": ref, "company_id": actor.company_id}).one_or_none()
    if found is None:
        _refuse_claim(session, actor, ref)
    lead: Lead = found[0]
    if lead.owner_user_id == actor.user_id and lead.last_cause == AssignmentCause.CLAIM:
        return lead
    _require_waiting(session, actor, lead, is_refused=found[1])
    seat = hold_seat(session, actor)
    if not seat:
        raise AtCapacity
    try:
        place(session, actor, lead, Owner(user=seat.user), Move(AssignmentCause.CLAIM), now=now)
    except LeadMoved as moved:
        raise LeadAlreadyClaimed from moved
    return lead


# Asked on every claim: made once.
_CLAIMED: Select[*tuple[Any, ...]] = (
    select(
        Lead,
        exists().where(LeadRefusal.lead_id == Lead.id, LeadRefusal.company_id == bindparam("company_id")),
    )
    .where(scope(Lead, _CLAIMING), Lead.ref == bindparam("ref"), Lead.deleted_at.is_(None))
    .execution_options(populate_existing=True)
)


def _require_waiting(session: Session, actor: Actor, lead: Lead, *, is_refused: bool) -> None:
    """That the lead waits in a queue of the actor's.  Raises what the actor may learn where it does not.

    is_refused: whether their company gave it back, or let it lapse.
    Judged on the row that was read, not on the database as it is by now: who lost the race in
    between is told so by the conditional update.
    """
    is_waiting = lead.owner_queue_id is not None
    queue_id = lead.owner_queue_id if is_waiting else lead.last_queue_id
    was_claimed = not is_waiting and lead.last_cause == AssignmentCause.CLAIM
    if queue_id in actor.queue_ids and (is_waiting or was_claimed):
        if is_refused:
            raise NotFound("lead", lead.ref)
        if was_claimed:
            raise LeadAlreadyClaimed
        return
    _refuse_claim(session, actor, lead.ref)


def _refuse_claim(session: Session, actor: Actor, ref: str) -> NoReturn:
    """Of what does not wait for the actor; a hidden lead is asked for as often as one that is nowhere.

    Raises NotAllowed where they see it, else NotFound.
    """
    if actor.is_internal and find_level(session, actor, ref) is not None:
        raise NotAllowed(_l("Only members of its queue can claim this. You can assign it instead."))
    raise NotFound("lead", ref)


def delete_lead(session: Session, actor: Actor, ref: str, *, now: datetime) -> None:
    """Take a lead away from everyone at once; it can be restored for 30 days.

    Raises NotAllowed, NotFound, AlreadyConverted.
    """
    actor.require(Permission.LEAD_DELETE)
    lead = get_lead(session, actor, ref, Level.EDIT, for_update=True)
    if lead.converted_at is not None:
        raise AlreadyConverted
    lead.deleted_at = now
    lead.stamp(actor, now)
    record(session, actor, verb="deleted", subject=lead, at=now)


def restore_lead(session: Session, actor: Actor, ref: str, *, now: datetime) -> Lead:
    """Bring a deleted lead back within 30 days, where the actor could have deleted it.

    Raises NotAllowed, NotFound (too long ago, not to be seen), Conflict (not deleted).
    """
    actor.require(Permission.LEAD_DELETE)
    lead = session.scalar(
        select(Lead).where(
            scope_of_deleted_leads(actor, Level.READ), Lead.ref == ref, Lead.deleted_at > now - RESTORABLE
        )
    )
    if lead is None:
        get_lead(session, actor, ref)
        raise Conflict(_l("It is not deleted."))
    session.execute(
        update(Lead)
        .where(scope(Lead, _CLAIMING), Lead.id == lead.id)
        .values(deleted_at=None, version=Lead.version + 1, updated_at=now, updated_by_id=actor.user_id)
    )
    touch(session, "lead", (lead.id,))
    # Who only reads it is told so now that it is there; the transaction ends with it.
    lead = get_lead(session, actor, ref, Level.EDIT)
    record(session, actor, verb="restored", subject=lead, at=now)
    return lead
