"""Imports, settings, registries, deliveries and events as the API takes and shows them."""

from typing import Any, Literal

from pydantic import Field, StrictBool, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, OneOf, RecordRef, Text, Whole, list_of
from app.api.schemas.sharing import PartnerReach, Preview


class Import(Answer):
    """A file being taken in."""

    id: Id
    object: Literal["lead", "account", "contact", "account_contact"]
    filename: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    rows: int | None
    done: int
    accepted: int
    refused: int
    warnings: int
    rejected_url: str | None = Field(
        description="Where the refused rows are, as CSV; null when there are none."
    )
    detail: str | None = Field(description="Why it failed.")
    created_at: Moment
    finished_at: Moment | None


ImportList = list_of(Import)

Default = Literal["private", "read", "read_write"]


class DefaultsOut(Answer):
    """What people have of records that nobody gave them: the vendor's, and partners'."""

    internal: Default
    external: Default


class DefaultsIn(Body):
    """Defaults to change; a side that is left out stays.  Partners never have more than the vendor's people."""

    internal: Default | None = None
    external: Default | None = None


Seen = Literal["hidden", "preview", "after_claim"]


class LeadFieldsOut(Answer):
    """When partners see each field of a lead.  levels: level → field → when, where it is otherwise than for all."""

    all: dict[str, Seen]
    levels: dict[Id, dict[str, Seen]]


class LeadFieldsIn(Body):
    """When partners see fields of a lead; those not named stay.  Nobody but the vendor sees a hidden field."""

    all: dict[str, Seen] | None = None
    levels: dict[str, dict[str, Seen | None]] | None = Field(
        default=None, description="Level → field → when; null lets the level see it as all do."
    )
    knowingly: StrictBool = Field(
        default=False,
        description="Needed to show before the claim what tells whom to call, such as the company.",
    )


class Settings(Answer):
    """The organisation.  names: language → object → [singular, plural] where it was renamed, in Spanish and Catalan
    perhaps with the gender, m or f, as the third.  field_names: language → object → field → label, likewise.
    """

    version: str
    name: str
    accent: str | None
    language: str
    time_zone: str
    currency: str = Field(description="Of amounts that come without one.")
    strict_capture: bool
    preview_fields: list[str]
    lead_fields: LeadFieldsOut
    defaults: dict[str, DefaultsOut]
    names: dict[str, dict[str, list[str]]]
    field_names: dict[str, dict[str, dict[str, str]]]
    prm_enabled_at: Moment | None
    portal_published_at: Moment | None
    portal_roles: list[Literal["user", "manager", "executive"]]
    partner_reach: list[PartnerReach] | None = Field(
        default=None, description="After a change of defaults: what every partner user has of all records."
    )


class SettingsOrPreview(OneOf[Settings | Preview]):
    """The settings, or what a change of their defaults would do."""


class SettingsChanges(Body):
    """Settings to change; those left out stay."""

    name: Text = None
    accent: Text = None
    language: Text = None
    time_zone: Text = None
    currency: Text = None
    strict_capture: StrictBool | None = None
    preview_fields: list[StrictStr] | None = Field(
        default=None,
        description="What all partners see before a claim; `lead_fields` says the same and more.",
    )
    lead_fields: LeadFieldsIn | None = None
    portal_roles: list[StrictStr] | None = Field(
        default=None, description="Partner roles that are members of the portal: user, manager, executive."
    )
    defaults: dict[str, DefaultsIn] | None = Field(
        default=None, description="Of lead, account, contact, case, document and saved_view."
    )
    names: dict[str, dict[str, list[StrictStr]]] | None = Field(
        default=None,
        description="Language → object → [singular, plural] or, in es and ca, [singular, plural, m or f]; replaces all that"
        " were renamed.",
    )
    field_names: dict[str, dict[str, dict[str, StrictStr]]] | None = Field(
        default=None, description="Language → object → field → label; replaces all that were renamed."
    )


class RegistryItemIn(Body):
    """An entry of a list; which fields it has depends on the list."""

    name: Text = None
    category: Literal["new", "working", "qualified", "unqualified"] | None = Field(
        default=None, description="lead_statuses"
    )
    moves: list[StrictStr] | None = Field(
        default=None,
        description="lead_statuses: keys of those that a lead goes on to from here; null: anywhere.",
    )
    gives_turn_back: StrictBool | None = Field(default=None, description="decline_reasons")
    accept_within_minutes: Whole | None = Field(default=None, description="partner_levels")
    touch_within_hours: Whole | None = Field(default=None, description="partner_levels")
    inverse: Text = Field(
        default=None, description="relationship_reasons: as it reads from the other side; null for the same."
    )
    allowed: list[StrictStr] | None = Field(
        default=None, description="characteristic_types: the values to choose from; none of them: any text."
    )
    parent_id: Text = Field(default=None, description="interest_areas: the one above, by id or name.")
    active: StrictBool | None = Field(default=None, description="false retires it; not of partner_levels")
    position: Whole | None = Field(
        default=None, description="From 0; of a change: where it goes in the list."
    )


class RegistryItem(Answer):
    """An entry of a list.  key: its lasting name for integrators, of lead_statuses and decline_reasons."""

    id: Id
    name: str
    key: str = ""
    category: Literal["new", "working", "qualified", "unqualified", "converted"] = "new"
    moves: list[str] | None = Field(
        default=None, description="lead_statuses: keys of those that a lead goes on to; null: anywhere."
    )
    guidance: dict[str, str] = Field(
        default={}, description="lead_statuses: language, and what the step asks for."
    )
    matters: list[str] = Field(default=[], description="lead_statuses: fields that matter at this step.")
    gives_turn_back: bool = False
    accept_within_minutes: int | None = None
    touch_within_hours: int | None = None
    inverse: str | None = None
    allowed: list[str] = []
    parent_id: str | None = None
    active: bool = True
    position: int


RegistryItemList = list_of(RegistryItem)


class Delivery(Answer):
    """One notification to one person through one channel."""

    id: Id
    state: Literal["due", "held", "sending", "sent", "failed", "withheld", "suppressed"]
    kind: str
    channel: str
    record: RecordRef | None
    recipient: str
    created_at: Moment
    sent_at: Moment | None
    error: str | None


DeliveryList = list_of(Delivery)


class MailTemplate(Answer):
    """A mail text that an entry of the assignment rules can choose."""

    id: Id
    name: str
    created_at: Moment
    updated_at: Moment


MailTemplateList = list_of(MailTemplate)


class EventActor(Answer):
    """Who did it: a person, or a part of the system."""

    type: Literal["user", "system"]
    id: str | None
    name: str


class Event(Answer):
    """One change: who, what, when, from what to what, through which door."""

    id: Id
    at: Moment
    kind: str
    record: RecordRef
    actor: EventActor
    door: str
    changes: dict[str, list[Any]]
    detail: dict[str, Any]


EventList = list_of(Event)
