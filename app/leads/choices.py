"""The lists that filters and forms of leads offer, each read in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, Text, cast, literal_column, or_, select, union_all
from sqlalchemy.orm import Session

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.identity.models import User
from app.intake.models import Import
from app.kernel.actor import Actor, Permission
from app.kernel.errors import Invalid
from app.leads.models import LeadSource, LeadStatus, StatusCategory, UnqualifiedReason
from app.routing.models import Queue
from app.sharing.scope import scope

Pairs = Sequence[tuple[str, str]]

# Statuses that come with Canal read in everyone's language until an administrator renames them.
_FIRST_NAMES = {
    "New": _l("New"),
    "Working": _l("Working"),
    "Qualified": _l("Qualified"),
    "Unqualified": _l("Unqualified"),
    "Converted": _l("Converted"),
}


_FIRST_REASONS = {
    "No interest": _l("No interest"),
    "No budget": _l("No budget"),
    "Could not be reached": _l("Could not be reached"),
    "Bought elsewhere": _l("Bought elsewhere"),
    "Not a real enquiry": _l("Not a real enquiry"),
    "Another reason": _l("Another reason"),
}

_FIRST_DECLINES = {
    "The data is not valid": _l("The data is not valid"),
    "We have this lead already": _l("We have this lead already"),
    "No capacity": _l("No capacity"),
    "Not our market": _l("Not our market"),
    "Other": _l("Other"),
}


@dataclass(frozen=True, slots=True)
class Status:
    """A status as pages show it.  category: new, working, qualified or unqualified."""

    key: str
    name: str
    category: str


@dataclass(frozen=True, slots=True)
class LeadLists:
    """Active statuses, sources and reasons not to qualify in the administrator's order.

    sources: (public name, name).  reasons: (key, name).  campaigns: names of those that are not archived.
    """

    statuses: Sequence[Status]
    sources: Pairs
    reasons: Pairs = ()
    campaigns: Sequence[str] = ()

    def status_name(self, key: str) -> str:
        return next((status.name for status in self.statuses if status.key == key), key)


def load_lists(session: Session) -> LeadLists:
    """Statuses and sources, in one statement."""
    statuses: Select[*tuple[Any, ...]] = select(
        literal_column("'status'").label("what"),
        LeadStatus.key.label("value"),
        LeadStatus.name,
        cast(LeadStatus.category, Text).label("category"),
        LeadStatus.position.label("position"),
    ).where(LeadStatus.is_active)
    sources: Select[*tuple[Any, ...]] = select(
        literal_column("'source'"),
        LeadSource.ref,
        LeadSource.name,
        literal_column("''"),
        LeadSource.position,
    ).where(LeadSource.is_active)
    reasons: Select[*tuple[Any, ...]] = select(
        literal_column("'reason'"),
        UnqualifiedReason.key,
        UnqualifiedReason.name,
        literal_column("''"),
        UnqualifiedReason.position,
    ).where(UnqualifiedReason.is_active)
    campaigns: Select[*tuple[Any, ...]] = select(
        literal_column("'campaign'"), Campaign.ref, Campaign.name, literal_column("''"), literal_column("0")
    ).where(Campaign.archived_at.is_(None))
    both = union_all(statuses, sources, reasons, campaigns).subquery()
    rows = session.execute(select(both).order_by(both.c.position, both.c.name)).all()
    return LeadLists(
        [Status(r.value, status_name(r.name), r.category) for r in rows if r.what == "status"],
        [(r.value, r.name) for r in rows if r.what == "source"],
        [(r.value, reason_name(r.name)) for r in rows if r.what == "reason"],
        [r.name for r in rows if r.what == "campaign"],
    )


def status_name(name: str) -> str:
    """What a status is called: translated while it still has the name it came with."""
    known = _FIRST_NAMES.get(name)
    return name if known is None else str(known)


def called(status: LeadStatus) -> str:
    """What a status is called, with a word where it is out of use."""
    name = status_name(status.name)
    # Conversion alone gives its status, so that nobody may choose it; it is in use all the same.
    is_used = status.is_active or status.category is StatusCategory.CONVERTED
    return name if is_used else _("%(name)s (retired)", name=name)


def reason_name(name: str) -> str:
    """What a reason not to qualify is called: translated while it still has the name it came with."""
    known = _FIRST_REASONS.get(name)
    return name if known is None else str(known)


def decline_name(name: str) -> str:
    """What a reason to decline is called: translated while it still has the name it came with."""
    known = _FIRST_DECLINES.get(name)
    return name if known is None else str(known)


def find_status_id(session: Session, key: str) -> int:
    """The key of the active status of that name in the API.  Raises Invalid."""
    found = session.scalar(select(LeadStatus.id).where(LeadStatus.key == key, LeadStatus.is_active))
    if found is None:
        raise Invalid({"status": [_l("There is no such status.")]})
    return found


def find_reason_id(session: Session, key: str) -> int:
    """The key of the active reason not to qualify of that name in the API.  Raises Invalid."""
    found = session.scalar(
        select(UnqualifiedReason.id).where(UnqualifiedReason.key == key, UnqualifiedReason.is_active)
    )
    if found is None:
        raise Invalid({"unqualified_reason": [_l("Choose one of the reasons.")]})
    return found


def first_names() -> Mapping[str, str]:
    """The names that statuses came with → what the reader calls them."""
    return {name: str(words) for name, words in _FIRST_NAMES.items()}


def knows_queue(actor: Actor) -> ColumnElement[bool]:
    """That the actor may know the queue by name: partner people their own; others not that of a partner they do not see."""
    if actor.is_partner:
        return Queue.id.in_(actor.queue_ids)
    seen = select(Account.id).where(scope(Account, actor))
    return or_(Queue.partner_account_id.is_(None), Queue.partner_account_id.in_(seen))


def names_of(session: Session, actor: Actor, refs: Sequence[str]) -> Mapping[str, str]:
    """Public name → name of the users, queues, partners and imports among `refs` that the actor may know.

    One statement; none where there is nothing to look up.
    """
    if not refs:
        return {}
    parts: list[Select[str, str]] = []
    if any(ref.startswith("user_") for ref in refs):
        colleague = User.partner_account_id == actor.company_id if actor.is_partner else User.id.is_not(None)
        parts.append(select(User.ref, User.name).where(User.ref.in_(refs), colleague))
    if any(ref.startswith("queue_") for ref in refs):
        parts.append(select(Queue.ref, Queue.name).where(Queue.ref.in_(refs), knows_queue(actor)))
    if any(ref.startswith("acct_") for ref in refs):
        parts.append(select(Account.ref, Account.name).where(scope(Account, actor), Account.ref.in_(refs)))
    if any(ref.startswith("imp_") for ref in refs) and actor.can(Permission.LEAD_IMPORT):
        parts.append(select(Import.ref, Import.filename).where(Import.ref.in_(refs)))
    if not parts:
        return {}
    statement = parts[0] if len(parts) == 1 else select(union_all(*parts).subquery())
    return {row[0]: row[1] for row in session.execute(statement)}
