"""Versions of the rules that make the score of leads, with what the worker is doing for each."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class ScoreState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class Work(StrEnum):
    """What the worker does for a version, lead by lead: count what it would change, or write the scores."""

    NONE = "none"
    PREVIEW = "preview"
    APPLY = "apply"


class ScoreSet(Named, Stamped, Base):
    """A version of the score rules; at most one is active.  What was active is never rewritten.

    lines: as `scores.lines` reads them.  threshold: the score from which a lead is marketing-qualified, None for never.
    routes_again: whether a lead that nobody chose an owner for, and that waits in the queue (None: the default one),
    is routed anew then.
    fields_key: the edition of added fields that the scores were last computed with.
    work_reached, work_total: keys of leads; work_round: 0, then 1 for those written meanwhile.
    preview: what the version would change, counted so far: up, down, same, over, under, failed, looked_at.
    previewed_at: when the count was done; None while there is none of the lines as they are.
    """

    __tablename__ = "score_set"
    __table_args__ = (partial_index("uq_score_set_active", "state", unique=True, where="state = 'active'"),)

    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    state: Mapped[ScoreState] = mapped_column(default=ScoreState.DRAFT)
    lines: Mapped[list[Any]] = mapped_column(default=list)
    threshold: Mapped[int | None]
    routes_again: Mapped[bool] = mapped_column(default=False)
    route_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    fields_key: Mapped[str] = mapped_column(String(40), default="")
    work: Mapped[Work] = mapped_column(default=Work.NONE)
    work_began_at: Mapped[datetime | None]
    work_reached: Mapped[int] = mapped_column(BigInteger, default=0)
    work_total: Mapped[int] = mapped_column(BigInteger, default=0)
    work_round: Mapped[int] = mapped_column(default=0)
    preview: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previewed_at: Mapped[datetime | None]
