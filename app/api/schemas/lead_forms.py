"""Web-to-lead forms as the API takes and shows them."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Text, YesNo, list_of

Language = Literal["en", "es", "ca"]
Hidden = Annotated[
    dict[StrictStr, Any],
    Field(
        description="Field → what every lead of the form holds in it, such as source, campaign, product_interest."
    ),
]


class FormFieldIn(Body):
    """A field that the form asks for.  label, help: in the form's language; Canal's own where there is none."""

    name: StrictStr
    label: Text = None
    help: Text = None
    required: StrictBool = False


class NewLeadForm(Body):
    """A form.  fields: in order; one that identifies somebody must be among them."""

    name: StrictStr
    language: Language = "en"
    heading: Text = None
    fields: list[FormFieldIn]
    hidden: Hidden = {}
    thank_you_url: Text = Field(default=None, description="Where people are sent afterwards, https:// only.")
    thank_you_text: Text = None
    frame_sites: list[StrictStr] = []
    is_active: StrictBool = True


class LeadFormChanges(Body):
    """Fields to change; those left out stay."""

    name: Text = None
    language: Language | None = None
    heading: Text = None
    fields: list[FormFieldIn] | None = None
    hidden: Hidden | None = None
    thank_you_url: Text = None
    thank_you_text: Text = None
    frame_sites: list[StrictStr] | None = None
    is_active: YesNo = None


class FormField(Answer):
    """A field that the form asks for."""

    name: str
    label: str | None
    help: str | None
    required: bool


class LeadForm(Answer):
    """A form.  capture_url: where it is posted to; trap_field: stays empty when a person sends it."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    key: str
    name: str
    language: Language
    heading: str | None
    fields: list[FormField]
    hidden: dict[str, Any]
    thank_you_url: str | None
    thank_you_text: str | None
    frame_sites: list[str]
    is_active: bool
    trap_field: str
    capture_url: str
    form_url: str


LeadFormList = list_of(LeadForm)
