"""Rows whose lead is there, by its public name or its external id: what they change of it.

An empty cell changes nothing, an opt-out is never taken back, and owner and routing stay as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from app.accounts.consent import OPT_OUTS, opt_outs_noted
from app.events.operations import record_many
from app.fields.records import split, write
from app.intake.known_leads import MATCHING, Known
from app.intake.lead_rows import SOURCE, TakenRow
from app.intake.statuses import Status, Statuses
from app.kernel.actor import Actor
from app.kernel.errors import Invalid
from app.leads.columns import derived_columns, touches_derived
from app.leads.duplicates import Likeness, Refilled, find_anew
from app.leads.fields import FIELDS, QUALIFICATION
from app.leads.models import Lead, StatusCategory
from app.leads.process import ALWAYS_REQUIRED, is_open, missing_to_qualify, refuse_move
from app.leads.touching import TOUCHED
from app.leads.values import ATTRIBUTES
from app.search.upkeep import COLUMNS, enter_anew
from app.sharing.scope import scope
from app.sharing.touched import touch

_ALIKE_BY = [each.name for each in fields(Likeness)]

OUT_OF_REACH = _l("A record with this external id exists that cannot be changed from here.")
CONVERTED = _l("It has been converted and can only be read.")
NOT_QUALIFIED = _l("To be qualified it needs a last name and a company.")
NO_REASON = _l("To be unqualified it needs a reason.")
NOT_CONVERTED = _l("Conversion alone sets this status.")


class Overtaken(Exception):
    """Another transaction changed one of the leads between reading and writing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a row changes.  told: field → (old, new) for the event.  attributes: columns to write.

    added: what it puts into fields that administrators added.
    """

    known: Known
    told: Mapping[str, tuple[Any, Any]]
    attributes: Mapping[str, Any]
    added: Mapping[str, Any] = field(default_factory=dict)


def plan_change(
    session: Session,
    actor: Actor,
    known: Known,
    row: TakenRow,
    statuses: Statuses,
    now: datetime,
) -> tuple[Any | None, Change | None]:
    """(why the row is refused, what it changes); both None when everything is so already."""
    if not known.is_open_to:
        return OUT_OF_REACH, None
    before = known.attributes
    standard, custom = split(row.values)
    try:
        own = write(session, "lead", before["custom"], custom, now=None)
    except Invalid as invalid:
        return next(messages[0] for messages in invalid.errors.values()), None
    new = {name: value for name, value in standard.items() if name != SOURCE}
    if SOURCE in row.values:
        new[SOURCE] = row.attributes["source_id"]
    changed = {
        name: value
        for name, value in new.items()
        if not _is_same(before[ATTRIBUTES[name]], value)
        and not (name.startswith("opted_out") and value is False)
    }
    kept = {**before["imported"], **row.imported}
    if not changed and not own.raw and kept == before["imported"]:
        return None, None
    if before["converted_at"] is not None:
        return CONVERTED, None
    attributes = {ATTRIBUTES[name]: value for name, value in changed.items()} | own.columns
    if "campaign" in changed:
        attributes["campaign_id"] = row.attributes.get("campaign_id")
    whole = {**before, **attributes}
    if "status" in changed:
        attributes |= TOUCHED
        refusal = _refusal_of_move(statuses, before, whole, changed["status"])
        if refusal is not None:
            return refusal, None
        attributes["is_open"] = is_open(statuses.by_id[changed["status"]].category)
        if attributes["is_open"] and before["unqualified_reason_id"] is not None:
            changed["unqualified_reason"] = attributes["unqualified_reason_id"] = None
    if touches_derived(changed):
        attributes.update(derived_columns(whole))
    confirmed = set(changed) & set(QUALIFICATION)
    if confirmed:
        entry = {"by": actor.user_id, "at": now.isoformat()}
        attributes["qualified_by"] = {**before["qualified_by"], **dict.fromkeys(confirmed, entry)}
    if set(changed) & set(OPT_OUTS):
        attributes["opted_out_by"] = opt_outs_noted(before["opted_out_by"], changed, actor.user_id, now)
    attributes["imported"] = kept
    told = {name: (before[ATTRIBUTES[name]], value) for name, value in changed.items()}
    if "status" in told:
        told["status"] = (_name_of(statuses, before["status_id"]), _name_of(statuses, changed["status"]))
    if "unqualified_reason" in told:
        old, new_reason = told["unqualified_reason"]
        told["unqualified_reason"] = (statuses.reasons.get(old or 0), statuses.reasons.get(new_reason or 0))
    if SOURCE in told:
        told[SOURCE] = (known.source, row.values[SOURCE])
    return None, Change(known, told | own.told, attributes, custom)


def _is_same(held: Any, given: Any) -> bool:
    """Whether a cell says what the lead holds already.  Files have moments to the second."""
    if isinstance(held, datetime) and isinstance(given, datetime) and not given.microsecond:
        return held.replace(microsecond=0) == given
    return bool(held == given)


def _refusal_of_move(
    statuses: Statuses, before: Mapping[str, Any], whole: Mapping[str, Any], status_id: int
) -> Any | None:
    """Why the lead may not have that status."""
    after, left = statuses.by_id[status_id], statuses.by_id.get(before["status_id"])
    if after.category is StatusCategory.CONVERTED:
        return NOT_CONVERTED
    if left is not None:
        try:
            refuse_move(left, after, statuses.names)
        except Invalid as invalid:
            return invalid.errors["status"][0]
    if after.category is StatusCategory.UNQUALIFIED and whole["unqualified_reason_id"] is None:
        return NO_REASON
    return refusal_to_qualify(statuses, after, whole)


def refusal_to_qualify(statuses: Statuses, status: Status, whole: Mapping[str, Any]) -> Any | None:
    """Why a lead that would be qualified may not be.  whole: attribute of Lead → value."""
    if status.category is not StatusCategory.QUALIFIED:
        return None
    missing = missing_to_qualify(statuses.required, whole.get, whole.get("custom") or {}, statuses.added)
    if not missing:
        return None
    if set(missing) <= set(ALWAYS_REQUIRED):
        return NOT_QUALIFIED
    labels = [FIELDS[name].label for name in missing if name in FIELDS]
    return _l("To be qualified it needs: %(fields)s.", fields=Joined(labels or missing))


class Joined:
    """Labels, each in the language of whoever reads the sentence that they stand in."""

    def __init__(self, labels: Sequence[Any]) -> None:
        self.labels = labels

    def __str__(self) -> str:
        return ", ".join(str(label) for label in self.labels)


def _name_of(statuses: Statuses, status_id: int) -> str:
    status = statuses.by_id.get(status_id)
    return status.name if status else ""


def write_changes(session: Session, actor: Actor, changes: Sequence[Change], *, now: datetime) -> None:
    """Write the changes and one event for each, with one statement for each set of columns.

    Raises Overtaken when one of the leads has another version by now.  Does not commit.
    """
    by_columns: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        by_columns.setdefault(tuple(sorted(change.attributes)), []).append(change)
    for names, alike in by_columns.items():
        statement = (
            update(Lead.__table__)  # type: ignore[arg-type]  # a Table, whatever its base says
            .where(
                scope(Lead, MATCHING),
                Lead.id == bindparam("the_id"),
                Lead.version == bindparam("the_version"),
                Lead.converted_at.is_(None),
            )
            .values(
                {name: bindparam(f"new_{name}") for name in names}
                | {"version": Lead.version + 1, "updated_at": now, "updated_by_id": actor.user_id}
            )
        )
        result = session.execute(
            statement,
            [
                {
                    "the_id": change.known.id,
                    "the_version": change.known.version,
                    **{f"new_{name}": change.attributes[name] for name in names},
                }
                for change in sorted(alike, key=lambda change: change.known.id)
            ],
        )
        if result.rowcount != len(alike):  # type: ignore[attr-defined]  # an UPDATE has a count
            raise Overtaken
    touch(session, Lead.__tablename__, (change.known.id for change in changes))
    found_otherwise = (change.known.id for change in changes if {*change.attributes} & {*COLUMNS[Lead]})
    enter_anew(session, Lead, sorted(found_otherwise))
    _compare_anew(session, changes)
    events = [("edited", change.known, change.told, {"import": True}) for change in changes]
    record_many(session, actor, events, at=now)


def _compare_anew(session: Session, changes: Sequence[Change]) -> None:
    """Keep what the leads may be duplicates of by the fields that changed, those of the same file included."""
    filled = [
        Refilled(
            change.known.id,
            Likeness(**{name: change.attributes[name] for name in _ALIKE_BY}),
            change.known.attributes["duplicates"] or (),
            change.told,
        )
        for change in changes
        if touches_derived(change.told)
    ]
    found = find_anew(session, filled) if filled else []
    others = [
        {"the_id": lead.id, "found": entries}
        for lead, entries in zip(filled, found, strict=True)
        if entries != list(lead.stored)
    ]
    if others:
        session.execute(
            update(Lead.__table__)  # type: ignore[arg-type]  # as above
            .where(scope(Lead, MATCHING), Lead.id == bindparam("the_id"))
            .values(duplicates=bindparam("found")),
            others,
        )
