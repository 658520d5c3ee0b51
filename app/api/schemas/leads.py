"""Leads as the API takes and shows them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.common import (
    Answer,
    Body,
    Custom,
    Id,
    Moment,
    Number,
    OneOf,
    OnlyId,
    Owner,
    Person,
    Principal,
    RecordRef,
    TargetIn,
    Text,
    Whole,
    YesNo,
    list_of,
)


class LeadFields(Body):
    """Fields of a lead that may be written."""

    last_name: Text = None
    first_name: Text = None
    title: Text = None
    company: Text = None
    email: Text = None
    phone: Text = None
    mobile: Text = None
    website: Text = None
    status: Text = None
    source: Text = None
    rating: Text = None
    industry: Text = None
    employees: Whole | None = None
    annual_revenue: Number | None = None
    street: Text = None
    city: Text = None
    state: Text = None
    postal_code: Text = None
    country: Text = Field(default=None, description="Two letters, or a name in English, Spanish or Catalan.")
    product_interest: Text = None
    campaign: Text = Field(default=None, description="Name of a campaign that is there.")
    campaign_id: Text = Field(default=None, description="Id of a campaign; instead of its name.")
    description: Text = None
    budget: Text = None
    authority: Text = None
    need: Text = None
    timeframe: Text = None
    interest_confirmed: YesNo = None
    unqualified_reason: Text = Field(
        default=None,
        description="Key or name of an entry of unqualified_reasons; asked for with a status that is unqualified.",
    )
    consent: YesNo = None
    consent_basis: Text = Field(
        default=None,
        description="One of consent, contract, legitimate_interest, legal_obligation, public_interest, vital_interest, "
        "or its name in English, Spanish or Catalan. What was written in words before stands until it is changed.",
    )
    opted_out_email: YesNo = None
    opted_out_phone: YesNo = None
    score: Whole | None = None
    external_id: Text = None
    arrived_at: Text = None
    custom: Custom = None


class NewLead(LeadFields):
    """A lead and how it is to be placed.  At least a last name, a company, an e-mail or a phone number."""

    owner: TargetIn | None = None
    notify: StrictBool = True
    route: StrictBool = Field(default=True, description="false leaves it in the default queue.")


class LeadChanges(LeadFields):
    """Fields to change; those left out stay."""


class Reason(Body):
    """Why a lead is declined or released."""

    reason: StrictStr = Field(
        description="invalid and duplicate give the turn back; no_capacity, not_our_market, other and what an"
        " administrator added do not."
    )
    note: Text = None


class Assign(Body):
    """Whom to give a lead to, or `route` to send it through the rules."""

    owner: TargetIn | None = None
    route: StrictBool = False
    notify: StrictBool = True
    offer: StrictBool = Field(default=False, description="Ask to accept instead of giving it outright.")
    over_capacity: StrictBool = Field(default=False, description="Also beyond what they may hold.")


class BulkAssign(Body):
    """Many leads, one owner."""

    lead_ids: Annotated[list[StrictStr], Field(min_length=1, max_length=1000)]
    owner: TargetIn
    notify: StrictBool = True


class ClaimNext(Body):
    """From which queue; any of the caller's when left out."""

    queue_id: Text = None


# Answers


class OfferOut(Answer):
    """A pending offer."""

    to: Owner
    expires_at: Moment


class Duplicate(Answer):
    """A record that is probably the same."""

    type: Literal["lead", "account", "contact"]
    id: Id
    reasons: list[str]


class LeadValues(Answer):
    """What a lead holds.  For partner people a field is absent where an administrator does not let them see it."""

    external_id: str | None = None
    last_name: str | None = None
    first_name: str | None = None
    title: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None
    website: str | None = None
    status: str = ""
    source: str | None = None
    rating: str | None = None
    industry: str | None = None
    annual_revenue: float | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    product_interest: str | None = None
    campaign: str | None = None
    description: str | None = None
    budget: str | None = None
    authority: str | None = None
    need: str | None = None
    timeframe: str | None = None
    interest_confirmed: bool | None = None
    unqualified_reason: str | None = None
    consent: bool | None = None
    consent_basis: str | None = None
    opted_out_email: bool = False
    opted_out_phone: bool = False
    score: int = 0


