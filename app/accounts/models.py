"""Accounts (businesses and persons), their contacts and the users answerable for them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    String,
    column,
    false,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import deleted_index, partial_index
from app.kernel.records import Cared, Extended, Named, Stamped, slot_indexes


class AccountKind(StrEnum):
    BUSINESS = "business"
    PERSON = "person"


class Account(Named, Stamped, Extended, Cared, Base):
    """A company, or one person.  The `_fold` and `_key` columns serve sorting, search and duplicates."""

    __tablename__ = "account"
    __table_args__ = (
        CheckConstraint("kind IN ('business','person')", name="kind"),
        Index("ix_account_created", "created_at", "id"),
        Index("ix_account_updated", "updated_at", "id"),
        Index("ix_account_name_fold", "name_fold", "id"),
        Index("ix_account_owner", "owner_user_id", "name_fold", "id"),
        Index("ix_account_owner_activity", "owner_user_id", "last_activity_at"),
        Index("ix_account_owner_told", "owner_user_id", "told_activity_at"),
        deleted_index("ix_account_deleted"),
        partial_index("ix_account_merged", "merged_into_id", where="merged_into_id IS NOT NULL"),
        Index("ix_account_company_key", "company_key"),
        Index("ix_account_domain", "domain"),
        Index("ix_account_phone_key", "phone_key"),
        Index("ix_account_parent", "parent_id", "name_fold", "id"),
        # What lists can be sorted by beside it.
        Index("ix_account_by_industry", func.lower(column("industry")), "id"),
        Index("ix_account_by_type", func.lower(column("type")), "id"),
        Index("ix_account_by_city", func.lower(column("billing_city")), "id"),
        Index("ix_account_by_country", "billing_country", "id"),
        Index("ix_account_by_employees", "employees", "id"),
        Index("ix_account_by_revenue", "annual_revenue", "id"),
        Index("ix_account_by_activity", "last_activity_at", "id"),
        Index("ix_account_by_told", "told_activity_at", "id"),
        # What lists are most often filtered by, each in the order of the list.
        Index("ix_account_industry", func.lower(column("industry")), "name_fold", "id"),
        Index("ix_account_type", func.lower(column("type")), "name_fold", "id"),
        Index("ix_account_city", func.lower(column("billing_city")), "name_fold", "id"),
        Index("ix_account_country", "billing_country", "name_fold", "id"),
        Index("ix_account_category", "category", "name_fold", "id"),
        Index("ix_account_external_id", "external_id"),
        *slot_indexes("account", "name_fold"),
    )

    kind: Mapped[AccountKind] = mapped_column(default=AccountKind.BUSINESS)
    name: Mapped[str] = mapped_column(String(255))
    name_fold: Mapped[str] = mapped_column(String(255))
    company_key: Mapped[str] = mapped_column(String(255), default="")
    account_number: Mapped[str | None] = mapped_column(String(80))
    site: Mapped[str | None] = mapped_column(String(120))
    phone: Mapped[str | None] = mapped_column(String(60))
    phone_key: Mapped[str | None] = mapped_column(String(30))
    website: Mapped[str | None] = mapped_column(String(500))
    domain: Mapped[str | None] = mapped_column(String(255))
    type: Mapped[str | None] = mapped_column(String(80))
    industry: Mapped[str | None] = mapped_column(String(120))
    employees: Mapped[int | None] = mapped_column(BigInteger)
    annual_revenue: Mapped[float | None] = mapped_column(Numeric(18, 2, asdecimal=False))
    category: Mapped[str] = mapped_column(String(40), default="unclassified")
    description: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(String(120))
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    owner_user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    billing_street: Mapped[str | None] = mapped_column(String(255))
    billing_city: Mapped[str | None] = mapped_column(String(120))
    billing_state: Mapped[str | None] = mapped_column(String(120))
    billing_postal_code: Mapped[str | None] = mapped_column(String(30))
    billing_country: Mapped[str | None] = mapped_column(String(2))
    shipping_street: Mapped[str | None] = mapped_column(String(255))
    shipping_city: Mapped[str | None] = mapped_column(String(120))
    shipping_state: Mapped[str | None] = mapped_column(String(120))
    shipping_postal_code: Mapped[str | None] = mapped_column(String(30))
    shipping_country: Mapped[str | None] = mapped_column(String(2))
    first_name: Mapped[str | None] = mapped_column(String(120))
    last_name: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(String(120))
    email: Mapped[str | None] = mapped_column(String(320))
    mobile: Mapped[str | None] = mapped_column(String(60))
    # What they want no more; it only ever becomes stricter when a lead becomes part of the record.
    opted_out_email: Mapped[bool] = mapped_column(default=False, server_default=false())
    opted_out_phone: Mapped[bool] = mapped_column(default=False, server_default=false())
    imported: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_activity_at: Mapped[datetime | None]
    told_activity_at: Mapped[datetime | None]  # see `activities.lasting`
    deleted_at: Mapped[datetime | None]


class Contact(Named, Stamped, Extended, Cared, Base):
    """A person at an account.  Without an account it is private to its owner and administrators."""

    __tablename__ = "contact"
    __table_args__ = (
        Index("ix_contact_created", "created_at", "id"),
        Index("ix_contact_updated", "updated_at", "id"),
        Index("ix_contact_last_name_fold", "last_name_fold", "id"),
        Index("ix_contact_account", "account_id", "last_name_fold", "id"),
        Index("ix_contact_owner", "owner_user_id", "last_name_fold", "id"),
        Index("ix_contact_reports_to", "reports_to_id", "last_name_fold", "id"),
        Index("ix_contact_owner_activity", "owner_user_id", "last_activity_at"),
        Index("ix_contact_owner_told", "owner_user_id", "told_activity_at"),
        deleted_index("ix_contact_deleted"),
        partial_index("ix_contact_merged", "merged_into_id", where="merged_into_id IS NOT NULL"),
        Index("ix_contact_email_key", "email_key"),
        Index("ix_contact_phone_key", "phone_key"),
        Index("ix_contact_by_title", func.lower(column("title")), "id"),
        Index("ix_contact_by_first_name", func.lower(column("first_name")), "id"),
        Index("ix_contact_by_activity", "last_activity_at", "id"),
        Index("ix_contact_by_told", "told_activity_at", "id"),
        Index("ix_contact_title", func.lower(column("title")), "last_name_fold", "id"),
        Index("ix_contact_first_name", func.lower(column("first_name")), "last_name_fold", "id"),
        Index("ix_contact_external_id", "external_id"),
        *slot_indexes("contact", "last_name_fold"),
    )

    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    last_name: Mapped[str] = mapped_column(String(120))
    last_name_fold: Mapped[str] = mapped_column(String(120))
    first_name: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(String(120))
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(60))
    phone_key: Mapped[str | None] = mapped_column(String(30))
    mobile: Mapped[str | None] = mapped_column(String(60))
    reports_to_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    owner_user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    description: Mapped[str | None]
    external_id: Mapped[str | None] = mapped_column(String(120))
    language: Mapped[str | None] = mapped_column(String(5))
    time_zone: Mapped[str | None] = mapped_column(String(60))
    # What they want no more; it only ever becomes stricter when a lead becomes part of the record.
    opted_out_email: Mapped[bool] = mapped_column(default=False, server_default=false())
    opted_out_phone: Mapped[bool] = mapped_column(default=False, server_default=false())
    consent: Mapped[bool | None]
    consent_basis: Mapped[str | None] = mapped_column(String(120))
    consent_on: Mapped[date | None]
    consent_origin: Mapped[str | None] = mapped_column(String(255))
    # opt-out → {"by": user id or None, "at": ISO moment} of when the person was last noted to want it no more
    opted_out_by: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    imported: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_activity_at: Mapped[datetime | None]
    told_activity_at: Mapped[datetime | None]  # see `activities.lasting`
    deleted_at: Mapped[datetime | None]

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}" if self.first_name else self.last_name


class AccountResponsible(Base):
    """A user answerable for an account; these accounts are the user's portfolio."""

    __tablename__ = "account_responsible"
    __table_args__ = (
        Index("uq_account_responsible", "account_id", "user_id", unique=True),
        Index("ix_account_responsible_user_id", "user_id"),
    )

    id: Mapped[Key]
    ref: Mapped[str] = mapped_column(String(40), unique=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    role: Mapped[str] = mapped_column(String(80), default="")
    created_at: Mapped[datetime]
