"""Opportunities as the API takes and shows them."""

from typing import Any, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from app.api.schemas.accounts import UserIn
from app.api.schemas.common import Answer, Body, Custom, Id, Moment, Person, Text, list_of

ContactRole = Literal["decision_maker", "influencer", "buyer", "user", "technical", "other"]
Number = StrictInt | StrictFloat | StrictStr | None


class OpportunityFields(Body):
    """Fields of an opportunity that may be written."""

    name: Text = None
    account_id: Text = Field(default=None, description="Required; one that the caller sees.")
    amount: Number = None
    currency: Text = Field(
        default=None, description="Three letters of ISO 4217; the organisation's own where left out."
    )
    stage: Text = Field(default=None, description="Key of an entry of the registry opportunity_stages.")
    probability: Number = Field(default=None, description="In percent; the stage's where left out.")
    close_date: Text = Field(default=None, description="A date such as 2026-03-31.")
    partner_account_id: Text = None
    owner: UserIn | StrictStr | None = Field(default=None, description="A user, or the user's id.")
    outcome: Text = Field(
        default=None, description="Key of an entry of the registry outcome_reasons, once won or lost."
    )
    outcome_note: Text = None
    campaign: Text = Field(default=None, description="Name of a campaign that is there.")
    campaign_id: Text = Field(default=None, description="Id of a campaign; instead of its name.")
    description: Text = None
    external_id: Text = None
    custom: Custom = None


class NewOpportunity(OpportunityFields):
    """What an account may buy; a name and an account at least."""


class OpportunityChanges(OpportunityFields):
    """Fields to change; those left out stay."""


class Opportunity(Answer):
    """What an account may buy.  Null too for what the caller may not see."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    name: str
    account_id: str | None
    amount: float | None
    currency: str | None
    stage: str
    category: Literal["open", "won", "lost"] = Field(description="Of the stage.")
    probability: int
    close_date: str | None
    closed_at: Moment | None
    outcome: str | None
    outcome_note: str | None
    partner_account_id: str | None
    source_partner_id: str | None = Field(description="The partner that had the lead when it was converted.")
    source_lead_id: str | None
    owner: Person | None
    campaign: str | None
    campaign_id: str | None = None
    description: str | None
    external_id: str | None
    custom: dict[str, Any]


class NewPart(Body):
    """A contact's part in it."""

    contact_id: StrictStr
    role: ContactRole | None = None


class Part(Answer):
    """A contact that has a part in it."""

    id: Id
    contact_id: str
    name: str
    role: ContactRole


OpportunityList = list_of(Opportunity)
PartList = list_of(Part)
