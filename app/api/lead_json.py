"""Leads as the API shows them, whole or as a preview; either simply lacks what may not be seen."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from app.api.answers import moment, owner_json, version_of
from app.campaigns.models import Campaign
from app.fields.catalogue import Definition, catalogue
from app.fields.kinds import is_custom
from app.identity.models import User
from app.kernel.actor import Actor, Level
from app.kernel.clock import now
from app.kernel.errors import NotFound
from app.leads.fields import FIELDS
from app.leads.lookalikes import read_alike
from app.leads.models import Lead, LeadSource, LeadStatus, UnqualifiedReason
from app.leads.queries import custom_columns, find_rows, read_custom
from app.leads.rows import LeadRow
from app.leads.seen import seen_names, seen_reasons
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
    "status",
    "source",
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
    "unqualified_reason",
    "consent",
    "consent_basis",
    "opted_out_email",
    "opted_out_phone",
    "score",
    "external_id",
    "campaign",
)
# Said of a lead beside its fields, and not part of the version of partner people: a field that they never see
# may have been changed; a score changes by itself as days pass.
_STAMPS = ("updated_at", "updated_by", "score")


def leads_json(session: Session, actor: Actor, rows: Sequence[LeadRow]) -> list[dict[str, Any]]:
    """The rows of a list, in their order, in a constant number of statements."""
    keys = [row.id for row in rows if not row.is_preview]
    found = _read_whole(session, actor, keys) if keys else []
    whole = {lead.id: lead for lead in found}
    people = _people(session, actor, found)
    alike = _duplicates(session, actor, found)
    added = catalogue(session).seen(actor, "lead")
    return [
        _preview(actor, row, added)
        if row.is_preview
        else _whole(actor, row, whole[row.id], added, people=people, duplicates=alike.get(row.id, []))
        for row in rows
        if row.is_preview or row.id in whole
    ]


def _read_whole(session: Session, actor: Actor, keys: Sequence[int]) -> Sequence[Any]:
    """What whole leads are made of, with the fields that the actor sees and no others; those by their names."""
    named: dict[str, Any] = {
        "status": LeadStatus.key,
        "source": LeadSource.name,
        "unqualified_reason": UnqualifiedReason.key,
    }
    fields = [
        named.get(name, getattr(Lead, FIELDS[name].attribute)).label(f"field_{name}")
        for name in seen_names(actor)
    ]
    # Campaigns are the vendor's own; of a lead's, partners see the name at most.
    shows_campaign = actor.is_internal and "campaign" not in actor.hidden_fields
    statement = (
        select(
            Lead.id,
            Lead.version,
            Lead.created_at,
            Lead.updated_at,
            Lead.created_by_id,
            Lead.updated_by_id,
            Lead.duplicates,
            Lead.imported if actor.is_internal else null().label("imported"),
            (Campaign.ref if shows_campaign else null()).label("campaign_ref"),
            Lead.marketing_qualified_at if actor.is_internal else null().label("marketing_qualified_at"),
            *fields,
            *custom_columns(actor, catalogue(session).seen(actor, "lead")),
        )
        .join(LeadStatus, LeadStatus.id == Lead.status_id)
        .outerjoin(LeadSource, LeadSource.id == Lead.source_id)
        .outerjoin(UnqualifiedReason, UnqualifiedReason.id == Lead.unqualified_reason_id)
        .where(scope(Lead, actor, Level.READ), Lead.id.in_(keys))
    )
    if shows_campaign:
        statement = statement.outerjoin(Campaign, Campaign.id == Lead.campaign_id)
    return session.execute(statement).all()


def lead_json(session: Session, actor: Actor, ref: str) -> dict[str, Any]:
    """One lead as the actor may see it.  Raises NotFound."""
    return leads_json(session, actor, find_rows(session, actor, [ref]))[0]


def lead_or_id(session: Session, actor: Actor, lead_id: str) -> dict[str, Any]:
    """The lead, or its id alone where the actor does not see it, or does not any more."""
    session.flush()  # what is seen follows from what was just written
    try:
        return lead_json(session, actor, lead_id)
    except NotFound:
        return {"id": lead_id}


def _offer(row: LeadRow) -> dict[str, Any] | None:
    return (
        {"to": owner_json(row.owner), "expires_at": moment(row.offer_expires_at)} if row.is_offered else None
    )


def _preview(actor: Actor, row: LeadRow, added: Mapping[str, Definition]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": row.ref,
        "visibility": "preview",
        "owner": owner_json(row.owner),
        "offer": _offer(row),
        "arrived_at": moment(row.arrived_at),
    }
    for name in actor.preview_fields:
        if is_custom(name):
            if name in added:
                body.setdefault("custom", {})[name] = row.more[name]
        elif name == "employees":
            body[name] = row.employee_band
        elif name == "age_days":
            body[name] = (now() - row.arrived_at).days
        else:
            body[name] = row.more[name] if name in row.more else getattr(row, name)
    return body


def _whole(
    actor: Actor,
    row: LeadRow,
    lead: Any,
    added: Mapping[str, Definition],
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
        "arrived_at": moment(row.arrived_at),
        **{name: getattr(lead, f"field_{name}") for name in PLAIN if name not in actor.hidden_fields},
        "campaign_id": lead.campaign_ref,
        "owner": owner_json(row.owner),
        "offer": _offer(row),
        "custom": read_custom(added, lead[len(lead) - (len(added) if actor.is_partner else 1) :]),
        "duplicates": duplicates,
    }
    if actor.is_internal:
        body["imported"] = lead.imported
        body["marketing_qualified_at"] = moment(lead.marketing_qualified_at)
    seen = {name: value for name, value in body.items() if name not in _STAMPS}
    body["version"] = version_of(actor, seen, lead.version)
    return body


def _people(session: Session, actor: Actor, leads: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Who created and changed the leads; partner people learn the names of their own company only."""
    keys = {key for lead in leads for key in (lead.created_by_id, lead.updated_by_id) if key is not None}
    if not keys:
        return {}
    statement = select(User.id, User.ref, User.name).where(User.id.in_(keys))
    if actor.is_partner:
        statement = statement.where(User.partner_account_id == actor.company_id)
    return {key: {"type": "user", "id": ref, "name": name} for key, ref, name in session.execute(statement)}


def _duplicates(session: Session, actor: Actor, leads: Sequence[Any]) -> dict[int, list[dict[str, Any]]]:
    """Probable duplicates, those the actor may read, for reasons that they may know."""
    if not leads:
        return {}
    names = read_alike(session, actor, [entry for lead in leads for entry in lead.duplicates])
    return {
        lead.id: [
            {"type": e["type"], "id": names[e["type"], e["id"]].ref, "reasons": reasons}
            for e in lead.duplicates
            if (e["type"], e["id"]) in names and (reasons := seen_reasons(actor, e["reasons"]))
        ]
        for lead in leads
    }
