"""What partners aim at."""

from datetime import date
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class Period(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"


class PartnerTarget(Named, Stamped, Base):
    """What a partner company, or one of its people, is to reach in a month or quarter.

    user_id: None for the company as a whole.  starts_on: the first day of the period.
    converted: how many leads are to be converted.  won_amount: what is to be won, with its currency.
    """

    __tablename__ = "partner_target"
    __table_args__ = (
        CheckConstraint("won_amount IS NULL OR currency IS NOT NULL", name="amount_in_currency"),
        CheckConstraint("converted IS NOT NULL OR won_amount IS NOT NULL", name="aims_at_something"),
        partial_index(
            "uq_partner_target_company", "account_id", "starts_on", "period", unique=True,
            where="user_id IS NULL",
        ),
        partial_index(
            "uq_partner_target_person", "account_id", "user_id", "starts_on", "period", unique=True,
            where="user_id IS NOT NULL",
        ),
    )  # fmt: skip

    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    period: Mapped[Period]
    starts_on: Mapped[date]
    converted: Mapped[int | None]
    won_amount: Mapped[float | None] = mapped_column(Numeric(19, 3, asdecimal=False))
    currency: Mapped[str | None] = mapped_column(String(3))
