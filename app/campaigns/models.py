"""Campaigns, and who was reached by them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class CampaignStatus(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    DONE = "done"


class CampaignType(StrEnum):
    EMAIL = "email"
    WEB = "web"
    EVENT = "event"
    WEBINAR = "webinar"
    ADVERTISEMENT = "advertisement"
    CALLS = "calls"
    POST = "post"
    PARTNER = "partner"
    OTHER = "other"


# What a new campaign tells of each member; each campaign has a list of its own.
FIRST_MEMBER_STATUSES = (
    {"key": "sent", "name": "Sent", "answered": False},
    {"key": "answered", "name": "Answered", "answered": True},
    {"key": "attended", "name": "Attended", "answered": True},
)


class Campaign(Named, Stamped, Base):
    """Something the vendor does to be noticed.  Internal people's; of a lead's, partners may see the name.

    member_statuses: what is told of members, in order: `{"key", "name", "answered"}`; the first is a new member's.
    starts_order: the start as lists sort it, those without one first.
    archived_at: since when it is offered no more; what came of it stays.
    """

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint(
            "(budgeted_cost IS NULL AND actual_cost IS NULL) OR currency IS NOT NULL", name="cost_in_currency"
        ),
        CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="ends_after_start"
        ),
        Index("uq_campaign_name", "name_fold", unique=True),
        Index("uq_campaign_external_id", "external_id", unique=True),
        Index("ix_campaign_created", "created_at", "id"),
        Index("ix_campaign_updated", "updated_at", "id"),
        Index("ix_campaign_name", "name_fold", "id"),
        Index("ix_campaign_starts", "starts_order", "id"),
        Index("ix_campaign_owner", "owner_user_id", "created_at", "id"),
        Index("ix_campaign_status", "status", "created_at", "id"),
    )

    name: Mapped[str] = mapped_column(String(120))
    name_fold: Mapped[str] = mapped_column(String(120))
    status: Mapped[CampaignStatus] = mapped_column(default=CampaignStatus.ACTIVE)
    type: Mapped[CampaignType | None]
    source_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead_source.id"))
    starts_on: Mapped[date | None]
    starts_order: Mapped[date] = mapped_column(default=date.min)
    ends_on: Mapped[date | None]
    budgeted_cost: Mapped[float | None] = mapped_column(Numeric(19, 3, asdecimal=False))
    actual_cost: Mapped[float | None] = mapped_column(Numeric(19, 3, asdecimal=False))
    currency: Mapped[str | None] = mapped_column(String(3))
    owner_user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    description: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(String(120))
    member_statuses: Mapped[list[Any]] = mapped_column(
        default=lambda: [dict(each) for each in FIRST_MEMBER_STATUSES]
    )
    archived_at: Mapped[datetime | None]


class CampaignMember(Named, Base):
    """A lead or a contact that a campaign reached.  status: a key of the campaign's `member_statuses`.

    A lead that came by a campaign is a member of it for as long as it has it.
    """

    __tablename__ = "campaign_member"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN lead_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_record",
        ),
        partial_index(
            "uq_campaign_member_lead", "campaign_id", "lead_id", unique=True,
            where="lead_id IS NOT NULL",
        ),
        partial_index(
            "uq_campaign_member_contact", "campaign_id", "contact_id", unique=True,
            where="contact_id IS NOT NULL",
        ),
        Index("ix_campaign_member_campaign", "campaign_id", "id"),
        Index("ix_campaign_member_status", "campaign_id", "status", "id"),
        Index("ix_campaign_member_lead", "lead_id", "campaign_id"),
        Index("ix_campaign_member_contact", "contact_id", "campaign_id"),
    )  # fmt: skip

    campaign_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("campaign.id"))
    lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    status: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    updated_at: Mapped[datetime]
