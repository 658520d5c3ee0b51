"""What the API takes, as pydantic models: the contract's shapes, unknown fields refused.

pydantic is lenient where JSON Schema is not (`false` for an integer), and its strict mode is stricter
(refuses `3.0`); the types here agree with the document that is served.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a whole number")
    if value != int(value):
        raise ValueError("must be a whole number")
    return int(value)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[float, BeforeValidator(_number)]
Text = StrictStr | None
YesNo = StrictBool | None


class Body(BaseModel):
    """A JSON object whose unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


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
    country: Text = None
    product_interest: Text = None
    campaign: Text = None
    description: Text = None
    budget: Text = None
    authority: Text = None
    need: Text = None
    timeframe: Text = None
    interest_confirmed: YesNo = None
    consent: YesNo = None
    consent_basis: Text = None
    opted_out_email: YesNo = None
    opted_out_phone: YesNo = None
    score: Whole | None = None
    external_id: Text = None
    arrived_at: Text = None


class OwnerIn(Body):
    """Whom to give a lead to."""

    type: Literal["user", "queue", "partner_account", "round_robin"]
    id: StrictStr


class NewLead(LeadFields):
    """A lead and how it is to be placed."""

    owner: OwnerIn | None = None
    notify: StrictBool = True
    route: StrictBool = True


class LeadChanges(LeadFields):
    """Fields to change; those left out stay."""


class Answer(Body):
    """Why a lead is declined or released."""

    reason: StrictStr
    note: Text = None


class Assign(Body):
    """Whom to give a lead to, or `route` to send it through the rules."""

    owner: OwnerIn | None = None
    route: StrictBool = False
    notify: StrictBool = True
    offer: StrictBool = False
    over_capacity: StrictBool = False


class BulkAssign(Body):
    """Many leads, one owner."""

    lead_ids: Annotated[list[StrictStr], Field(min_length=1, max_length=1000)]
    owner: OwnerIn
    notify: StrictBool = True


class ActivityIn(Body):
    """Something done or planned."""

    kind: Literal["call", "task", "meeting", "email", "note"]
    subject: StrictStr
    text: Text = None
    at: Text = None
    due_at: Text = None
    done: StrictBool | None = None


class ClaimNext(Body):
    """From which queue; any of the actor's when left out."""

    queue_id: Text = None


class LeadPath(BaseModel):
    """A lead in the address."""

    lead_id: str
