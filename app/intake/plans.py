"""What an import's rows are read by: its mapping and options, and whom it acts for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.fields.catalogue import catalogue
from app.fields.kinds import Kind
from app.identity.queries import find_actor, get_organisation
from app.intake.lead_rows import Plan
from app.intake.manner import permission_of
from app.intake.models import Import
from app.intake.statuses import called
from app.intake.tables import Table
from app.kernel.actor import Actor
from app.kernel.db import db
from app.kernel.parse import tells_day_first
from app.leads.fields import FIELDS, FieldKind
from app.leads.models import UnqualifiedReason
from app.leads.values import Choices, load_choices, reading_for

LOOKED_AT = 1000
# Imports given to the command have nobody who started them: whoever may run commands may do everything.
COMMAND = Actor.system("import", door="import")


def acting_for(session: Session, import_: Import) -> Actor | None:
    """Whom the import acts for, read now; None when they may not import any more."""
    if import_.created_by_id is None:
        return COMMAND
    actor = find_actor(session, import_.created_by_id, door="import")
    return actor if actor is not None and actor.can(permission_of(import_.object)) else None


def load_plan(session: Session, import_: Import, table: Table, mapping: Mapping[str, str | None]) -> Plan:
    """How this import's rows become leads.  mapping: of the columns that count."""
    organisation = get_organisation(session)
    options = import_.options
    reading = reading_for(
        session,
        acting_for(session, import_) or COMMAND,
        zone=ZoneInfo(options.get("time_zone") or organisation.time_zone),
        day_first=options.get("day_first", True),
        choices=_choices(session),
    )
    return Plan.of(
        [header for header in table.headers if header in mapping],
        mapping,
        reading,
        source=options.get("source"),
        strict=organisation.strict_capture,
    )


def _choices(session: Session) -> Choices:
    """As forms take them, and reasons as exports call them: by what they are called in a language."""
    choices = load_choices(session)
    active = select(UnqualifiedReason).where(UnqualifiedReason.is_active)
    names = called({reason.id: reason.name for reason in session.scalars(active)})
    reasons = {text: key for key, texts in names.items() for text in texts} | dict(choices.reasons)
    return replace(choices, reasons=reasons)


def find_day_first(table: Table, mapping: dict[str, Any], kind: str = "lead") -> bool:
    """Whether the dates of the file put the day first, judged by those that cannot be read otherwise."""
    days = {name for name, field in catalogue(db.session()).active(kind).items() if field.kind is Kind.DATE}
    moments = [
        header
        for header, name in mapping.items()
        if name is not None and (name in days or (name in FIELDS and FIELDS[name].kind is FieldKind.DATETIME))
    ]
    if not moments:
        return True
    votes = Counter(
        tells_day_first(row.cells[header]) for row in islice(table.rows(), LOOKED_AT) for header in moments
    )
    return votes[False] <= votes[True]
