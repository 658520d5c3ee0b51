"""Calls, tasks, meetings, e-mails and notes on a lead, an account or a contact."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.records import Named, Stamped


class ActivityKind(StrEnum):
    CALL = "call"
    TASK = "task"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"


class Activity(Named, Stamped, Base):
    """Something done or planned on exactly one record.

    company_id: the partner account of its author; another company never sees it.
    """

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN lead_id IS NULL THEN 0 ELSE 1 END + CASE WHEN account_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END + CASE WHEN case_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_record",
        ),
        Index("ix_activity_lead", "lead_id", "at", "id"),
        Index("ix_activity_account", "account_id", "at", "id"),
        Index("ix_activity_contact", "contact_id", "at", "id"),
        Index("ix_activity_case", "case_id", "at", "id"),
        Index("ix_activity_author", "created_by_id", "at"),
    )

    kind: Mapped[ActivityKind]
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str | None]
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    is_done: Mapped[bool] = mapped_column(default=True)
    lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("case.id"))
    company_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
