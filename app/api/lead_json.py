"""Leads as the API shows them: whole, or as a preview that simply lacks what may not be seen."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.api.answers import moment, owner_json, version_of
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.clock import now
from app.leads.models import Lead, LeadSource, LeadStatus
from app.leads.queries import find_rows
from app.leads.rows import LeadRow
from app.sharing.scope import scope

PLAIN = (
    "last_name",
    "first_name",
    "title",
    "company",
    "email",
    "phone",
    "mobile",
    "website",
    "rating",
    "industry",
    "employees",
    "annual_revenue",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "product_interest",
    "description",
    "budget",
    "authority",
    "need",
    "timeframe",
    "interest_confirmed",
    "consent",
    "consent_basis",
    "opted_out_email",
    "opted_out_phone",
    "score",
    "external_id",
)
_DUPLICATES: dict[str, Any] = {"lead": Lead, "contact": Contact, "account": Account}


def leads_json(session: Session, actor: Actor, rows: Sequence[LeadRow]) -> list[dict[str, Any]]:
    """The rows of a list, in their order, in a constant number of statements."""
    keys = [row.id for row in rows if not row.is_preview]
    found = (
        session.execute(
            select(Lead, LeadStatus.key, LeadSource.name)
            .join(LeadStatus, LeadStatus.id == Lead.status_id)
            .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
            .where(scope(Lead, actor, Level.READ), Lead.id.in_(keys))
            .execution_options(populate_existing=True)
        ).all()
        if keys
        else []
    )
    whole = {lead.id: (lead, status, source) for lead, status, source in found}
    people = _people(session, actor, [lead for lead, _, _ in found])
    alike = _duplicates(session, actor, [lead for lead, _, _ in found])
    return [
        _preview(actor, row)
        if row.is_preview
        else _whole(actor, row, *whole[row.id], people=people, duplicates=alike.get(row.id, []))
        for row in rows
        if row.is_preview or row.id in whole
    ]


def lead_json(session: Session, actor: Actor, ref: str) -> dict[str, Any]:
    """One lead as the actor may see it.  Raises NotFound."""
    return leads_json(session, actor, find_rows(session, actor, [ref]))[0]


def _offer(row: LeadRow) -> dict[str, Any] | None:
    return (
        {"to": owner_json(row.owner), "expires_at": moment(row.offer_expires_at)} if row.is_offered else None
    )


def _preview(actor: Actor, row: LeadRow) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": row.ref,
        "visibility": "preview",
        "owner": owner_json(row.owner),
        "offer": _offer(row),
        "arrived_at": moment(row.arrived_at),
    }
    for name in actor.preview_fields:
        if name == "employees":
            body[name] = row.employee_band
        elif name == "age_days":
            body[name] = (now() - row.arrived_at).days
        else:
            body[name] = getattr(row, name)
    return body


def _whole(
    actor: Actor,
    row: LeadRow,
    lead: Lead,
    status: str,
    source: str | None,
    *,
    people: dict[int, dict[str, Any]],
    duplicates: list[dict[str, Any]],
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": row.ref,
        "visibility": "full",
        "created_at": moment(lead.created_at),
        "updated_at": moment(lead.updated_at),
        "created_by": people.get(lead.created_by_id or 0),
        "updated_by": people.get(lead.updated_by_id or 0),
        "arrived_at": moment(lead.arrived_at),
        **{name: getattr(lead, name) for name in PLAIN},
        "status": status,
        "source": source,
        "campaign_id": None,
        "owner": owner_json(row.owner),
        "offer": _offer(row),
        "custom": {},
        "duplicates": duplicates,
    }
    if actor.is_internal:
        body["campaign"] = lead.campaign_name
        body["imported"] = lead.imported
    body["version"] = version_of(actor, body, lead.version)
    return body


def _people(session: Session, actor: Actor, leads: Sequence[Lead]) -> dict[int, dict[str, Any]]:
    """Who created and changed the leads; partner people learn the names of their own company only."""
    keys = {key for lead in leads for key in (lead.created_by_id, lead.updated_by_id) if key is not None}
    if not keys:
        return {}
    statement = select(User.id, User.ref, User.name).where(User.id.in_(keys))
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    return {key: {"type": "user", "id": ref, "name": name} for key, ref, name in session.execute(statement)}


def _duplicates(session: Session, actor: Actor, leads: Sequence[Lead]) -> dict[int, list[dict[str, Any]]]:
    """Probable duplicates, those the actor may read."""
    wanted: dict[str, set[int]] = {}
    for lead in leads:
        for entry in lead.duplicates:
            wanted.setdefault(entry["type"], set()).add(entry["id"])
    names: dict[tuple[str, int], str] = {}
    for kind, keys in wanted.items():
        model = _DUPLICATES[kind]
        statement = select(model.id, model.ref).where(scope(model, actor, Level.READ), model.id.in_(keys))
        names.update({(kind, key): ref for key, ref in session.execute(statement)})
    return {
        lead.id: [
            {"type": e["type"], "id": names[e["type"], e["id"]], "reasons": e["reasons"]}
            for e in lead.duplicates
            if (e["type"], e["id"]) in names
        ]
        for lead in leads
    }