class WholeLead(LeadValues):
    """A lead in full.  imported is the vendor's alone, and so is the campaign at first."""

    id: Id
    version: str
    visibility: Literal["full"]
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    arrived_at: Moment
    employees: int | None = None
    campaign_id: str | None = None
    owner: Owner
    offer: OfferOut | None
    custom: dict[str, Any]
    duplicates: list[Duplicate]
    imported: dict[str, Any] = {}
    marketing_qualified_at: Moment | None = Field(
        default=None, description="When it was handed over; for people inside alone."
    )


class ScoreLine(Answer):
    """What one rule gives, and why; problem: it could not be evaluated and gives nothing."""

    name: str
    points: int
    why: str
    problem: bool


class Score(Answer):
    """Why a lead has its score.  lines: for people inside alone, and only while score rules are in force."""

    score: int
    threshold: int | None = None
    lines: list[ScoreLine] | None = None
    changes_on: str | None = Field(default=None, description="The day on which it changes by itself.")


class LeadPreview(LeadValues):
    """A lead before it is claimed or accepted: the fields that an administrator shows, and no others."""

    id: Id
    visibility: Literal["preview"]
    owner: Owner
    offer: OfferOut | None
    arrived_at: Moment
    employees: str | None = Field(default=None, description="A band, such as 50–199.")
    age_days: int | None = None
    custom: dict[str, Any] = Field(
        default={}, description="Fields that an administrator added and shows so early; absent without any."
    )


class Lead(OneOf[WholeLead | LeadPreview]):
    """A lead as the caller may see it."""


class LeadOrId(OneOf[WholeLead | LeadPreview | OnlyId]):
    """The lead, or its id alone where the caller does not see it any more."""


class LeadList(Answer):
    """A page of a list of leads."""

    items: list[WholeLead | LeadPreview]
    next_cursor: str | None


class Refused(Answer):
    """A lead that was left as it was, and why."""

    id: str
    reason: str


class BulkResult(Answer):
    """What a change of many did; undone under its id."""

    id: Id
    assigned: list[Id]
    refused: list[Refused]


class UndoResult(Answer):
    """What was put back, and what was not because something has happened to it since."""

    undone: list[Id]
    refused: list[Refused]


class AssignmentActor(Answer):
    """Who placed a lead: a person, or a part of the system."""

    type: Literal["user", "system"]
    id: str | None
    name: str


class Assignment(Answer):
    """One placement of a lead.

    For partner people everybody outside the own company is null, and there is no trace.
    """

    at: Moment
    cause: Literal[
        "manual", "rule", "round_robin", "default_queue", "claim", "decline", "expiry", "release", "transfer",
        "bulk", "offboarding", "recycle",
    ]  # fmt: skip
    from_: Owner | None = Field(alias="from")
    to: Owner
    actor: AssignmentActor | None
    trace: list[str] = Field(default=[], description="What was considered, in sentences.")


AssignmentList = list_of(Assignment)


class Cause(Answer):
    """Why somebody sees a record."""

    type: Literal[
        "administrator", "channel_manager", "default", "owner", "offer", "role_hierarchy", "account_team",
        "queue", "portfolio", "sharing_rule", "manual_share", "conversion", "parent",
    ]  # fmt: skip
    id: str = ""


LevelName = Literal["preview", "read", "edit", "full"]


class AccessItem(Answer):
    """Somebody who is given a record, how much of it, and why."""

    principal: Principal
    level: LevelName
    causes: list[Cause]


class AccessList(Answer):
    """Who sees a record."""

    items: list[AccessItem]
    next_cursor: str | None


class SeenItem(Answer):
    """A record that somebody sees, how much of it, and why."""

    record: RecordRef
    level: LevelName
    causes: list[Cause]


class SeenList(Answer):
    """What somebody sees."""

    items: list[SeenItem]
    next_cursor: str | None


class UserAccess(Answer):
    """Whether one person sees a record, and why."""

    visible: bool
    level: LevelName | None
    causes: list[Cause]


class Access(OneOf[AccessList | UserAccess]):
    """Who sees a record; with `user_id`, whether that person does."""
