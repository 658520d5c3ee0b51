"""Accounts, contacts and partners as the API takes and shows them."""

from typing import Any, Literal

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.common import (
    Answer,
    Body,
    Custom,
    Id,
    Moment,
    Number,
    Person,
    SuccessorIn,
    Text,
    Whole,
    YesNo,
    list_of,
)

PartnerRole = Literal["user", "manager", "executive"]


class UserIn(Body):
    """A user, as an owner is written; the name is not looked at."""

    type: Literal["user"] = "user"
    id: StrictStr
    name: Text = None


class AccountFields(Body):
    """Fields of an account that may be written.  The first five are a person account's."""

    last_name: Text = None
    first_name: Text = None
    title: Text = None
    email: Text = None
    mobile: Text = None
    name: Text = None
    account_number: Text = None
    site: Text = None
    phone: Text = None
    website: Text = None
    type: Text = None
    industry: Text = None
    employees: Whole | None = None
    annual_revenue: Number | None = None
    billing_street: Text = None
    billing_city: Text = None
    billing_state: Text = None
    billing_postal_code: Text = None
    billing_country: Text = None
    shipping_street: Text = None
    shipping_city: Text = None
    shipping_state: Text = None
    shipping_postal_code: Text = None
    shipping_country: Text = None
    parent_id: Text = None
    owner: UserIn | StrictStr | None = Field(default=None, description="A user, or the user's id.")
    category: Text = None
    description: Text = None
    external_id: Text = None
    custom: Custom = None
    allow_duplicate: StrictBool = Field(
        default=False, description="Save although it is probably there already."
    )


class NewAccount(AccountFields):
    """A business, with a name, or a person, with a last name."""

    kind: Literal["business", "person"] = "business"


class AccountChanges(AccountFields):
    """Fields to change; those left out stay."""

    kind: Literal["business", "person"] | None = Field(
        default=None, description="Another one makes a person of a business, or the other way round."
    )


class PartnerOut(Answer):
    """What makes an account a partner."""

    state: Literal["active", "suspended"]
    level: str | None
    capacity: int | None
    queue_id: Id
    may_invite: Literal["nobody", "executive", "manager"]


class Account(Answer):
    """A company, or one person.  The last five fields are a person account's alone.

    What the vendor keeps for itself (owner, type, category, description, external_id, partner) is null to partner users.
    """

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    name: str
    kind: Literal["business", "person"]
    account_number: str | None
    site: str | None
    phone: str | None
    website: str | None
    type: str | None
    industry: str | None
    employees: int | None
    annual_revenue: float | None
    billing_street: str | None
    billing_city: str | None
    billing_state: str | None
    billing_postal_code: str | None
    billing_country: str | None
    shipping_street: str | None
    shipping_city: str | None
    shipping_state: str | None
    shipping_postal_code: str | None
    shipping_country: str | None
    parent_id: str | None
    owner: Person | None
    category: str | None
    description: str | None
    external_id: str | None
    custom: dict[str, Any]
    partner: PartnerOut | None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    email: str | None = None
    mobile: str | None = None


AccountList = list_of(Account)


class ContactFields(Body):
    """Fields of a contact that may be written."""

    account_id: Text = Field(
        default=None, description="null makes it private to its owner and administrators."
    )
    last_name: Text = None
    first_name: Text = None
    title: Text = None
    email: Text = None
    phone: Text = None
    mobile: Text = None
    reports_to_id: Text = None
    owner: UserIn | StrictStr | None = Field(default=None, description="A user, or the user's id.")
    language: Text = None
    time_zone: Text = None
    description: Text = None
    external_id: Text = None
    consent: YesNo = Field(default=None, description="null for unknown.")
    consent_basis: Text = Field(
        default=None,
        description="One of consent, contract, legitimate_interest, legal_obligation, public_interest, vital_interest, "
        "or its name in English, Spanish or Catalan. What was written in words before stands until it is changed.",
    )
    consent_on: Text = Field(default=None, description="The day, as 2026-03-31.")
    consent_origin: Text = Field(default=None, description="Where it came from, such as a form.")
    opted_out_email: YesNo = None
    opted_out_phone: YesNo = None
    custom: Custom = None
    allow_duplicate: StrictBool = Field(
        default=False, description="Save although it is probably there already."
    )


class NewContact(ContactFields):
    """A person at an account; a last name at least."""


class ContactChanges(ContactFields):
    """Fields to change; those left out stay."""


class Contact(Answer):
    """A person at an account.

    What the vendor keeps for itself (owner, language, time_zone, description, external_id, consent but not the
    opt-outs) is null to partner users.
    """

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    created_by: Person | None
    updated_by: Person | None
    account_id: str | None
    last_name: str
    first_name: str | None
    title: str | None
    email: str | None
    phone: str | None
    mobile: str | None
    reports_to_id: str | None
    owner: Person | None
    language: str | None
    time_zone: str | None
    description: str | None
    external_id: str | None
    consent: bool | None
    consent_basis: str | None
    consent_on: str | None
    consent_origin: str | None
    opted_out_email: bool
    opted_out_phone: bool
    custom: dict[str, Any]


ContactList = list_of(Contact)


class NewResponsible(Body):
    """A colleague who becomes answerable for an account."""

    user_id: StrictStr
    role: Text = None


class Responsible(Answer):
    """Somebody answerable for an account, and as what."""

    id: Id
    user_id: Id
    user: Person
    role: str | None


ResponsibleList = list_of(Responsible)


class EnablePartner(Body):
    """What is agreed with the partner."""

    level: Text = Field(default=None, description="Id or name of a partner level.")
    capacity: Whole | None = Field(default=None, description="Most open leads of all its users together.")
    may_invite: Literal["nobody", "executive", "manager"] = Field(
        default="nobody", description="The role from which its users may invite colleagues."
    )


class SuspendPartner(Body):
    """What becomes of the open leads; must be said."""

    open_leads: Literal["keep", "route"] | SuccessorIn


class EnablePartnerUser(Body):
    """The new partner user; what is not given is taken from the contact."""

    role: PartnerRole = "user"
    email: Text = None
    language: Text = None
    time_zone: Text = None
