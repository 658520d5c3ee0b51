"""Opportunities: what an account may buy, who takes part, and the lists of their stages and outcomes."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import deleted_index, live_index, partial_index
from app.kernel.records import Extended, Named, Stamped, slot_indexes


class StageCategory(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class OpportunityStage(Named, Base):
    """A stage of the administrator's list; `key` is its name in the API, `name` what people read.

    probability: in percent, what an opportunity has that comes to the stage.
    """

    __tablename__ = "opportunity_stage"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[StageCategory]
    probability: Mapped[int]
    position: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)


class OutcomeReason(Named, Base):
    """Why opportunities are won or lost.  category: won or lost."""

    __tablename__ = "outcome_reason"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[StageCategory]
    position: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)


# Compared byte by byte, so that a beginning is a range of the index whatever the database's language.
_Bytewise = String(255).with_variant(String(255, collation="C"), "postgresql")
LAST_DAY = date(9999, 12, 31)


class Opportunity(Named, Stamped, Extended, Base):
    """Something that an account may buy.

    category: of its stage.  probability: in percent; the stage's unless somebody judged otherwise.
    amount: with its currency; amounts of different currencies are never added.
    amount_order, close_order: amount and close date as lists sort them, those without one last.
    owner_user_id: somebody of the vendor, or a partner user; then partner_account_id is their company, and
    owner_rank the rank of their role.  source_partner_id: the company that had the lead when it was converted;
    it stays whoever works on it.  interest_id: the account's unmet need that it was made of.
    outcome_id, outcome_note: why it was won or lost, None while it is open.
    turned_at: when it was last won, lost or opened again, None where it never was.
    """

    __tablename__ = "opportunity"
    __table_args__ = (
        CheckConstraint("amount IS NULL OR currency IS NOT NULL", name="amount_in_currency"),
        CheckConstraint("probability BETWEEN 0 AND 100", name="probability"),
        live_index("ix_opportunity_created", "created_at", "id"),
        live_index("ix_opportunity_updated", "updated_at", "id"),
        live_index("ix_opportunity_name", "name_fold", "id"),
        live_index("ix_opportunity_amount", "amount_order", "id"),
        live_index("ix_opportunity_close", "close_order", "id"),
        live_index("ix_opportunity_stage", "stage_id", "close_order", "id"),
        live_index("ix_opportunity_category", "category", "created_at", "id"),
        live_index("ix_opportunity_owner", "owner_user_id", "created_at", "id"),
        live_index("ix_opportunity_account", "account_id", "category", "created_at", "id"),
        live_index("ix_opportunity_account_made", "account_id", "created_at", "id"),
        live_index("ix_opportunity_account_turned", "account_id", "turned_at", "id"),
        live_index("ix_opportunity_partner", "partner_account_id", "owner_rank", "created_at", "id"),
        partial_index(
            "ix_opportunity_source_partner", "source_partner_id", where="source_partner_id IS NOT NULL"
        ),
        partial_index("ix_opportunity_lead", "source_lead_id", where="source_lead_id IS NOT NULL"),
        partial_index(
            "uq_opportunity_interest",
            "interest_id",
            unique=True,
            where="interest_id IS NOT NULL AND deleted_at IS NULL",
        ),
        deleted_index("ix_opportunity_deleted"),
        partial_index(
            "ix_opportunity_campaign",
            "campaign_id",
            "created_at",
            "id",
            where="deleted_at IS NULL AND campaign_id IS NOT NULL",
        ),
        Index("ix_opportunity_external_id", "external_id"),
        *slot_indexes("opportunity", "created_at"),
    )

    name: Mapped[str] = mapped_column(String(255))
    name_fold: Mapped[str] = mapped_column(_Bytewise)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    amount: Mapped[float | None] = mapped_column(Numeric(19, 3, asdecimal=False))
    currency: Mapped[str | None] = mapped_column(String(3))
    stage_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("opportunity_stage.id"))
    category: Mapped[StageCategory] = mapped_column(default=StageCategory.OPEN)
    probability: Mapped[int] = mapped_column(default=0)
    amount_order: Mapped[float] = mapped_column(Numeric(19, 3, asdecimal=False), default=0)
    close_on: Mapped[date | None]
    close_order: Mapped[date] = mapped_column(default=LAST_DAY)
    closed_at: Mapped[datetime | None]
    turned_at: Mapped[datetime | None]
    outcome_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("outcome_reason.id"))
    outcome_note: Mapped[str | None]
    owner_user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    owner_rank: Mapped[int | None]
    partner_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    source_partner_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    source_lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead.id"))
    interest_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("account_interest.id", ondelete="SET NULL")
    )
    campaign_name: Mapped[str | None] = mapped_column(String(120))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("campaign.id"))
    description: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(String(120))
    last_activity_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    @property
    def is_open(self) -> bool:
        return self.category is StageCategory.OPEN


class ContactRole(StrEnum):
    DECISION_MAKER = "decision_maker"
    INFLUENCER = "influencer"
    BUYER = "buyer"
    USER = "user"
    TECHNICAL = "technical"
    OTHER = "other"


class OpportunityContact(Named, Base):
    """A person who has a part in it.  Beside its account's own contacts these may be anybody's."""

    __tablename__ = "opportunity_contact"
    __table_args__ = (
        Index("uq_opportunity_contact", "opportunity_id", "contact_id", unique=True),
        Index("ix_opportunity_contact_contact", "contact_id", "opportunity_id"),
    )

    opportunity_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("opportunity.id"))
    contact_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("contact.id"))
    role: Mapped[ContactRole]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
