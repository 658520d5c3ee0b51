"""What the page of one lead shows beside its fields: acts, stages, owner's history, probable duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.accounts.consent import basis_name
from app.fields.catalogue import Definition
from app.fields.records import refusal_of
from app.fields.shown import show
from app.kernel.actor import Actor, Level, Permission
from app.leads.choices import Status, reason_name, status_name
from app.leads.fields import ALL_SECTIONS, FIELDS, Field
from app.leads.forms import WRITTEN
from app.leads.lookalikes import Lookalike, find_lookalikes, who_qualified
from app.leads.models import AssignmentCause, Lead
from app.leads.queries import AssignmentRow, LeadDetail, list_assignments, list_statuses
from app.leads.seen import seen_version
from app.leads.touching import is_touch_of
from app.leads.views.path import Path, read_path
from app.routing.trace_queries import explain_traces
from app.scores.queries import Explained, HandOver, explain_score, find_hand_over, may_hand_over

_SHOWN_IN_HEAD = ("status", "score")


@dataclass(frozen=True, slots=True)
class Stop:
    """One placement in words.  why: the sentences of its trace, for those who may read it."""

    at: datetime
    text: str
    why: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A field as the page shows it; of one that an administrator added the value is in words.  noted: who last changed it, and when, for qualification."""

    field: Field | Definition
    value: Any
    noted: tuple[str, datetime] | None = None
    may_edit: bool = False


@dataclass(frozen=True, slots=True)
class LeadPage:
    """All of it.

    version: what an act on it begins from.  score, handed_over: for people inside alone.
    touch_due_at: until when its owner is to do something on it.
    matters: the fields that matter at this step, as the path shows them.

    may_…: what this person may do with this lead now; the operations decide again.
    """

    detail: LeadDetail
    version: str
    status: Status
    path: Path
    matters: Sequence[Entry]
    score: Explained | None
    handed_over: HandOver | None
    touch_due_at: datetime | None
    sections: Sequence[tuple[str, Any, Sequence[Entry]]]
    history: Sequence[Stop]
    lookalikes: Sequence[Lookalike]
    may_edit: bool
    may_assign: bool
    may_claim: bool
    may_release: bool
    may_delete: bool
    may_hand_over: bool

    @property
    def lead(self) -> Lead:
        return self.detail.lead


def read_lead_page(session: Session, actor: Actor, detail: LeadDetail, *, now: datetime) -> LeadPage:
    """At most seven statements, whatever the lead has been through."""
    lead, statuses = detail.lead, list_statuses(session)
    may_edit = may_change(actor, detail)
    path = read_path(session, actor, detail, statuses, may_edit=may_edit)
    sections = _sections(session, actor, detail, who_qualified(session, actor, lead))
    return LeadPage(
        detail=detail,
        version=seen_version(actor, lead, detail.custom),
        status=path.present,
        path=path,
        matters=_matters(path, sections),
        score=explain_score(session, actor, lead, now=now),
        handed_over=find_hand_over(session, actor, lead),
        touch_due_at=lead.touch_due_at if actor.is_internal or is_touch_of(actor, lead) else None,
        sections=sections,
        history=_history(session, actor, lead),
        lookalikes=find_lookalikes(session, actor, lead),
        may_edit=may_edit,
        may_assign=_may_assign(actor, detail),
        may_claim=actor.can(Permission.LEAD_CLAIM)
        and lead.owner_queue_id in actor.queue_ids
        and lead.converted_at is None,
        may_release=actor.can(Permission.LEAD_RELEASE)
        and lead.owner_user_id == actor.user_id
        and lead.converted_at is None,
        may_delete=actor.can(Permission.LEAD_DELETE) and may_edit,
        may_hand_over=may_hand_over(actor, lead, may_edit=may_edit),
    )


def may_change(actor: Actor, detail: LeadDetail) -> bool:
    """Whether the reader may change the lead's fields."""
    return detail.given >= Level.EDIT and actor.can(Permission.LEAD_EDIT) and detail.lead.converted_at is None


def _matters(path: Path, sections: Sequence[tuple[str, Any, Sequence[Entry]]]) -> list[Entry]:
    entries = {entry.field.name: entry for _name, _title, some in sections for entry in some}
    return [entries[name] for name in path.matters if name in entries]


def _may_assign(actor: Actor, detail: LeadDetail) -> bool:
    lead = detail.lead
    if lead.converted_at is not None:
        return False
    if actor.is_partner:
        return actor.can(Permission.LEAD_TRANSFER) and lead.owner_user_id is not None
    if actor.can(Permission.LEAD_ASSIGN_ANY):
        return detail.given >= Level.EDIT
    return actor.can(Permission.LEAD_ASSIGN) and detail.given >= Level.FULL


