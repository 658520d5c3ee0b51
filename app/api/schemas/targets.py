"""Targets of partners as the API takes and shows them."""

from typing import Literal

from pydantic import Field, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Number, Person, Text, Whole, list_of

Period = Literal["month", "quarter"]


class PartnerTargetFields(Body):
    """What is to be reached: leads converted, an amount won with its currency, or both."""

    converted: Whole | None = None
    amount: Number | None = Field(default=None, description="Of opportunities won in that time.")
    currency: Text = Field(default=None, description="Three letters; asked for with an amount.")


class NewPartnerTarget(PartnerTargetFields):
    """What a partner, or one of its people, is to reach in a month or quarter."""

    period: Period
    starts_on: StrictStr = Field(
        description="The first day of the period, YYYY-MM-DD.", json_schema_extra={"format": "date"}
    )
    user_id: Text = Field(
        default=None, description="One of the partner's people; null for the whole company."
    )


class PartnerTargetChanges(PartnerTargetFields):
    """What is to be reached; what is left out stays, null takes it away."""


class Reached(Answer):
    """How far it is, in what the caller sees; null where nothing is to be reached."""

    converted: int | None
    amount: float | None


class PartnerTarget(Answer):
    """What a partner, or one of its people, is to reach in a month or quarter.  user: null for the whole company."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    account_id: Id
    user: Person | None
    period: Period
    starts_on: str
    converted: int | None
    amount: float | None
    currency: str | None
    reached: Reached


PartnerTargetList = list_of(PartnerTarget)
