"""Cases as the API takes and shows them."""

from typing import Literal

from pydantic import Field, StrictStr

from app.api.schemas.accounts import UserIn
from app.api.schemas.common import Answer, Body, Id, Moment, Person, Text, list_of

Priority = Literal["low", "normal", "high", "urgent"]
Type = Literal["question", "problem", "request"]
Origin = Literal["phone", "email", "web", "meeting", "other"]


class CaseFields(Body):
    """Fields of a case that may be written."""

    subject: Text = None
    description: Text = None
    status: Text = Field(default=None, description="Key of an entry of the registry case_statuses.")
    priority: Priority | None = None
    type: Type | None = None
    origin: Origin | None = None
    contact_id: Text = Field(
        default=None, description="Brings its account; of that account where one is named."
    )
    account_id: Text = None
    owner: UserIn | StrictStr | None = Field(default=None, description="A user, or the user's id.")
    external_id: Text = None


class NewCase(CaseFields):
    """What somebody asks; a subject at least."""


class CaseChanges(CaseFields):
    """Fields to change; those left out stay."""

    reason: Text = Field(default=None, description="Why, with a status that closes it or opens it again.")


class Case(Answer):
    """A service request.  contact_id, account_id: null too where the caller may not see them."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    number: str = Field(description="Eight digits that people call it by; they tell nothing about its age.")
    subject: str
    description: str | None
    status: str
    open: bool = Field(description="Whether the status is of the category open.")
    priority: Priority
    type: Type | None
    origin: Origin | None
    contact_id: str | None
    account_id: str | None
    owner: Person
    external_id: str | None
    opened_at: Moment
    closed_at: Moment | None
    resolution: str | None = Field(description="The reason it was closed with; null while it is open.")


CaseList = list_of(Case)
