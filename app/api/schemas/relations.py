"""What hangs on accounts as the API takes and shows it: relationships, interests, characteristics."""

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Person, Text, list_of

Day = Field(default=None, description="A date, YYYY-MM-DD.", json_schema_extra={"format": "date"})


class ResponsibleChanges(Body):
    """As what somebody is answerable."""

    role: Text = None


class NewRelationship(Body):
    """How this account is related to another one."""

    account_id: StrictStr = Field(description="The other account.")
    reason: StrictStr = Field(
        description="As it reads from this account (“supplier of”, “supplied by”), or the id of the reason."
    )
    inverse: StrictBool = Field(
        default=False, description="A reason given by its id is read from its other end."
    )
    note: Text = None
    since_on: Text = Day
    until_on: Text = Day


class AccountNamed(Answer):
    """An account by name."""

    id: Id
    name: str


class Relationship(Answer):
    """A relationship, read from the account that was asked."""

    id: Id
    account_id: Id
    account: AccountNamed
    reason: str
    reason_id: Id
    inverse: bool = Field(description="Whether the reason is read from its other end.")
    note: str | None
    since_on: str | None
    until_on: str | None


RelationshipList = list_of(Relationship)


class NewInterest(Body):
    """What the account thinks of an area; said before, it is changed."""

    area: StrictStr = Field(description="Id or name of one of the interest_areas.")
    interest: StrictBool = Field(description="false: it is not interested.")
    need: Text = Field(default=None, description="What it needs there and does not have yet.")


class InterestChanges(Body):
    """What to change; what is left out stays."""

    interest: StrictBool | None = None
    need: Text = None
    need_met: StrictBool | None = None


class Interest(Answer):
    """What an account thinks of an area.  path: the area after those above it.

    opportunity_id: what was made of its need, as far as the caller sees it.
    """

    id: Id
    area: str
    area_id: Id
    path: str
    interest: bool
    need: str | None
    need_met: bool
    opportunity_id: Id | None
    noted_at: Moment
    noted_by: Person | None


InterestList = list_of(Interest)


class NewCharacteristic(Body):
    """A value of one of the types that an administrator keeps."""

    type: StrictStr = Field(description="Id or name of one of the characteristic_types.")
    value: StrictStr


class Characteristic(Answer):
    """A value that is characteristic of an account."""

    id: Id
    type: str
    type_id: Id
    value: str


CharacteristicList = list_of(Characteristic)
