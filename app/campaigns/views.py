"""Campaigns: the list, one campaign, the forms that make and change one, archiving, deleting."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.changes import StaleEdit
from app.accounts.related import colleagues
from app.campaigns.fields import CAMPAIGN_FIELDS, STATUSES, TYPES, member_status_name
from app.campaigns.forms import CampaignForm, form_data, status_lines, statuses_sent
from app.campaigns.models import FIRST_MEMBER_STATUSES, Campaign
from app.campaigns.operations import (
    archive_campaign,
    create_campaign,
    delete_campaign,
    edit_campaign,
    refuse_used,
)
from app.campaigns.queries import CampaignDetail, count_members, list_members, open_campaign, outcome_of
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.actor import Permission
from app.kernel.db import db, transaction
from app.kernel.errors import InUse, Invalid, why_in_use
from app.leads.models import LeadSource
from app.lists.page import open_list
from app.lists.recent import remember_opened
from app.web.access import current_actor, needs
from app.web.form_errors import show_errors
from app.web.once import once

bp = Blueprint("campaigns", __name__, url_prefix="/campaigns")
bp.add_app_template_filter(member_status_name, "member_status")
bp.add_app_template_filter(lambda status: str(STATUSES[status]), "campaign_status")
bp.add_app_template_filter(lambda kind: str(TYPES[kind]), "campaign_type")


@bp.get("")
@needs(Permission.CAMPAIGN_VIEW)
def index() -> ResponseReturnValue:
    """The campaigns, newest first unless sorted otherwise; archived ones only if asked for."""
    page = open_list(db.session(), current_actor(), "campaign")
    return render_template("campaigns/index.html", list=page), 422 if page.error else 200


@bp.get("/<ref('camp'):campaign_ref>")
@needs(Permission.CAMPAIGN_VIEW)
def show(campaign_ref: str) -> ResponseReturnValue:
    """One campaign: what came of it, and its members."""
    session, actor = db.session(), current_actor()
    detail = open_campaign(session, actor, campaign_ref)
    campaign = detail.campaign
    remember_opened(actor, campaign)
    kind = "contact" if request.args.get("kind") == "contact" else "lead"
    keys = {entry["key"]: entry for entry in campaign.member_statuses}
    status = request.args.get("status", "")
    status = status if status in keys else ""
    return render_template(
        "campaigns/show.html",
        page_ref=campaign.ref,
        detail=detail,
        campaign=campaign,
        outcome=outcome_of(session, actor, campaign),
        counts=count_members(session, actor, campaign),
        members=list_members(
            session, actor, campaign, kind, status=status, cursor=request.args.get("cursor")
        ),
        kind=kind,
        status=status,
        statuses=keys,
        may_edit=actor.can(Permission.CAMPAIGN_EDIT),
    )


@bp.get("/new")
@needs(Permission.CAMPAIGN_EDIT)
def new() -> ResponseReturnValue:
    """The form for a new campaign."""
    form = CampaignForm(formdata=None, data={"owner": current_actor().ref, "status": "active"})
    return _form_page(db.session(), form)


@bp.post("")
@needs(Permission.CAMPAIGN_EDIT)
@once
def create() -> ResponseReturnValue:
    """Store a new campaign."""
    form = CampaignForm()
    try:
        with transaction() as session:
            campaign = create_campaign(
                session, current_actor(), form.given(), statuses=statuses_sent(), now=clock.now()
            )
    except Invalid as error:
        show_errors(form, error)
        return _form_page(db.session(), form), 422
    return _saved(campaign)


@bp.get("/<ref('camp'):campaign_ref>/edit")
@needs(Permission.CAMPAIGN_EDIT)
def edit(campaign_ref: str) -> ResponseReturnValue:
    """The form that changes a campaign."""
    session = db.session()
    detail = open_campaign(session, current_actor(), campaign_ref)
    owner = detail.owner.ref if detail.owner else None
    form = CampaignForm(formdata=None, data=form_data(detail.campaign, detail.source, owner))
    return _form_page(session, form, detail)


@bp.post("/<ref('camp'):campaign_ref>/edit")
@needs(Permission.CAMPAIGN_EDIT)
def save(campaign_ref: str) -> ResponseReturnValue:
    """Change a campaign; a stale edit is shown again with what stands against it."""
    form, actor = CampaignForm(), current_actor()
    try:
        with transaction() as session:
            before = open_campaign(session, actor, campaign_ref).campaign
            campaign = edit_campaign(
                session, actor, campaign_ref, form.given(), statuses=statuses_sent(before),
                version=form.began_from, now=clock.now(),
            )  # fmt: skip
    except Invalid as error:
        show_errors(form, error)
        return _form_page(db.session(), form, open_campaign(db.session(), actor, campaign_ref)), 422
    except StaleEdit as error:
        detail = open_campaign(db.session(), actor, campaign_ref)
        form.version.data = str(error.version)
        return _form_page(db.session(), form, detail, error), 409
    return _saved(campaign)


def _saved(campaign: Campaign) -> ResponseReturnValue:
    remember_opened(current_actor(), campaign)
    flash(_("“%(name)s” is saved.", name=campaign.name), "success")
    return redirect(url_for("campaigns.show", campaign_ref=campaign.ref), 303)


def _form_page(
    session: Session, form: CampaignForm, detail: CampaignDetail | None = None, stale: StaleEdit | None = None
) -> str:
    sources = session.scalars(
        select(LeadSource.name).where(LeadSource.is_active).order_by(LeadSource.position, LeadSource.name)
    ).all()
    form.offer_lists(sources, colleagues(session), get_organisation(session).currency)
    campaign = detail.campaign if detail else None
    return render_template(
        "campaigns/form.html",
        page_ref=campaign.ref if campaign else None,
        form=form,
        campaign=campaign,
        lines=status_lines(campaign, FIRST_MEMBER_STATUSES),
        stale=_stale_lines(stale, form) if stale else [],
        updated_by=detail.updated_by if detail else None,
    )


def _stale_lines(stale: StaleEdit, form: CampaignForm) -> list[tuple[Any, str, str]]:
    """(field, what it is now, what was written) of each field that the edit would change."""
    lines = []
    for name, value in (stale.current or {}).items():
        label = CAMPAIGN_FIELDS[name].label if name in CAMPAIGN_FIELDS else _("Statuses of members")
        written = form[name].data if name in form else ""
        lines.append((label, "–" if value in (None, "") else str(value), str(written or "–")))
    return lines


@bp.post("/<ref('camp'):campaign_ref>/archive")
@needs(Permission.CAMPAIGN_EDIT)
def archive(campaign_ref: str) -> ResponseReturnValue:
    """Offer the campaign no more, or again."""
    on = request.form.get("on") != "0"
    with transaction() as session:
        campaign = archive_campaign(session, current_actor(), campaign_ref, on=on, now=clock.now())
    said = _("“%(name)s” is archived.") if on else _("“%(name)s” is offered again.")
    flash(said % {"name": campaign.name}, "success")
    return redirect(url_for("campaigns.show", campaign_ref=campaign_ref), 303)


@bp.get("/<ref('camp'):campaign_ref>/delete")
@needs(Permission.CAMPAIGN_EDIT)
def ask_delete(campaign_ref: str) -> ResponseReturnValue:
    """The question before a campaign is deleted."""
    return _delete_page(campaign_ref)


@bp.post("/<ref('camp'):campaign_ref>/delete")
@needs(Permission.CAMPAIGN_EDIT)
@once
def delete(campaign_ref: str) -> ResponseReturnValue:
    """Delete a campaign that nothing refers to; what does is said otherwise."""
    try:
        with transaction() as session:
            campaign = delete_campaign(session, current_actor(), campaign_ref, now=clock.now())
    except InUse:
        return _delete_page(campaign_ref), 409
    flash(_("“%(name)s” is deleted.", name=campaign.name), "success")
    return redirect(url_for("campaigns.index"), 303)


def _delete_page(campaign_ref: str) -> str:
    session = db.session()
    campaign = open_campaign(session, current_actor(), campaign_ref).campaign
    return render_template(
        "campaigns/delete.html",
        page_ref=campaign.ref,
        campaign=campaign,
        refusal=why_in_use(refuse_used, session, campaign),
    )