def _sections(
    session: Session, actor: Actor, detail: LeadDetail, qualified_by: Mapping[str, tuple[str, datetime]]
) -> list[tuple[str, Any, Sequence[Entry]]]:
    values = {
        "status": status_name(detail.status.name),
        "source": detail.source,
        "unqualified_reason": reason_name(detail.reason.name) if detail.reason is not None else None,
    }
    if "consent_basis" not in actor.hidden_fields:
        values["consent_basis"] = basis_name(detail.lead.consent_basis) or None
    sections: list[tuple[str, Any, Sequence[Entry]]] = []
    for name, title in ALL_SECTIONS.items():
        entries = [
            Entry(
                f,
                values[f.name] if f.name in values else getattr(detail.lead, f.attribute),
                qualified_by.get(f.name),
                may_write(actor, f),
            )
            for f in FIELDS.values()
            if f.section == name and f.name not in _SHOWN_IN_HEAD and f.name not in actor.hidden_fields
        ]
        if name == "custom":
            own = show(session, detail.added, detail.custom)
            entries = [
                Entry(shown.field, shown.url or shown.text, may_edit=may_write(actor, shown.field))
                for shown in own
            ]
        if entries:
            sections.append((name, title, entries))
    return sections


def may_write(actor: Actor, field: Field | Definition) -> bool:
    """Whether the reader may write such a field where they may change the lead."""
    if field.name not in FIELDS:
        return refusal_of(actor, field) is None  # type: ignore[arg-type]  # one that an administrator added
    return field.name in WRITTEN and (actor.is_internal or bool(field.by_partner))


def _history(session: Session, actor: Actor, lead: Lead) -> list[Stop]:
    """Where the lead has been, newest first; reasons for those who may trace."""
    rows = list_assignments(session, actor, lead)
    traces: Sequence[Sequence[str]] = [()] * len(rows)
    if actor.can(Permission.LEAD_TRACE):
        traces = explain_traces(session, actor, [row.trace for row in rows])
    return [Stop(row.at, _stop_words(actor, row), why) for row, why in zip(rows, traces, strict=True)]


# Causes that say what whoever had it before did.
_TELLING_OF_OTHERS = (
    AssignmentCause.DECLINE,
    AssignmentCause.EXPIRY,
    AssignmentCause.OFFBOARDING,
    AssignmentCause.RECYCLE,
)


def _stop_words(actor: Actor, row: AssignmentRow) -> str:
    """How the lead came to whom it went to, in a sentence.  Partners read of nobody outside their company."""
    to, who = row.after.name, row.actor_name
    if actor.is_partner and row.before is None and row.cause in _TELLING_OF_OTHERS:
        return _("It was given to %(owner)s.", owner=to)
    match row.cause:
        case AssignmentCause.CLAIM:
            if row.before is not None:
                return _("%(owner)s claimed it from %(queue)s.", owner=to, queue=row.before.name)
            return _("%(owner)s claimed it.", owner=to)
        case AssignmentCause.RULE:
            return _("The assignment rules sent it to %(owner)s.", owner=to)
        case AssignmentCause.ROUND_ROBIN:
            return _("A round robin gave its turn to %(owner)s.", owner=to)
        case AssignmentCause.DEFAULT_QUEUE:
            return _("Nothing routed it, so it waits in %(owner)s.", owner=to)
        case AssignmentCause.DECLINE:
            return _("It was declined and went on to %(owner)s.", owner=to)
        case AssignmentCause.EXPIRY:
            return _("The offer was not answered in time, and it went on to %(owner)s.", owner=to)
        case AssignmentCause.RECYCLE:
            return _("Nothing was done on it in time, and it went back to %(owner)s.", owner=to)
        case AssignmentCause.OFFBOARDING:
            return _("Its owner left, and it went to %(owner)s.", owner=to)
        case AssignmentCause.RELEASE if who:
            return _("%(who)s gave it back, and it went to %(owner)s.", who=who, owner=to)
        case AssignmentCause.TRANSFER if who:
            return _("%(who)s handed it to %(owner)s.", who=who, owner=to)
        case _ if who == to:
            return _("%(who)s took it.", who=who)
        case _ if who:
            return _("%(who)s gave it to %(owner)s.", who=who, owner=to)
    return _("It was given to %(owner)s.", owner=to)
