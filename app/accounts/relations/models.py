"""What an account is related to, what is characteristic of it, what it is interested in; and the lists these come from."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import partial_index
from app.kernel.records import Named


class RelationshipReason(Named, Base):
    """Why accounts are related: "supplier of", and seen from the other side "supplied by".

    inverse: "" where it reads the same from both sides, such as "competitor of".
    """

    __tablename__ = "relationship_reason"

    name: Mapped[str] = mapped_column(String(80))
    inverse: Mapped[str] = mapped_column(String(80), default="")
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)

    @property
    def is_symmetric(self) -> bool:
        return not self.inverse


class CharacteristicType(Named, Base):
    """What can be said of accounts, such as "Fleet size".  allowed: the values to choose from; none: any text."""

    __tablename__ = "characteristic_type"

    name: Mapped[str] = mapped_column(String(80))
    allowed: Mapped[list[Any]] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


class InterestArea(Named, Base):
    """A market or product area of the vendor's, below another one or at the top."""

    __tablename__ = "interest_area"
    __table_args__ = (Index("ix_interest_area_parent_id", "parent_id"),)

    name: Mapped[str] = mapped_column(String(80))
    parent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("interest_area.id"))
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


class ResponsibleRole(Named, Base):
    """What people answerable for an account are offered as their role; any other text will do too."""

    __tablename__ = "responsible_role"

    name: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


class AccountRelationship(Named, Base):
    """`account` is `reason.name` of `other`.  Of a reason that has no inverse the lower key stands first."""

    __tablename__ = "account_relationship"
    __table_args__ = (
        CheckConstraint("account_id <> other_id", name="not_itself"),
        Index("uq_account_relationship", "account_id", "other_id", "reason_id", unique=True),
        Index("ix_account_relationship_other", "other_id", "reason_id", "account_id"),
        Index("ix_account_relationship_reason", "reason_id", "account_id"),
    )

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    other_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    reason_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("relationship_reason.id"))
    note: Mapped[str | None] = mapped_column(String(255))
    since_on: Mapped[date | None]
    until_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class AccountCharacteristic(Named, Base):
    """A value of a type that an account has.  It may have several of one type."""

    __tablename__ = "account_characteristic"
    __table_args__ = (
        Index("uq_account_characteristic", "account_id", "type_id", "value_fold", unique=True),
        Index("ix_account_characteristic_value", "type_id", "value_fold", "account_id"),
    )

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    type_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("characteristic_type.id"))
    value: Mapped[str] = mapped_column(String(120))
    value_fold: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class AccountInterest(Named, Base):
    """That an account is interested in an area, or is not, and what it needs there.

    need: in words; it is not yet met until `need_met_at`.  An opportunity made of it will be named here.
    noted_at, noted_by_id: when it was last said so, and by whom.
    """

    __tablename__ = "account_interest"
    __table_args__ = (
        Index("uq_account_interest", "account_id", "area_id", unique=True),
        Index("ix_account_interest_area", "area_id", "is_interested", "account_id"),
        partial_index(
            "ix_account_interest_open_need",
            "account_id",
            "area_id",
            where="need IS NOT NULL AND need_met_at IS NULL",
        ),
    )

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    area_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("interest_area.id"))
    is_interested: Mapped[bool]
    need: Mapped[str | None] = mapped_column(String(2000))
    need_met_at: Mapped[datetime | None]
    noted_at: Mapped[datetime]
    noted_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
