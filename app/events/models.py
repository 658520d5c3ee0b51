"""The append-only record of what changed.  A trigger in both databases refuses to rewrite it."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import partial_index


class Event(Base):
    """One change: who, what, when, from what to what, through which door.

    record_kind, record_id: the subject; ids outlive the record, so there is no foreign key.
    changes: field → [old, new].  detail: what else the verb needs (a reason, a count).
    company_id: the partner account the actor belonged to, None for the vendor's people.
    """

    __tablename__ = "event"
    __table_args__ = (
        # Each ends in the order in which events are read, so that one filter costs as little as another.
        Index("ix_event_at", "at", "id"),
        Index("ix_event_actor", "actor_id", "at", "id"),
        Index("ix_event_door", "door", "at", "id"),
        Index("ix_event_record", "record_kind", "record_id", "at", "id"),
        Index("ix_event_verb", "verb", "at", "id"),
        # How a record that is gone is found by the name it had.
        partial_index("ix_event_deleted_ref", "record_ref", where="verb = 'deleted'"),
    )

    id: Mapped[Key]
    at: Mapped[datetime]
    verb: Mapped[str] = mapped_column(String(40))
    record_kind: Mapped[str] = mapped_column(String(20))
    record_id: Mapped[int] = mapped_column(BigInteger)
    record_ref: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(200))
    company_id: Mapped[int | None] = mapped_column(BigInteger)
    door: Mapped[str] = mapped_column(String(20))
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
