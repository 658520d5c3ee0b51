"""What a lead's page tells of other records and people: probable duplicates, who filled in the qualification."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, Select, literal_column, select, union_all
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.accounts.sight import is_told
from app.identity.models import User
from app.kernel.actor import Actor, Level, Permission
from app.leads.duplicates import find_others
from app.leads.models import Lead
from app.leads.seen import seen_reasons
from app.sharing.scope import scope

# The key of no record.
_NOTHING = 0


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A record that may be the same person or company.  kind: lead, account or contact."""

    kind: str
    ref: str
    name: str
    reasons: Sequence[str]


def find_lookalikes(session: Session, actor: Actor, lead: Lead) -> list[Lookalike]:
    """The lead's probable duplicates as far as the actor may read them, for reasons that they may know.  See `read_alike`.

    For people inside leads that are alike now, too: what came later is flagged there, not on the older one.
    """
    found = list(lead.duplicates or [])
    if actor.is_internal:
        known = {(entry["type"], entry["id"]) for entry in found}
        found += [entry for entry in find_others(session, lead) if ("lead", entry["id"]) not in known]
    names = read_alike(session, actor, found)
    words = _reasons()
    return [
        Lookalike(row.kind, row.ref, row.name or row.other or row.ref, [words.get(r, r) for r in reasons])
        for entry in found
        if (row := names.get((entry["type"], entry["id"]))) is not None
        and (reasons := seen_reasons(actor, entry["reasons"]))
    ]


def read_alike(
    session: Session, actor: Actor, entries: Iterable[Mapping[str, Any]]
) -> Mapping[tuple[str, int], Row[Any]]:
    """(kind, key) → kind, id, ref, name and other of those among `Lead.duplicates` that the actor may read.

    One statement, or none.  For partner people always the same one: how long it takes is not to tell them that there
    is something alike which they may not see.
    """
    keys: dict[str, set[int]] = {kind: set() for kind in _NAMES}
    for entry in entries:
        keys.get(entry["type"], set()).add(entry["id"])
    parts = [
        _named(actor, kind, sorted(ids) or [_NOTHING])
        for kind, ids in keys.items()
        if actor.can(_PERMISSIONS[kind]) and (ids or actor.is_partner)
    ]
    if not parts:
        return {}
    statement = parts[0] if len(parts) == 1 else select(union_all(*parts).subquery())
    return {(row.kind, row.id): row for row in session.execute(statement)}


_NAMES: dict[str, tuple[Any, Any, Any]] = {
    "lead": (Lead, Lead.company, Lead.last_name),
    "account": (Account, Account.name, Account.billing_city),
    "contact": (Contact, Contact.last_name, Contact.first_name),
}
_PERMISSIONS = {
    "lead": Permission.LEAD_VIEW,
    "account": Permission.ACCOUNT_VIEW,
    "contact": Permission.CONTACT_VIEW,
}


def _named(actor: Actor, kind: str, ids: Sequence[int]) -> Select[Any]:
    model, *named = _NAMES[kind]

    def is_hidden(field: str) -> bool:
        return field in actor.hidden_fields if kind == "lead" else not is_told(actor, kind, field)

    name, other = (literal_column("NULL") if is_hidden(column.key) else column for column in named)
    return select(
        literal_column(f"'{kind}'").label("kind"),
        model.id,
        model.ref,
        name.label("name"),
        other.label("other"),
    ).where(scope(model, actor, Level.READ), model.id.in_(ids))


def _reasons() -> dict[str, str]:
    return {
        "email": _("same e-mail"),
        "phone": _("same phone"),
        "company": _("same company"),
        "name": _("same last name"),
    }


def who_qualified(session: Session, actor: Actor, lead: Lead) -> Mapping[str, tuple[str, datetime]]:
    """Field of qualification → (who last changed it, when).  One statement, or none.

    Partner people read of their colleagues only: who else worked on it, and when, is the vendor's.
    """
    noted = lead.qualified_by or {}
    if not noted:
        return {}
    colleague = User.partner_account_id == actor.company_id if actor.is_partner else User.id.is_not(None)
    people = {entry.get("by") for entry in noted.values()} - {None}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(people), colleague))
    names = {row.id: row.name for row in rows}
    return {
        field: (names.get(entry.get("by"), ""), datetime.fromisoformat(entry["at"]))
        for field, entry in noted.items()
        if actor.is_internal or entry.get("by") in names
    }
