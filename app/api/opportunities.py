"""/opportunities."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.api.account_json import refs_of
from app.api.accounts import given_values
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    moment,
    no_content,
    page_json,
    plain_list_arguments,
    record_answer,
    sliced,
    version_of,
)
from app.api.campaign_names import campaign_refs, name_campaign
from app.api.routes import Area
from app.api.schemas.common import list_query
from app.api.schemas.opportunities import (
    NewOpportunity,
    NewPart,
    Opportunity,
    OpportunityChanges,
    OpportunityList,
    Part,
    PartList,
)
from app.fields.catalogue import catalogue
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.leads.models import Lead
from app.opportunities.filters import parse_opportunity_query
from app.opportunities.models import Opportunity as Record
from app.opportunities.models import OpportunityContact, OpportunityStage, OutcomeReason
from app.opportunities.needs import turn_need
from app.opportunities.operations import (
    create_opportunity,
    delete_opportunity,
    edit_opportunity,
    restore_opportunity,
)
from app.opportunities.people import add_part, parts_of, remove_part
from app.opportunities.queries import companies_for, get_opportunity, list_opportunities, person_for
from app.sharing.scope import scope
from app.web.access import current_actor, needs

area = Area("Opportunities", "What accounts may buy, until it is won or lost.")
OpportunityQuery = list_query("OpportunityQuery", default="-created_at")
PartQuery = list_query("PartQuery")


@area.get("/opportunities", "List opportunities", {200: OpportunityList}, query=OpportunityQuery)
@needs(Permission.OPPORTUNITY_VIEW)
def list_opportunities_seen() -> Response:
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_opportunity_query(session, actor, given, sort)
    page = list_opportunities(session, actor, query, cursor=cursor, limit=limit)
    items = opportunities_json(session, actor, [row.opportunity for row in page.items])
    return jsonify(items=items, next_cursor=page.older)


@area.post("/opportunities", "Make an opportunity", {201: Opportunity})
@needs(Permission.OPPORTUNITY_CREATE)
def new_opportunity(body: NewOpportunity) -> Response:
    """Of an account that the caller sees.  Without an owner it is the caller's."""
    with transaction() as session:
        actor = current_actor()
        values = given_values(body)
        name_campaign(session, actor, values)
        opportunity = create_opportunity(session, actor, values, now=clock.now())
        answer = opportunities_json(session, actor, [opportunity])[0]
    return record_answer(answer, 201)


@area.get("/opportunities/<opportunity_id>", "Read an opportunity", {200: Opportunity})
@needs(Permission.OPPORTUNITY_VIEW)
def read_opportunity(opportunity_id: str) -> Response:
    return record_answer(opportunity_json(db.session(), current_actor(), opportunity_id))


@area.patch("/opportunities/<opportunity_id>", "Change an opportunity", {200: Opportunity})
@needs(Permission.OPPORTUNITY_EDIT)
def change_opportunity(opportunity_id: str, body: OpportunityChanges) -> Response:
    """A stage of another category wins it, loses it or opens it again.  Partner people do not change its account,
    owner, partner, campaign or external id.
    """
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, opportunity_id)
        values = given_values(body)
        name_campaign(session, actor, values)
        opportunity = edit_opportunity(session, actor, opportunity_id, values, now=clock.now())
        # Whoever gives it away is answered all the same.
        answer = opportunities_json(session, actor, [opportunity])[0]
    return record_answer(answer)


@area.delete("/opportunities/<opportunity_id>", "Delete an opportunity")
@needs(Permission.OPPORTUNITY_DELETE)
def remove_opportunity(opportunity_id: str) -> Response:
    """Administrators and channel managers; it can be restored for 30 days."""
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, opportunity_id)
        delete_opportunity(session, actor, opportunity_id, now=clock.now())
    return no_content()


@area.post("/opportunities/<opportunity_id>/restore", "Restore a deleted opportunity", {200: Opportunity})
@needs(Permission.OPPORTUNITY_DELETE)
def restore_deleted_opportunity(opportunity_id: str) -> Response:
    """Within 30 days."""
    with transaction() as session:
        actor = current_actor()
        opportunity = restore_opportunity(session, actor, opportunity_id, now=clock.now())
        answer = opportunities_json(session, actor, [opportunity])[0]
    return record_answer(answer)


@area.post(
    "/accounts/<account_id>/interests/<interest_id>/opportunity",
    "Make an opportunity of a need",
    {200: Opportunity},
)
@needs(Permission.OPPORTUNITY_CREATE)
def opportunity_of_need(account_id: str, interest_id: str) -> Response:
    """Once: asked again, it answers with the same."""
    with transaction() as session:
        actor = current_actor()
        opportunity = turn_need(session, actor, account_id, interest_id, now=clock.now())
        answer = opportunities_json(session, actor, [opportunity])[0]
    return record_answer(answer)


# Who takes part


@area.get(
    "/opportunities/<opportunity_id>/contacts",
    "List who takes part",
    {200: PartList},
    query=PartQuery,
)
@needs(Permission.OPPORTUNITY_VIEW)
def list_parts(opportunity_id: str) -> Response:
    """Those that the caller sees."""
    limit, cursor, _filters = plain_list_arguments()
    session, actor = db.session(), current_actor()
    parts = parts_of(session, actor, get_opportunity(session, actor, opportunity_id))
    keys = list(range(len(parts)))
    shape = ["parts", opportunity_id]
    page = sliced(actor, shape, keys, lambda number: number + 1, limit=limit, cursor=cursor)
    return jsonify(page_json(page, lambda number: _part_json(parts[number].ref, parts[number].role, parts[number].contact)))  # fmt: skip


