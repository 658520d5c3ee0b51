"""Reports that people have mailed to them week by week."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.records import Named


class ReportSubscription(Named, Base):
    """A report as its page's address asks for it, mailed to somebody on a day of the week.

    report: the name of the report.  query: what stands behind the question mark of its address.
    weekday: 0 is Monday.  next_at: when the next mail is written; in the morning of its reader's zone.
    """

    __tablename__ = "report_subscription"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        Index("uq_report_subscription", "user_id", "report", "query", unique=True),
        Index("ix_report_subscription_next", "next_at", "id"),
    )

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    report: Mapped[str] = mapped_column(String(40))
    query: Mapped[str] = mapped_column(String(1000), default="")
    weekday: Mapped[int]
    next_at: Mapped[datetime]
    created_at: Mapped[datetime]
