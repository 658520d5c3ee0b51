"""What the page of one lead shows beside its fields: acts, stages, owner's history, probable duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.fields.catalogue import Definition
from app.fields.shown import show
from app.kernel.actor import Actor, Level, Permission
from app.leads.choices import LeadLists, Status, load_lists, reason_name, status_name
from app.leads.fields import ALL_SECTIONS, FIELDS, Field
from app.leads.lookalikes import Lookalike, find_lookalikes, who_qualified
from app.leads.models import AssignmentCause, Lead, StatusCategory
from app.leads.queries import AssignmentRow, LeadDetail, list_assignments
from app.leads.seen import seen_version
from app.routing.trace_queries import explain_traces

_STAGES = (StatusCategory.NEW, StatusCategory.WORKING, StatusCategory.QUALIFIED)
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


@dataclass(frozen=True, slots=True)
class LeadPage:
    """All of it.  stages: statuses on the way to qualified; next: the one that comes after the present.

    version: what an act on it begins from.

    may_…: what this person may do with this lead now; the operations decide again.
    """

    detail: LeadDetail
    version: str
    status: Status
    stages: Sequence[Status]
    other_statuses: Sequence[Status]
    next: Status | None
    sections: Sequence[tuple[str, Any, Sequence[Entry]]]
    history: Sequence[Stop]
    lookalikes: Sequence[Lookalike]
    may_edit: bool
    may_assign: bool
    may_claim: bool
    may_release: bool
    may_delete: bool

    @property
    def lead(self) -> Lead:
        return self.detail.lead


def read_lead_page(session: Session, actor: Actor, detail: LeadDetail) -> LeadPage:
    """At most five statements, whatever the lead has been through."""
    lead, lists = detail.lead, load_lists(session)
    present = Status(detail.status.key, status_name(detail.status.name), detail.status.category)
    may_edit = detail.given >= Level.EDIT and actor.can(Permission.LEAD_EDIT) and lead.converted_at is None
    stages = _stages(lists, present)
    return LeadPage(
        detail=detail,
        version=seen_version(actor, lead, detail.custom),
        status=present,
        stages=stages,
        other_statuses=[s for s in lists.statuses if s.key != present.key],
        next=_next(stages, present) if may_edit else None,
        sections=_sections(session, actor, detail, who_qualified(session, actor, lead)),
        history=_history(session, actor, lead),
        lookalikes=find_lookalikes(session, actor, lead),
        may_edit=may_edit,
        may_assign=_may_assign(actor, detail),
        may_claim=actor.can(Permission.LEAD_CLAIM) and lead.owner_queue_id in actor.queue_ids,
        may_release=actor.can(Permission.LEAD_RELEASE)
        and lead.owner_user_id == actor.user_id
        and lead.converted_at is None,
        may_delete=actor.can(Permission.LEAD_DELETE) and may_edit,
    )


def _stages(lists: LeadLists, present: Status) -> list[Status]:
    """The way from new to qualified, with where the lead stands now even if that is out of use."""
    known = (
        [*lists.statuses] if any(s.key == present.key for s in lists.statuses) else [*lists.statuses, present]
    )
    return [s for category in _STAGES for s in known if s.category == category]


def _next(stages: Sequence[Status], present: Status) -> Status | None:
    keys = [s.key for s in stages]
    if present.key not in keys:
        return None
    return next(iter(stages[keys.index(present.key) + 1 :]), None)


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
    sections: list[tuple[str, Any, Sequence[Entry]]] = []
    for name, title in ALL_SECTIONS.items():
        entries = [
            Entry(
                f,
                values[f.name] if f.name in values else getattr(detail.lead, f.attribute),
                qualified_by.get(f.name),
            )
            for f in FIELDS.values()
            if f.section == name and f.name not in _SHOWN_IN_HEAD and f.name not in actor.hidden_fields
        ]
        if name == "custom":
            own = show(session, detail.added, detail.custom)
            entries = [Entry(shown.field, shown.url or shown.text) for shown in own]
        if entries:
            sections.append((name, title, entries))
    return sections


def _history(session: Session, actor: Actor, lead: Lead) -> list[Stop]:
    """Where the lead has been, newest first; reasons for those who may trace."""
    rows = list_assignments(session, actor, lead)
    traces: Sequence[Sequence[str]] = [()] * len(rows)
    if actor.can(Permission.LEAD_TRACE):
        traces = explain_traces(session, actor, [row.trace for row in rows])
    return [Stop(row.at, _stop_words(actor, row), why) for row, why in zip(rows, traces, strict=True)]


# Causes that say what whoever had it before did.
_TELLING_OF_OTHERS = (AssignmentCause.DECLINE, AssignmentCause.EXPIRY, AssignmentCause.OFFBOARDING)


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
