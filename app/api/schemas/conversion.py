"""Converting a lead, as the API takes and shows it."""

from pydantic import Field, StrictBool

from app.api.schemas.accounts import Account, Contact
from app.api.schemas.common import Answer, Body, Text
from app.api.schemas.opportunities import Number, Opportunity


class OpportunityWanted(Body):
    """The opportunity that the lead is to become."""

    name: Text = None
    amount: Number = None
    currency: Text = None
    close_date: Text = None


class Conversion(Body):
    """What the lead is to become; what is left out is found among what the caller sees, or made."""

    account_id: Text = None
    contact_id: Text = None
    person_account: StrictBool = Field(default=False, description="The account is the person.")
    opportunity: OpportunityWanted | None = None


class Called(Answer):
    """A record by name: all that partner people are told of accounts and contacts here.

    name: null where names of leads are hidden from them.
    """

    id: str
    name: str | None


class Converted(Answer):
    """What the lead has become.  contact: null where the account is the person."""

    account: Account | Called
    contact: Contact | Called | None
    opportunity: Opportunity | None