@area.post("/opportunities/<opportunity_id>/contacts", "Give a contact a part", {201: Part, 200: Part})
@needs(Permission.OPPORTUNITY_EDIT)
def new_part(opportunity_id: str, body: NewPart) -> Response:
    """There already, the role changes: 200."""
    with transaction() as session:
        actor = current_actor()
        part, is_new = add_part(session, actor, opportunity_id, body.contact_id, body.role, now=clock.now())
        answer = _part_json(part.ref, part.role, _contact_of(session, actor, part))
    return record_answer(answer, 201 if is_new else 200)


@area.delete(
    "/opportunities/<opportunity_id>/contacts/<part_id>", "Take a contact out of it", takes_version=False
)
@needs(Permission.OPPORTUNITY_EDIT)
def end_part(opportunity_id: str, part_id: str) -> Response:
    with transaction() as session:
        remove_part(session, current_actor(), opportunity_id, part_id, now=clock.now())
    return no_content()


def _contact_of(session: Session, actor: Actor, part: OpportunityContact) -> Contact:
    return session.scalars(
        select(Contact).where(scope(Contact, actor, Level.READ), Contact.id == part.contact_id)
    ).one()


def _part_json(ref: str, role: str, contact: Contact) -> dict[str, Any]:
    return {"id": ref, "contact_id": contact.ref, "name": contact.full_name, "role": role}


def opportunity_json(session: Session, actor: Actor, opportunity_id: str) -> dict[str, Any]:
    """One opportunity.  Raises NotFound."""
    return opportunities_json(session, actor, [get_opportunity(session, actor, opportunity_id)])[0]


def _check_version(session: Session, actor: Actor, opportunity_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_opportunity(session, actor, opportunity_id, for_update=True)
        check_version(lambda: opportunity_json(session, actor, opportunity_id))


def opportunities_json(session: Session, actor: Actor, records: Sequence[Record]) -> list[dict[str, Any]]:
    """The opportunities, in their order.  A constant number of statements."""
    people = _people(session, actor, records)
    accounts = refs_of(session, actor, Account, (record.account_id for record in records))
    companies = companies_for(
        session,
        actor,
        [key for record in records for key in (record.partner_account_id, record.source_partner_id)],
    )
    leads = _leads(session, actor, records)
    campaigns = campaign_refs(session, actor, (record.campaign_id for record in records))
    stages = _keys_of(session, OpportunityStage)
    outcomes = _keys_of(session, OutcomeReason)
    added = catalogue(session).seen(actor, "opportunity")
    shown = []
    for record in records:
        partner = companies.get(record.partner_account_id or 0)
        source = companies.get(record.source_partner_id or 0)
        body: dict[str, Any] = {
            "id": record.ref,
            "created_at": moment(record.created_at),
            "updated_at": moment(record.updated_at),
            "created_by": people.get(record.created_by_id or 0),
            "updated_by": people.get(record.updated_by_id or 0),
            "name": record.name,
            "account_id": accounts.get(record.account_id),
            "amount": record.amount,
            "currency": record.currency,
            "stage": stages[record.stage_id],
            "category": record.category.value,
            "probability": record.probability,
            "close_date": record.close_on.isoformat() if record.close_on else None,
            "closed_at": moment(record.closed_at),
            "outcome": outcomes.get(record.outcome_id or 0),
            "outcome_note": record.outcome_note,
            "partner_account_id": partner.ref if partner else None,
            "source_partner_id": source.ref if source else None,
            "source_lead_id": leads.get(record.source_lead_id or 0),
            "owner": people.get(record.owner_user_id),
            "campaign": None if actor.is_partner else record.campaign_name,
            "campaign_id": campaigns.get(record.campaign_id or 0),
            "description": record.description,
            "external_id": None if actor.is_partner else record.external_id,
            "custom": {name: record.custom.get(name) for name in added},
        }
        body["version"] = version_of(actor, body, record.version)
        shown.append(body)
    return shown


def _people(session: Session, actor: Actor, records: Sequence[Record]) -> dict[int, dict[str, Any]]:
    """Key → owner, creator or changer, as far as the caller knows them."""
    keys = {
        key
        for record in records
        for key in (record.owner_user_id, record.created_by_id, record.updated_by_id)
        if key is not None
    }
    found: dict[int, dict[str, Any]] = {}
    for user in session.scalars(select(User).where(User.id.in_(keys))) if keys else ():
        person = person_for(actor, user)
        if person is not None:
            found[user.id] = {"type": "user", "id": person.ref, "name": person.name}
    return found


def _leads(session: Session, actor: Actor, records: Sequence[Record]) -> dict[int, str]:
    keys = {record.source_lead_id for record in records if record.source_lead_id is not None}
    if not keys:
        return {}
    rows = session.execute(select(Lead.id, Lead.ref).where(scope(Lead, actor, Level.READ), Lead.id.in_(keys)))
    return {key: ref for key, ref in rows}  # noqa: C416 - rows are no pairs to mypy


def _keys_of(session: Session, model: Any) -> dict[int, str]:
    return {row.id: row.key for row in session.execute(select(model.id, model.key))}
