"""Fields that an administrator adds to leads, accounts and contacts, how forms are laid out, how filled fields are."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class CustomField(Named, Stamped, Base):
    """One field.  name: its key in records, rules, files and the API; never given to another field of the object.

    labels: language → what it is called in it, where that is not `label`.
    choices: `[{"key", "name", "names": {language: name}, "retired": bool}]` in order, of fields that have them.
    is_internal: of accounts, contacts and opportunities, for the vendor's people alone; of leads the organisation's setting of what
    partners see says so (`leads.visibility`).  by_partner: of leads, partners who see it write it too.
    first_value: what a new record begins with, as text; "" for nothing.
    slot: the column of `kernel.records.Extended` that it is indexed in.  slot_is_ready: every record has it by now.
    work: "fill" while records get the column, "clear" while values of a deleted field go; work_…: how far it is.
    deleted_at: it is nowhere any more; the row stays so that its name is not given again.
    """

    __tablename__ = "custom_field"
    __table_args__ = (
        CheckConstraint("object IN ('lead','account','contact','opportunity')", name="object"),
        CheckConstraint("slot IS NULL OR slot BETWEEN 1 AND 5", name="slot"),
        Index("uq_custom_field_name", "object", "name", unique=True),
        partial_index("uq_custom_field_slot", "object", "slot", unique=True, where="slot IS NOT NULL"),
    )

    object: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(80))
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict)
    help: Mapped[str]
    description: Mapped[str]
    asked_by: Mapped[str] = mapped_column(String(120))
    reason: Mapped[str] = mapped_column(default="")
    choices: Mapped[list[Any]] = mapped_column(default=list)
    first_value: Mapped[str] = mapped_column(default="")
    is_required: Mapped[bool] = mapped_column(default=False)
    is_internal: Mapped[bool] = mapped_column(default=False)
    by_partner: Mapped[bool] = mapped_column(default=True)
    slot: Mapped[int | None]
    slot_is_ready: Mapped[bool] = mapped_column(default=False)
    work: Mapped[str] = mapped_column(String(10), default="")
    work_began_at: Mapped[datetime | None]
    work_reached: Mapped[int] = mapped_column(BigInteger, default=0)
    work_total: Mapped[int] = mapped_column(BigInteger, default=0)
    work_round: Mapped[int] = mapped_column(default=0)
    retired_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class CustomFieldUse(Base):
    """That a field, or one of its choices, has been filled in somewhere, and on which day last.

    choice: "" for the field itself.
    """

    __tablename__ = "custom_field_use"

    field_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("custom_field.id"), primary_key=True)
    choice: Mapped[str] = mapped_column(String(60), primary_key=True, default="")
    last_used_at: Mapped[datetime]


class FieldCount(Base):
    """How many of the records that were looked at hold something in a field, standard ones too.

    is_exact: all of them were looked at.
    """

    __tablename__ = "field_count"

    object: Mapped[str] = mapped_column(String(20), primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    filled: Mapped[int]
    looked_at: Mapped[int]
    is_exact: Mapped[bool]
    counted_at: Mapped[datetime]


class FormLayout(Base):
    """In which order the form of an object asks, where an administrator changed it.

    sections: `[[section, [field, …]], …]`.
    """

    __tablename__ = "form_layout"

    object: Mapped[str] = mapped_column(String(20), primary_key=True)
    sections: Mapped[list[Any]]
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime]
