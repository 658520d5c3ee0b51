"""Calls, tasks, meetings, e-mails and notes on a lead, an account or a contact."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class ActivityKind(StrEnum):
    CALL = "call"
    TASK = "task"
    MEETING = "meeting"
    EMAIL = "email"
    NOTE = "note"


class Activity(Named, Stamped, Base):
    """Something done or planned on exactly one record.

    at: when it was done; while it is planned, when it was written down.
    due_at, ends_at: until when it is to be done, or when it begins, and when it ends.
    outcome: what came of it.  remind_at: when its assignee wants to be reminded; reminded_at: when they were.
    assignee_id: whose it is to do, or who did it; its author unless it was given to a colleague.
    company_id: the partner account of its author; another company never sees it.
    shared_with_id: of a comment, the partner account with which the vendor and it are in conversation (`comments`);
    None of what stays with its author's side, and with the vendor.
    of_account_id: the account on whose page it is shown as well: its own, or the one of its contact
    (`activities.places`, kept by `activities.lasting`).
    """

    __tablename__ = "activity"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN lead_id IS NULL THEN 0 ELSE 1 END + CASE WHEN account_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END + CASE WHEN case_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN opportunity_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_record",
        ),
        Index("ix_activity_lead", "lead_id", "at", "id"),
        Index("ix_activity_account", "account_id", "at", "id"),
        Index("ix_activity_contact", "contact_id", "at", "id"),
        Index("ix_activity_case", "case_id", "at", "id"),
        Index("ix_activity_opportunity", "opportunity_id", "at", "id"),
        Index("ix_activity_author", "created_by_id", "at"),
        Index("ix_activity_assignee", "assignee_id", "at"),
        partial_index(
            "ix_activity_assignee_open",
            "assignee_id",
            "due_at",
            "id",
            where="NOT is_done",
            on_sqlite="is_done = 0",
        ),
        Index("ix_activity_of_account", "of_account_id", "at", "id"),
        partial_index(
            "ix_activity_of_account_open",
            "of_account_id",
            "due_at",
            where="NOT is_done",
            on_sqlite="is_done = 0",
        ),
        partial_index(
            "ix_activity_remind", "remind_at", where="remind_at IS NOT NULL AND reminded_at IS NULL"
        ),
        partial_index("ix_activity_company", "company_id", where="company_id IS NOT NULL"),
        partial_index("ix_activity_shared", "shared_with_id", "lead_id", where="shared_with_id IS NOT NULL"),
    )

    kind: Mapped[ActivityKind]
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[str | None]
    at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    place: Mapped[str | None] = mapped_column(String(255))
    outcome: Mapped[str | None]
    remind_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    is_done: Mapped[bool] = mapped_column(default=True)
    lead_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    case_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("case.id"))
    opportunity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("opportunity.id"))
    company_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    shared_with_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    assignee_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    of_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))


class Participant(Base):
    """Somebody who takes part in an activity beside its assignee: a colleague, or a contact."""

    __tablename__ = "activity_participant"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN user_id IS NULL THEN 0 ELSE 1 END + CASE WHEN contact_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_person",
        ),
        Index("uq_activity_participant_user", "activity_id", "user_id", unique=True),
        Index("uq_activity_participant_contact", "activity_id", "contact_id", unique=True),
        Index("ix_activity_participant_user", "user_id", "activity_id"),
        Index("ix_activity_participant_contact", "contact_id", "activity_id"),
    )

    id: Mapped[Key]
    activity_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("activity.id"))
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
