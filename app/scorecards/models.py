"""What partners' leads were like, kept where there are too many of them to look at each while somebody waits."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base


class ScorecardMix(Base):
    """The leads of a partner by month and kind, as they were counted last.

    partner: the key of its account, as text; "" for all partners together.  had, converted: how many, as `mix.pack`
    writes them; the same number stands for a kind in all rows.
    """

    __tablename__ = "scorecard_mix"

    partner: Mapped[str] = mapped_column(String(20), primary_key=True)
    had: Mapped[bytes] = mapped_column(LargeBinary)
    converted: Mapped[bytes] = mapped_column(LargeBinary)
    counted_at: Mapped[datetime]
