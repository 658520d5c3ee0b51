"""Verbs on an opportunity: create, edit, win, lose, open again, delete, restore."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.lasting import follow_record
from app.campaigns.linking import campaign_named, known_campaign
from app.documents.holding import follow_holder
from app.events.operations import record
from app.fields.records import Written, read_both, read_given, split, write
from app.identity.models import User
from app.identity.queries import get_organisation
from app.kernel import refs
from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.kernel.fold import fold
from app.kernel.records import RESTORABLE
from app.opportunities.changes import Change, changes_of, own_changes, refuse_stale
from app.opportunities.entries import first_of, outcome_named, stage_named
from app.opportunities.fields import BY_PARTNER, OPPORTUNITY_FIELDS
from app.opportunities.models import LAST_DAY, Opportunity, OpportunityStage, StageCategory
from app.opportunities.parties import (
    Holding,
    account_of,
    holding_of_new,
)
from app.opportunities.queries import get_opportunity_and_level
from app.opportunities.values import clean_values, fit_amount
from app.sharing.scope import scope, scope_of_deleted_opportunities
from app.sharing.shares import end_shares_with_company

# Whether a need has become something does not depend on who asks.
_TAKEN = Actor.system("needs that became opportunities")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an opportunity was made of; nobody writes that by hand."""

    lead_id: int | None = None
    partner_id: int | None = None
    interest_id: int | None = None


def create_opportunity(
    session: Session, actor: Actor, values: Mapping[str, Any], *, now: datetime
) -> Opportunity:
    """Store a new opportunity.  values: field name → what was given, see `fields`.

    References are public names.  An account that the actor sees is required; without `owner` it is the actor's
    own, without `stage` it has the first open one, an amount without currency is in the organisation's.
    Writes an event; does not commit.  Raises NotAllowed, Invalid.
    """
    actor.require(Permission.OPPORTUNITY_CREATE)
    standard, own = split(values)
    cleaned, custom = read_both(
        lambda: clean_values(standard, is_new=True),
        lambda: read_given(session, actor, "opportunity", own, is_new=True),
    )
    account = account_of(session, actor, cleaned["account_id"])
    known_campaign(session, actor, cleaned.get("campaign"))
    holding = holding_of_new(session, actor, cleaned)
    return store_new(session, actor, cleaned, account.id, holding, Origin(), custom=custom, now=now)


def store_new(
    session: Session,
    actor: Actor,
    cleaned: Mapping[str, Any],
    account_id: int,
    holding: Holding,
    origin: Origin,
    *,
    custom: Mapping[str, Any] | None = None,
    now: datetime,
) -> Opportunity:
    """Store what has been cleaned, for an account and people that have been looked up.  Raises Invalid.

    custom: values of fields that administrators added.
    """
    standing = _standing_of_new(session, cleaned, now)
    _refuse_taken_external_id(session, actor, cleaned.get("external_id"))
    campaign = campaign_named(session, cleaned.get("campaign"))
    opportunity = Opportunity(
        ref=refs.new_ref(refs.OPPORTUNITY),
        account_id=account_id,
        name=cleaned["name"],
        description=cleaned.get("description"),
        external_id=cleaned.get("external_id"),
        close_on=cleaned.get("close_date"),
        owner_user_id=holding.owner.id,
        owner_rank=holding.rank,
        partner_account_id=holding.partner_id,
        source_partner_id=origin.partner_id,
        source_lead_id=origin.lead_id,
        interest_id=origin.interest_id,
        campaign_name=campaign.name if campaign else cleaned.get("campaign"),
        campaign_id=campaign.id if campaign else None,
        created_at=now,
        updated_at=now,
        created_by_id=actor.user_id,
        updated_by_id=actor.user_id,
        **standing,
        **_worth_of_new(session, cleaned),
        **write(session, "opportunity", None, custom or {}, now=now).columns,
    )
    _derive(opportunity)
    session.add(opportunity)
    session.flush()  # its key is wanted by the event
    record(session, actor, verb="created", subject=opportunity, at=now)
    return opportunity


