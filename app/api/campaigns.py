"""/campaigns and their members.  Inside people's alone."""

from collections.abc import Sequence
from typing import Any

from flask import Response, jsonify
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.api.accounts import given_values
from app.api.answers import (
    check_version,
    expects_version,
    list_arguments,
    moment,
    no_content,
    record_answer,
    version_of,
)
from app.api.routes import Area
from app.api.schemas.campaigns import (
    CampaignChanges,
    CampaignList,
    Member,
    MemberChanges,
    MemberList,
    NewCampaign,
    NewMember,
    WholeCampaign,
)
from app.api.schemas.common import list_query
from app.campaigns.members import add_member, get_member, remove_member, set_member_status
from app.campaigns.models import Campaign, CampaignMember
from app.campaigns.operations import archive_campaign, create_campaign, delete_campaign, edit_campaign
from app.campaigns.queries import MemberRow, get_campaign, list_members, outcome_of
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor, Level, Permission
from app.kernel.db import db, transaction
from app.kernel.errors import Invalid
from app.leads.models import LeadSource
from app.lists.catalogue import objects
from app.lists.query import parse_list
from app.lists.rows import list_rows
from app.sharing.scope import scope
from app.web.access import current_actor, needs

area = Area("Campaigns", "What the vendor does to be noticed, whom it reached, and what came of it.")
CampaignQuery = list_query("CampaignQuery", default="-created_at")
MemberQuery = list_query("CampaignMemberQuery", default="-created_at")
_PLAIN = ("name", "status", "type", "budgeted_cost", "actual_cost", "currency", "description", "external_id")


@area.get("/campaigns", "List campaigns", {200: CampaignList}, query=CampaignQuery)
@needs(Permission.CAMPAIGN_VIEW)
def list_campaigns_seen() -> Response:
    """Archived ones only with left_out=yes."""
    limit, cursor, sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    query = parse_list(session, actor, objects()["campaign"], given, sort=sort or "-created_at")
    page = list_rows(session, actor, query, [], cursor=cursor, limit=limit)
    keys = [row.id for row in page.items]
    found = {
        c.id: c
        for c in session.scalars(
            select(Campaign).where(scope(Campaign, actor, Level.READ), Campaign.id.in_(keys))
        )
    }
    items = campaigns_json(session, actor, [found[key] for key in keys if key in found])
    return jsonify(items=items, next_cursor=page.older)


@area.post("/campaigns", "Make a campaign", {201: WholeCampaign})
@needs(Permission.CAMPAIGN_EDIT)
def new_campaign(body: NewCampaign) -> Response:
    """Without an owner it is the caller's."""
    values, statuses = _given(body)
    with transaction() as session:
        actor = current_actor()
        campaign = create_campaign(session, actor, values, statuses=statuses, now=clock.now())
        answer = campaign_json(session, actor, campaign.ref)
    return record_answer(answer, 201)


@area.get("/campaigns/<campaign_id>", "Read a campaign", {200: WholeCampaign})
@needs(Permission.CAMPAIGN_VIEW)
def read_campaign(campaign_id: str) -> Response:
    """With what came of it, of what the caller sees."""
    return record_answer(campaign_json(db.session(), current_actor(), campaign_id))


@area.patch("/campaigns/<campaign_id>", "Change a campaign", {200: WholeCampaign})
@needs(Permission.CAMPAIGN_EDIT)
def change_campaign(campaign_id: str, body: CampaignChanges) -> Response:
    """Another name is written on its leads and opportunities too."""
    values, statuses = _given(body)
    archived = values.pop("archived", None)
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, campaign_id)
        edit_campaign(session, actor, campaign_id, values, statuses=statuses, now=clock.now())
        if archived is not None:
            archive_campaign(session, actor, campaign_id, on=archived, now=clock.now())
        answer = campaign_json(session, actor, campaign_id)
    return record_answer(answer)


@area.delete("/campaigns/<campaign_id>", "Delete a campaign")
@needs(Permission.CAMPAIGN_EDIT)
def remove_campaign(campaign_id: str) -> Response:
    """For good. One that leads, opportunities or members refer to: 409 in-use; archive it instead."""
    with transaction() as session:
        actor = current_actor()
        _check_version(session, actor, campaign_id)
        delete_campaign(session, actor, campaign_id, now=clock.now())
    return no_content()


@area.get(
    "/campaigns/<campaign_id>/members", "List members of a campaign", {200: MemberList}, query=MemberQuery
)
@needs(Permission.CAMPAIGN_VIEW)
def list_campaign_members(campaign_id: str) -> Response:
    """Leads that the caller may read, or contacts with kind=contact; those added last first. Filter: status."""
    limit, cursor, _sort, given = list_arguments()
    session, actor = db.session(), current_actor()
    campaign = get_campaign(session, actor, campaign_id)
    unknown = set(given) - {"kind", "status"}
    kind, status = (next(iter(given.get(name, [])), "") for name in ("kind", "status"))
    if unknown or kind not in ("", "lead", "contact"):
        names = unknown or {"kind"}
        raise Invalid({name: ["Known: kind (lead, contact), status."] for name in names})
    page = list_members(session, actor, campaign, kind or "lead", status=status, cursor=cursor, limit=limit)
    return jsonify(items=[_member_json(campaign, row) for row in page.items], next_cursor=page.older)


