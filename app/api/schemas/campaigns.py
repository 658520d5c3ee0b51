"""Campaigns as the API takes and shows them."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.accounts import UserIn
from app.api.schemas.common import Answer, Body, Id, Moment, Number, Person, Text, list_of

Status = Literal["planned", "active", "done"]
Type = Literal["email", "web", "event", "webinar", "advertisement", "calls", "post", "partner", "other"]


class MemberStatusIn(Body):
    """What can be told of a member.  key: of one that is there; without it it is a new one."""

    key: Text = None
    name: StrictStr
    answered: StrictBool = False


class MemberStatus(Answer):
    """What can be told of a member."""

    key: str
    name: str
    answered: bool


class CampaignFields(Body):
    """Fields of a campaign that may be written."""

    name: Text = None
    status: Status | None = None
    type: Type | None = None
    source: Text = Field(default=None, description="Name of an entry of the registry lead_sources.")
    start_date: Text = None
    end_date: Text = None
    budgeted_cost: Number | None = None
    actual_cost: Number | None = None
    currency: Text = None
    owner: UserIn | StrictStr | None = Field(default=None, description="A user, or the user's id.")
    description: Text = None
    external_id: Text = None
    member_statuses: Annotated[
        list[MemberStatusIn] | None,
        Field(
            description="In order; a new member has the first. Members of one that is left out get the first."
        ),
    ] = None


class NewCampaign(CampaignFields):
    """A name at least."""


class CampaignChanges(CampaignFields):
    """Fields to change; those left out stay."""

    archived: StrictBool | None = Field(default=None, description="Whether it is offered no more.")


class Won(Answer):
    """What was won in one currency."""

    currency: str
    amount: float


class CampaignOutcome(Answer):
    """What came of it, of what the caller sees; no more than 1,000 of each are counted."""

    leads: int
    qualified: int
    converted: int
    opportunities: int
    won_opportunities: int
    won: list[Won]


class Campaign(Answer):
    """Something the vendor does to be noticed."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    name: str
    status: Status
    type: Type | None
    source: str | None
    start_date: str | None
    end_date: str | None
    budgeted_cost: float | None
    actual_cost: float | None
    currency: str | None
    owner: Person | None
    description: str | None
    external_id: str | None
    archived: bool
    member_statuses: list[MemberStatus]


class WholeCampaign(Campaign):
    """One campaign, with what came of it."""

    outcome: CampaignOutcome


class NewMember(Body):
    """One of lead_id and contact_id."""

    lead_id: Text = None
    contact_id: Text = None
    status: Text = Field(default=None, description="Key of one of the campaign's member_statuses.")


class MemberChanges(Body):
    """What the member has done."""

    status: StrictStr


class Member(Answer):
    """A lead or a contact that the campaign reached."""

    id: Id
    lead_id: str | None
    contact_id: str | None
    name: str
    status: str
    answered: bool
    created_at: Moment


CampaignList = list_of(Campaign)
MemberList = list_of(Member)