def _standing_of_new(session: Session, cleaned: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The columns that say how far it has come.  Raises Invalid."""
    key = cleaned.get("stage")
    stage = stage_named(session, key) if key else first_of(session, StageCategory.OPEN)
    outcome = outcome_named(session, cleaned.get("outcome"), stage)
    is_open = stage.category is StageCategory.OPEN
    probability = cleaned.get("probability")
    return {
        "stage_id": stage.id,
        "category": stage.category,
        "probability": stage.probability if probability is None else probability,
        "closed_at": None if is_open else now,
        "turned_at": None if is_open else now,
        "outcome_id": outcome.id if outcome else None,
        "outcome_note": None if is_open else cleaned.get("outcome_note"),
    }


def _worth_of_new(session: Session, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """Amount and currency, which is the organisation's where none is named."""
    amount, currency = cleaned.get("amount"), cleaned.get("currency")
    if currency is None and amount is not None:
        currency = get_organisation(session).currency
    return {"amount": fit_amount(amount, currency), "currency": currency}


def _derive(opportunity: Opportunity) -> None:
    """The columns that lists search and sort by follow from what was given."""
    opportunity.name_fold = fold(opportunity.name, 255)
    opportunity.amount_order = opportunity.amount or 0
    opportunity.close_order = opportunity.close_on or LAST_DAY


def _refuse_taken_external_id(session: Session, actor: Actor, external_id: str | None) -> None:
    """Raises Invalid when an opportunity that the actor sees has it; of others nothing is told."""
    if external_id is None:
        return
    taken = select(Opportunity.id).where(
        scope(Opportunity, actor, Level.READ), Opportunity.external_id == external_id
    )
    if session.scalar(taken) is not None:
        raise Invalid({"external_id": [_l("Another record has this external id.")]})


def edit_opportunity(
    session: Session,
    actor: Actor,
    opportunity_ref: str,
    values: Mapping[str, Any],
    *,
    version: int | None = None,
    now: datetime,
) -> Opportunity:
    """Change fields of an opportunity; those not given stay.  version: the one the edit began from, if known.

    Another stage brings its probability unless one is given, and wins, loses or reopens it; a reason that does
    not fit goes.  Partner people change what is theirs to (`fields.BY_PARTNER`).  Writes one event with old and
    new values; nothing when nothing changes.  Does not commit.
    Raises NotFound, NotAllowed, Invalid, StaleEdit.
    """
    actor.require(Permission.OPPORTUNITY_EDIT)
    opportunity, given = get_opportunity_and_level(session, actor, opportunity_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    _refuse_foreign_fields(actor, values)
    standard, own = split(values)
    cleaned, custom = read_both(
        lambda: clean_values(standard), lambda: read_given(session, actor, "opportunity", own)
    )
    written = write(session, "opportunity", opportunity.custom, custom, now=now)
    changes = changes_of(session, actor, opportunity, given, cleaned) | own_changes(written)
    refuse_stale(session, opportunity, version, changes)
    if not changes:
        return opportunity
    if "external_id" in changes:
        _refuse_taken_external_id(session, actor, changes["external_id"].column_value)
    had, company_id = opportunity.account_id, opportunity.partner_account_id
    _apply(session, actor, opportunity, changes, written)
    verb = _follow_stage(session, opportunity, now)
    _store(session, actor, opportunity, changes, verb, now)
    if opportunity.partner_account_id != company_id:
        follow_holder(session, opportunity)
        if company_id is not None:
            end_shares_with_company(session, actor, opportunity, company_id, now=now)
    if opportunity.account_id != had:
        follow_record(session, opportunity)
    return opportunity


def _apply(
    session: Session, actor: Actor, opportunity: Opportunity, changes: Mapping[str, Change], written: Written
) -> None:
    """Write the changes, with what follows from them.  Raises Invalid."""
    campaign = None
    if "campaign" in changes:
        named = changes["campaign"].column_value
        campaign = known_campaign(session, actor, named, had=opportunity.campaign_id)
        opportunity.campaign_id = campaign.id if campaign else None
    for change in changes.values():
        setattr(opportunity, change.column, change.column_value)
    for column, value in written.columns.items():
        setattr(opportunity, column, value)
    if campaign is not None:
        opportunity.campaign_name = campaign.name
    if "owner" in changes:
        owner = session.get_one(User, opportunity.owner_user_id)
        opportunity.owner_rank = owner.role.rank if owner.is_partner else None
    _derive(opportunity)


def _refuse_foreign_fields(actor: Actor, values: Mapping[str, Any]) -> None:
    if not actor.is_partner:
        return
    errors = {
        name: [_l("You may not change this field.")]
        for name in values
        if name in OPPORTUNITY_FIELDS and name not in BY_PARTNER
    }
    if errors:
        raise Invalid(errors)


def _follow_stage(session: Session, opportunity: Opportunity, now: datetime) -> str:
    """Let what depends on the stage follow it; the verb for what happened."""
    category = session.get_one(OpportunityStage, opportunity.stage_id).category
    if category is opportunity.category:
        return "edited"
    opportunity.category = category
    opportunity.closed_at = None if category is StageCategory.OPEN else now
    opportunity.turned_at = now
    return {StageCategory.WON: "won", StageCategory.LOST: "lost"}.get(category, "reopened")


def _store(
    session: Session,
    actor: Actor,
    opportunity: Opportunity,
    changes: Mapping[str, Change],
    verb: str,
    now: datetime,
) -> None:
    opportunity.stamp(actor, now)
    session.flush()  # so that a constraint speaks up here
    told = {name: (change.old, change.new) for name, change in changes.items()}
    detail = {"version": opportunity.version}
    record(session, actor, verb=verb, subject=opportunity, at=now, changes=told, detail=detail)


def delete_opportunity(session: Session, actor: Actor, opportunity_ref: str, *, now: datetime) -> Opportunity:
    """Take it out of everything, at once; it can be restored for 30 days.

    The need that it was made of is open again.  Raises NotAllowed, NotFound.
    """
    actor.require(Permission.OPPORTUNITY_DELETE)
    opportunity, given = get_opportunity_and_level(session, actor, opportunity_ref, for_update=True)
    if given < Level.EDIT:
        raise NotAllowed
    opportunity.deleted_at = now
    opportunity.stamp(actor, now)
    record(session, actor, verb="deleted", subject=opportunity, at=now)
    follow_record(session, opportunity)
    return opportunity


def restore_opportunity(
    session: Session, actor: Actor, opportunity_ref: str, *, now: datetime
) -> Opportunity:
    """Bring one back that was deleted in the last 30 days.

    Raises NotAllowed, NotFound (not deleted, too long ago, not to be edited).
    """
    actor.require(Permission.OPPORTUNITY_DELETE)
    opportunity = session.scalar(
        select(Opportunity).where(
            scope_of_deleted_opportunities(actor, Level.EDIT),
            Opportunity.ref == opportunity_ref,
            Opportunity.deleted_at > now - RESTORABLE,
        )
    )
    if opportunity is None:
        raise NotFound("opportunity", opportunity_ref)
    if opportunity.interest_id is not None and _need_is_taken(session, opportunity.interest_id):
        opportunity.interest_id = None  # the need became another one meanwhile
    opportunity.deleted_at = None
    opportunity.stamp(actor, now)
    record(session, actor, verb="restored", subject=opportunity, at=now)
    follow_record(session, opportunity)
    return opportunity


def _need_is_taken(session: Session, interest_id: int) -> bool:
    found = select(Opportunity.id).where(
        scope(Opportunity, _TAKEN),
        Opportunity.interest_id == interest_id,
        Opportunity.deleted_at.is_(None),
    )
    return session.scalar(found) is not None
