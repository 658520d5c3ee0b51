"""Comparisons that are kept where there are too many leads to compare them while somebody waits."""

from datetime import datetime

from sqlalchemy import Double, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class ScorecardComparison(Base):
    """What was to be expected of a partner in some months, as it was when it was compared.  There are none but of the usual months.

    partner: the key of its account, as text.  first, last: months as 202611.  The rest as in `fair.Comparison`.
    """

    __tablename__ = "scorecard_comparison"

    partner: Mapped[str] = mapped_column(String(20), primary_key=True)
    first: Mapped[int]
    last: Mapped[int]
    received: Mapped[int]
    leads: Mapped[int]
    actual: Mapped[int]
    expected: Mapped[float] = mapped_column(Double)
    variance: Mapped[float] = mapped_column(Double)
    compared_at: Mapped[datetime]
