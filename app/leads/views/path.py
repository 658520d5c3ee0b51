"""The path on top of a lead: where it stands, where it can go, what this step asks for and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.fields.catalogue import Definition, catalogue
from app.fields.kinds import is_custom
from app.kernel.actor import Actor
from app.leads.choices import Status, reason_name, status_name
from app.leads.fields import FIELDS, Field
from app.leads.models import LeadStatus, StatusCategory
from app.leads.process import in_own_language, lead_process, may_move, missing_to_qualify
from app.leads.queries import LeadDetail
from app.web.path import Stop

STAGES = (StatusCategory.NEW, StatusCategory.WORKING, StatusCategory.QUALIFIED)


@dataclass(frozen=True, slots=True)
class Path:
    """All of it, for one reader.

    number: of the present step, from 1; 0 where the lead has left the way.  reason: why it is unqualified.
    matters: names of fields that matter at this step; missing: (name, label) of what it needs to be qualified.
    definition: what *qualified* means here, at the step before it.
    next: the status after this one that it may go to; others: all that it may go to, closing ones last.
    """

    stops: Sequence[Stop]
    number: int
    present: Status
    reason: str
    guidance: str
    matters: Sequence[str]
    missing: Sequence[tuple[str, str]]
    definition: str
    is_whole: bool
    is_qualified: bool
    next: Status | None
    others: Sequence[Status] = field(default_factory=tuple)


def read_path(
    session: Session, actor: Actor, detail: LeadDetail, statuses: Sequence[LeadStatus], *, may_edit: bool
) -> Path:
    """statuses: the active ones in their order.  Reads nothing but settings that are at hand."""
    present = detail.status
    known = list(statuses) if present in statuses else [*statuses, present]
    way = [status for category in STAGES for status in known if status.category == category]
    at = way.index(present) if present in way else -1
    behind = len(way) if detail.lead.converted_at is not None else at
    onward = [s for s in statuses if may_edit and s is not present and _leads_to(present, s)]
    process = lead_process(session)
    is_early = present.category in (StatusCategory.NEW, StatusCategory.WORKING)
    is_qualified = present.category is StatusCategory.QUALIFIED
    missing = _missing(session, actor, detail, process.required) if is_early or is_qualified else []
    ahead = [s for s in way[at + 1 :] if s in onward] if at >= 0 else []
    return Path(
        stops=[_stop(s, place, behind, onward) for place, s in enumerate(way)],
        number=at + 1,
        present=_status(present),
        reason=reason_name(detail.reason.name) if detail.reason is not None else "",
        guidance=in_own_language(present.guidance),
        matters=[name for name in present.matters if _is_shown(session, actor, name)],
        missing=missing,
        definition=in_own_language(process.definition) if is_early else "",
        is_whole=not missing and (is_qualified or (is_early and bool(process.required))),
        is_qualified=is_qualified,
        next=_status(ahead[0]) if ahead else None,
        others=[_status(s) for s in sorted(onward, key=lambda s: s.category is StatusCategory.UNQUALIFIED)],
    )


def _leads_to(present: LeadStatus, other: LeadStatus) -> bool:
    return other.category is not StatusCategory.CONVERTED and may_move(present.moves, present.key, other.key)


def _status(status: LeadStatus) -> Status:
    return Status(status.key, status_name(status.name), status.category)


def _stop(status: LeadStatus, place: int, at: int, onward: Sequence[LeadStatus]) -> Stop:
    state = "current" if place == at else "done" if place < at else "ahead"
    name = status_name(status.name)
    return Stop(status.key, name, state, _("Mark as %(status)s", status=name) if status in onward else "")


def _missing(
    session: Session, actor: Actor, detail: LeadDetail, required: Sequence[str]
) -> list[tuple[str, str]]:
    """What is missing to qualify it, of the fields that the reader sees."""
    seen = [name for name in required if _is_shown(session, actor, name)]
    names = missing_to_qualify(seen, detail.value, detail.custom, detail.added)
    fields = known_fields(session)
    return [(name, str(fields[name].label)) for name in names]


def _is_shown(session: Session, actor: Actor, name: str) -> bool:
    if is_custom(name):
        return name in catalogue(session).seen(actor, "lead")
    return name in FIELDS and name not in actor.hidden_fields


def known_fields(session: Session) -> Mapping[str, Field | Definition | Any]:
    """Standard fields and those that administrators added."""
    return {**FIELDS, **catalogue(session).active("lead")}
