"""Verbs on fields that administrators add: make, change, mark as indexed, retire, restore, delete; arrange a form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.events.operations import record
from app.fields.catalogue import definition_of, new_key
from app.fields.drafts import FieldDraft, Written, read_draft
from app.fields.kinds import NOT_INDEXED, OBJECTS, Kind
from app.fields.models import CustomField, FormLayout
from app.fields.queries import count_values, find_names, get_field, is_used, used_choices
from app.fields.usage import close_what_names, open_what_names
from app.fields.values import as_typed, problem_of, reading_of
from app.identity.lead_fields import forget_lead_field, show_lead_field
from app.identity.models import Organisation
from app.identity.organisation import SUBJECT, lock_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Conflict, Invalid, Stale
from app.kernel.records import SLOTS
from app.leads.visibility import Visibility

MOST_FIELDS = 100  # of an object
FULL = _l("Five fields are indexed already. Take the mark from another one first.")


def create_field(session: Session, actor: Actor, draft: FieldDraft, *, now: datetime) -> CustomField:
    """Add a field to an object.  Writes an event; does not commit.

    Raises NotAllowed, Invalid with every fault found, by the draft's names.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    taken = find_names(session, draft.object) if draft.object in OBJECTS else set()
    written = read_draft(draft, taken)
    if len(taken) >= MOST_FIELDS:
        raise Invalid({"": [_l("An object can have %(most)s fields of your own at most.", most=MOST_FIELDS)]})
    field = CustomField(
        ref=refs.new_ref(refs.CUSTOM_FIELD),
        object=draft.object,
        name=written.name,
        kind=written.kind,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
    )
    _write(field, written)
    session.add(field)
    session.flush()
    _renew(organisation)
    if field.object == "lead" and field.kind != Kind.USER:
        show_lead_field(session, actor, field.name, written.visibility or Visibility.HIDDEN, now=now)
    record(session, actor, verb="created", subject=field, at=now, detail=_told(field))
    return field


def edit_field(
    session: Session,
    actor: Actor,
    ref: str,
    draft: FieldDraft,
    *,
    version: int | None = None,
    now: datetime,
) -> CustomField:
    """Change everything but the object, the name and the type.  A choice keeps its key whatever it is called.

    Writes an event with old and new values; nothing when nothing changes.
    Raises NotAllowed, NotFound, Stale, Invalid (another type; a choice in use that would go).
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    _require_version(field, version)
    if draft.kind and draft.kind != field.kind:
        raise Invalid({"kind": [_l("A field keeps its type. Make another field, and retire this one.")]})
    draft.object, draft.kind = field.object, field.kind
    written = read_draft(draft, set(), known=field)
    _refuse_removing(session, field, written)
    before = _told(field)
    _write(field, written)
    after = _told(field)
    changes = {name: (before[name], after[name]) for name in after if before[name] != after[name]}
    if field.object == "lead" and field.kind != Kind.USER and written.visibility is not None:
        show_lead_field(session, actor, field.name, written.visibility, now=now)
    if not changes:
        return field
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="edited", subject=field, at=now, changes=changes)
    return field


def keep_inside(session: Session, actor: Actor, object_: str, name: str, *, now: datetime) -> None:
    """Let partners not see a field of other records than leads from now on; nothing where it is gone.  Raises NotAllowed."""
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = session.scalar(
        select(CustomField)
        .where(CustomField.object == object_, CustomField.name == name, CustomField.deleted_at.is_(None))
        .with_for_update()
    )
    if field is None or field.is_internal:
        return
    field.is_internal = True
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="edited", subject=field, at=now, changes={"is_internal": (False, True)})


def _write(field: CustomField, written: Written) -> None:
    field.label, field.labels = written.label, written.labels
    field.help, field.description = written.help, written.description
    field.asked_by, field.reason = written.asked_by, written.reason
    field.choices = written.choices
    field.is_required, field.is_internal, field.by_partner = (
        written.is_required, written.is_internal, written.by_partner,
    )  # fmt: skip
    field.first_value = _first_value(field, written.first_value)


def _first_value(field: CustomField, text: str) -> str:
    """What a new record begins with, as forms write it.  Raises Invalid."""
    if not text.strip():
        return ""
    # A field that is not stored yet has none of what a definition needs beside its meaning.
    shape = CustomField(
        id=0, ref="", object=field.object, name=field.name, kind=field.kind, label=field.label, labels={},
        help="", description="", choices=field.choices, first_value="", is_required=False, is_internal=False,
        by_partner=True, slot=None, slot_is_ready=False, work="", retired_at=None,
    )  # fmt: skip
    definition = definition_of(shape)
    value, complaints = problem_of(definition, text, reading_of())
    if complaints:
        raise Invalid({"first_value": complaints})
    typed = as_typed(definition, value)
    return ";".join(typed) if isinstance(typed, list) else str(typed)


def _refuse_removing(session: Session, field: CustomField, written: Written) -> None:
    """Raises Invalid when a choice that a record holds, or held, would go."""
    kept = {choice["key"] for choice in written.choices}
    gone = {choice["key"]: choice["name"] for choice in field.choices if choice["key"] not in kept}
    used = used_choices(session, field) & gone.keys()
    if used:
        names = ", ".join(gone[key] for key in gone if key in used)
        message = _l("“%(names)s” is in use: it can be retired, not removed.", names=names)
        raise Invalid({"choices": [message]})


# Indexing


def index_field(session: Session, actor: Actor, ref: str, *, now: datetime) -> CustomField:
    """Mark a field as indexed: records get it in a column in the background, then lists filter and sort by it.

    Raises NotAllowed, NotFound, Conflict (several values, five already, retired).
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    if field.slot is not None and field.work != "release":
        return field
    if Kind(field.kind) in NOT_INDEXED:
        raise Conflict(_l("A field of several values cannot be indexed."))
    if field.retired_at is not None:
        raise Conflict(_l("It is retired. Use it again first."))
    if field.slot is None:
        taken = session.scalars(
            select(CustomField.slot).where(CustomField.object == field.object, CustomField.slot.is_not(None))
        ).all()
        free = [slot for slot in SLOTS if slot not in taken]
        if not free:
            raise Conflict(FULL)
        field.slot = free[0]
    field.slot_is_ready = False
    _begin_work(field, "fill", now)
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="field_indexed", subject=field, at=now)
    return field


