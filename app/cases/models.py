"""Cases, what somebody asked of us or complained about, and the list of their statuses."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import deleted_index, live_index
from app.kernel.records import Named, Stamped


class CaseCategory(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class CasePriority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"

    @property
    def rank(self) -> int:
        """What lists are sorted by: the most urgent highest."""
        return list(CasePriority).index(self)


class CaseType(StrEnum):
    QUESTION = "question"
    PROBLEM = "problem"
    REQUEST = "request"


class CaseOrigin(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    WEB = "web"
    MEETING = "meeting"
    OTHER = "other"


class CaseStatus(Named, Base):
    """A status of the administrator's list; `key` is its name in the API, `name` what people read."""

    __tablename__ = "case_status"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[CaseCategory]
    position: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)


# Compared byte by byte, so that a beginning is a range of the index whatever the database's language.
_Bytewise = String(255).with_variant(String(255, collation="C"), "postgresql")


class Case(Named, Stamped, Base):
    """A service request.  It belongs to the contact's account, or to an account alone, or to neither.

    number: what people call it by; drawn by chance, see `numbers`.  is_open: its status is of the category open.
    turned_at: when it was last closed or opened again, None where it never was.
    priority_rank: the priority as lists sort it.  resolution: why it was closed, None while it is open.
    """

    __tablename__ = "case"
    __table_args__ = (
        live_index("ix_case_created", "created_at", "id"),
        live_index("ix_case_updated", "updated_at", "id"),
        live_index("ix_case_priority", "priority_rank", "id"),
        live_index("ix_case_subject", "subject_fold", "id"),
        live_index("ix_case_open", "is_open", "created_at", "id"),
        live_index("ix_case_status", "status_id", "created_at", "id"),
        live_index("ix_case_owner", "owner_user_id", "is_open", "created_at", "id"),
        live_index("ix_case_account", "account_id", "created_at", "id"),
        live_index("ix_case_contact", "contact_id", "created_at", "id"),
        live_index("ix_case_account_turned", "account_id", "turned_at", "id"),
        live_index("ix_case_contact_turned", "contact_id", "turned_at", "id"),
        deleted_index("ix_case_deleted"),
        Index("uq_case_number", "number", unique=True),
        Index("ix_case_external_id", "external_id"),
    )

    number: Mapped[str] = mapped_column(_Bytewise)
    subject: Mapped[str] = mapped_column(String(255))
    subject_fold: Mapped[str] = mapped_column(_Bytewise)
    description: Mapped[str | None]
    status_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("case_status.id"))
    is_open: Mapped[bool] = mapped_column(default=True)
    priority: Mapped[CasePriority] = mapped_column(default=CasePriority.NORMAL)
    priority_rank: Mapped[int] = mapped_column(default=CasePriority.NORMAL.rank)
    type: Mapped[CaseType | None]
    origin: Mapped[CaseOrigin | None]
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    owner_user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    external_id: Mapped[str | None] = mapped_column(String(120))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    turned_at: Mapped[datetime | None]
    resolution: Mapped[str | None]
    last_activity_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]

    @property
    def title(self) -> str:
        """Its number and subject, as it is named among others."""
        return f"{self.number} {self.subject}"
