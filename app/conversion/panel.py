"""What the page of a lead shows of its conversion.

conversion=panel_of(session, actor, lead, given=level, now=now)    # in the view, of a lead that the actor reads
{% include "conversion/_panel.html" %}                # in the page
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.conversion.operations import is_seen, read_conversion
from app.conversion.undoing import is_undoable
from app.kernel.actor import Actor, Level, Permission
from app.leads.models import Lead
from app.opportunities.models import Opportunity

_PERMISSIONS = {
    "account": Permission.ACCOUNT_VIEW,
    "contact": Permission.CONTACT_VIEW,
    "opportunity": Permission.OPPORTUNITY_VIEW,
}


@dataclass(frozen=True, slots=True)
class Became:
    """A result that the reader sees.  url: "" where its page is not theirs to open."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Panel:
    """results: none while it is not converted.  convert_url: "" for who may not; can_undo: whether it still can be."""

    results: Sequence[Became]
    convert_url: str
    can_undo: bool


def panel_of(session: Session, actor: Actor, lead: Lead, *, given: Level, now: datetime) -> Panel:
    """The panel of a lead that the actor reads.  given: how much of it they have."""
    may = actor.can(Permission.LEAD_CONVERT) and given >= Level.EDIT
    if lead.converted_at is None:
        url = url_for("conversion.ask", lead_ref=lead.ref) if may and lead.offer_id is None else ""
        return Panel((), url, False)
    known = read_conversion(session, lead)
    if known is None:
        return Panel((), "", False)
    rows = [row for row in (known.account, known.contact, known.opportunity) if row is not None]
    results = [_became(actor, row) for row in rows if is_seen(session, actor, row)]
    return Panel(results, "", may and is_undoable(session, actor, known, now=now))


def _became(actor: Actor, row: Account | Contact | Opportunity) -> Became:
    kind = row.__tablename__
    name = row.full_name if isinstance(row, Contact) else row.name
    room = "opportunities" if kind == "opportunity" else f"{kind}s"
    named: dict[str, Any] = {f"{kind}_ref": row.ref}
    return Became(kind, name, url_for(f"{room}.show", **named) if actor.can(_PERMISSIONS[kind]) else "")
