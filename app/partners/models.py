"""What makes a business account a partner account, and the ordered list of partner levels."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base
from app.kernel.records import Named


class PartnerState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class MayInvite(StrEnum):
    """From which role on a partner's people may invite colleagues."""

    NOBODY = "nobody"
    EXECUTIVE = "executive"
    MANAGER = "manager"


class PartnerLevel(Named, Base):
    """A named level such as silver; `position` orders them, lowest first.

    touch_within_hours: in which its partners do something on a lead that they took, unless the queue says otherwise.

    lead_fields: field of a lead → hidden, preview or after_claim, where partners of the level see it otherwise
    than all do; see `leads.visibility`.
    """

    __tablename__ = "partner_level"

    name: Mapped[str] = mapped_column(String(80), unique=True)
    position: Mapped[int]
    accept_within_minutes: Mapped[int | None]
    touch_within_hours: Mapped[int | None]
    lead_fields: Mapped[dict[str, Any]] = mapped_column(default=dict)


class PartnerAccount(Base):
    """A partner account.  Its channel manager is the account's owner.

    capacity: most open leads its users may hold together; None is unlimited.
    queue_id: the partner queue, made with it; no other queue is bound to the account.
    may_invite: nobody until the vendor says otherwise: who gets in is theirs to hand on, not a default.
    """

    __tablename__ = "partner_account"
    __table_args__ = (Index("ix_partner_account_queue_id", "queue_id", unique=True),)

    account_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("account.id"), primary_key=True, autoincrement=False
    )
    state: Mapped[PartnerState] = mapped_column(default=PartnerState.ACTIVE)
    level_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("partner_level.id"))
    capacity: Mapped[int | None]
    may_invite: Mapped[MayInvite] = mapped_column(default=MayInvite.NOBODY)
    queue_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("queue.id"))
    enabled_at: Mapped[datetime]
    enabled_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    suspended_at: Mapped[datetime | None]