@area.post("/campaigns/<campaign_id>/members", "Add a member", {201: Member, 200: Member})
@needs(Permission.CAMPAIGN_EDIT)
def new_campaign_member(campaign_id: str, body: NewMember) -> Response:
    """Who is a member already stays as they are (200)."""
    if (body.lead_id is None) == (body.contact_id is None):
        raise Invalid({"lead_id": ["Give one of lead_id and contact_id."]})
    with transaction() as session:
        actor = current_actor()
        member, is_new = add_member(
            session,
            actor,
            campaign_id,
            body.lead_id or body.contact_id or "",
            status=body.status,
            now=clock.now(),
        )
        answer = _one(session, actor, campaign_id, member.ref)
    return record_answer(answer, 201 if is_new else 200)


@area.patch("/campaigns/<campaign_id>/members/<member_id>", "Say what a member has done", {200: Member})
@needs(Permission.CAMPAIGN_EDIT)
def change_campaign_member(campaign_id: str, member_id: str, body: MemberChanges) -> Response:
    with transaction() as session:
        actor = current_actor()
        set_member_status(session, actor, campaign_id, member_id, body.status, now=clock.now())
        answer = _one(session, actor, campaign_id, member_id)
    return record_answer(answer)


@area.delete("/campaigns/<campaign_id>/members/<member_id>", "Take a member out")
@needs(Permission.CAMPAIGN_EDIT)
def remove_campaign_member(campaign_id: str, member_id: str) -> Response:
    """A lead that came by the campaign stays a member of it: 409."""
    with transaction() as session:
        remove_member(session, current_actor(), campaign_id, member_id, now=clock.now())
    return no_content()


def _given(body: BaseModel) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    values = given_values(body)
    statuses = values.pop("member_statuses", None)
    return values, statuses


def _check_version(session: Session, actor: Actor, campaign_id: str) -> None:
    """Raises Stale when the call began from another version than the present one, NotFound."""
    if expects_version():
        get_campaign(session, actor, campaign_id, for_update=True)
        check_version(lambda: campaign_json(session, actor, campaign_id))


def campaign_json(session: Session, actor: Actor, ref: str) -> dict[str, Any]:
    """One campaign with what came of it.  Raises NotFound."""
    campaign = get_campaign(session, actor, ref)
    outcome = outcome_of(session, actor, campaign)
    counted = ("leads", "qualified", "converted", "opportunities", "won_opportunities")
    return campaigns_json(session, actor, [campaign])[0] | {
        "outcome": {
            **{name: getattr(outcome, name).number for name in counted},
            "won": [{"currency": code, "amount": float(amount)} for code, amount in outcome.won.items()],
        }
    }


def campaigns_json(session: Session, actor: Actor, campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    """The campaigns, in their order.  A constant number of statements."""
    keys = {
        key
        for c in campaigns
        for key in (c.owner_user_id, c.created_by_id, c.updated_by_id)
        if key is not None
    }
    rows = session.execute(select(User.id, User.ref, User.name).where(User.id.in_(keys)))
    people = {key: {"type": "user", "id": ref, "name": name} for key, ref, name in rows}
    found = {c.source_id for c in campaigns if c.source_id is not None}
    sources = {
        row.id: row.name
        for row in session.execute(select(LeadSource.id, LeadSource.name).where(LeadSource.id.in_(found)))
    }
    shown = []
    for campaign in campaigns:
        body: dict[str, Any] = {
            "id": campaign.ref,
            "created_at": moment(campaign.created_at),
            "updated_at": moment(campaign.updated_at),
            "created_by": people.get(campaign.created_by_id or 0),
            "updated_by": people.get(campaign.updated_by_id or 0),
            **{name: getattr(campaign, name) for name in _PLAIN},
            "source": sources.get(campaign.source_id or 0),
            "start_date": campaign.starts_on.isoformat() if campaign.starts_on else None,
            "end_date": campaign.ends_on.isoformat() if campaign.ends_on else None,
            "owner": people.get(campaign.owner_user_id or 0),
            "archived": campaign.archived_at is not None,
            "member_statuses": campaign.member_statuses,
        }
        body["version"] = version_of(actor, body, campaign.version)
        shown.append(body)
    return shown


def _one(session: Session, actor: Actor, campaign_id: str, member_id: str) -> dict[str, Any]:
    campaign = get_campaign(session, actor, campaign_id)
    member, person = get_member(session, actor, campaign, member_id)
    title = person.title_for(actor) if member.lead_id is not None else person.full_name
    return _member_json(campaign, MemberRow(member, person.__tablename__, person, title, ""))


def _member_json(campaign: Campaign, row: MemberRow) -> dict[str, Any]:
    member: CampaignMember = row.member
    answered = {entry["key"]: entry["answered"] for entry in campaign.member_statuses}
    return {
        "id": member.ref,
        "lead_id": row.record.ref if row.kind == "lead" else None,
        "contact_id": row.record.ref if row.kind == "contact" else None,
        "name": row.title,
        "status": member.status,
        "answered": bool(answered.get(member.status)),
        "created_at": moment(member.created_at),
    }