def unindex_field(session: Session, actor: Actor, ref: str, *, now: datetime) -> CustomField:
    """Take the mark away; the column is emptied in the background.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    if field.slot is None or field.work == "release":
        return field
    field.slot_is_ready = False
    _begin_work(field, "release", now)
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="field_unindexed", subject=field, at=now)
    return field


def _begin_work(field: CustomField, work: str, now: datetime) -> None:
    field.work, field.work_began_at = work, now
    field.work_reached = field.work_total = field.work_round = 0


# Retiring, deleting


def retire_field(session: Session, actor: Actor, ref: str, *, now: datetime) -> CustomField:
    """Take a field out of forms, lists, files and rules; what records hold in it is kept.

    Sharing rules that name it give nothing from the commit on, entries of assignment rules are skipped, both with
    an alert.  Raises NotAllowed, NotFound.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    if field.retired_at is not None:
        return field
    field.retired_at = now
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="field_retired", subject=field, at=now)
    close_what_names(session, field, now=now)
    return field


def restore_field(session: Session, actor: Actor, ref: str, *, now: datetime) -> CustomField:
    """Use a retired field again; rules that name it are built anew.  Raises NotAllowed, NotFound."""
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    if field.retired_at is None:
        return field
    field.retired_at = None
    _changed(session, organisation, field, actor, now)
    record(session, actor, verb="restored", subject=field, at=now)
    open_what_names(session, field, now=now)
    return field


def delete_field(
    session: Session, actor: Actor, ref: str, *, knowingly: int | None = None, now: datetime
) -> int:
    """Take a field away for good, with what records hold in it; how many values go.

    knowingly: the number of values that was agreed to.  They go in the background; nobody sees them from the
    commit on.  Its name is not given again.
    Raises NotAllowed, NotFound, Conflict (values would go that nobody agreed to).
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    field = get_field(session, ref, for_update=True)
    number = count_values(session, field) if is_used(session, field) else 0
    if number and knowingly != number:
        raise Conflict(
            _l("Records hold something in this field by now. Look at how many, and say that you want it.")
        )
    field.deleted_at = now
    field.slot_is_ready = False
    _begin_work(field, "clear", now)
    if field.object == "lead":
        forget_lead_field(session, field.name)
    _changed(session, organisation, field, actor, now)
    detail = {**_told(field), "values": number}
    record(session, actor, verb="deleted", subject=field, at=now, detail=detail)
    close_what_names(session, field, now=now)
    return number


# The layout of forms


def arrange_form(
    session: Session,
    actor: Actor,
    object_: str,
    sections: Sequence[tuple[str, Sequence[str]]],
    *,
    version: int | None = None,
    now: datetime,
) -> None:
    """Say in which order the form of an object asks.  sections: (section, names of fields), all of them.

    Raises NotAllowed, Stale.
    """
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    layout = session.get(FormLayout, object_)
    if version is not None and version != (layout.version if layout is not None else 0):
        raise Stale(_l("Somebody changed this while you were editing. Reload to see it as it is now."))
    stored = [[section, list(names)] for section, names in sections]
    before = layout.sections if layout is not None else []
    if before == stored:
        return
    if layout is None:
        session.add(FormLayout(object=object_, sections=stored, updated_at=now))
    else:
        layout.sections, layout.updated_at = stored, now
        layout.version += 1
    _renew(organisation)
    record(session, actor, verb="form_arranged", subject=SUBJECT, at=now, detail={"object": object_})


def reset_form(session: Session, actor: Actor, object_: str, *, now: datetime) -> None:
    """Let the form of an object ask in the order that it came with.  Raises NotAllowed."""
    actor.require(Permission.SETTING_MANAGE)
    organisation = lock_organisation(session)
    layout = session.get(FormLayout, object_)
    if layout is None:
        return
    session.delete(layout)
    _renew(organisation)
    record(session, actor, verb="form_arranged", subject=SUBJECT, at=now, detail={"object": object_})


# What they share


def _require_version(field: CustomField, version: int | None) -> None:
    if version is not None and version != field.version:
        raise Stale(
            _l("Somebody changed this while you were editing. Reload to see it as it is now."),
            current={"version": field.version},
        )


def _changed(
    session: Session, organisation: Organisation, field: CustomField, actor: Actor, now: datetime
) -> None:
    field.stamp(actor, now)
    _renew(organisation)
    session.flush()


def _renew(organisation: Organisation) -> None:
    """Let everybody read the fields anew from the commit on."""
    organisation.fields_key = new_key()


def _told(field: CustomField) -> dict[str, Any]:
    """A field as events tell it."""
    return {
        "object": field.object,
        "field": field.name,
        "kind": field.kind,
        "label": field.label,
        "labels": dict(field.labels),
        "help": field.help,
        "description": field.description,
        "asked_by": field.asked_by,
        "reason": field.reason,
        "choices": [
            f"{c['name']} ({_l('retired')})" if c.get("retired") else c["name"] for c in field.choices
        ],
        "first_value": field.first_value,
        "is_required": field.is_required,
        "is_internal": field.is_internal,
        "by_partner": field.by_partner,
    }
