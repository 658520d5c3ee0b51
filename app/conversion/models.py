"""What became of converted leads, and which fields of theirs go where."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.records import Named


class Conversion(Base):
    """One lead became these records.  The row goes when the conversion is undone; events keep that it was.

    contact_id: None where the account is the person.  made: names of the results that were made for it.
    asked: what the person asked for, so that asking again is recognised.
    before: the lead's columns as they were; filled: result → column → what stood there, of records that were
    there before; documents: keys of those that went along.  event_id: the last event of the conversion itself.
    """

    __tablename__ = "conversion"
    __table_args__ = (
        Index("uq_conversion_lead", "lead_id", unique=True),
        Index("ix_conversion_account", "account_id", "lead_id"),
        Index("ix_conversion_contact", "contact_id", "lead_id"),
        Index("ix_conversion_opportunity", "opportunity_id", "lead_id"),
    )

    id: Mapped[Key]
    lead_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lead.id"))
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("contact.id"))
    opportunity_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("opportunity.id"))
    made: Mapped[list[Any]] = mapped_column(default=list)
    asked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    before: Mapped[dict[str, Any]] = mapped_column(default=dict)
    filled: Mapped[dict[str, Any]] = mapped_column(default=dict)
    documents: Mapped[list[Any]] = mapped_column(default=list)
    event_id: Mapped[int] = mapped_column(BigInteger, default=0)
    converted_at: Mapped[datetime]
    converted_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class FieldMapping(Named, Base):
    """A field that an administrator added to leads goes to that field of a result.  Fields by their names."""

    __tablename__ = "field_mapping"
    __table_args__ = (Index("uq_field_mapping", "object", "field", unique=True),)

    lead_field: Mapped[str] = mapped_column(String(60))
    object: Mapped[str] = mapped_column(String(12))
    field: Mapped[str] = mapped_column(String(60))
