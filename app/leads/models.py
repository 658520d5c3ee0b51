"""Leads, the lists an administrator keeps for them, their assignments and offers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Numeric,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.actor import Actor
from app.kernel.db import Base, Key
from app.kernel.indexes import deleted_index, live_index, partial_index
from app.kernel.records import Extended, Named, Stamped, slot_indexes


class StatusCategory(StrEnum):
    NEW = "new"
    WORKING = "working"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"
    CONVERTED = "converted"  # of one status, which conversion alone sets


ANYWHERE = "*"


class LeadStatus(Named, Base):
    """A status of the administrator's list; `key` is its name in the API, `name` what people read.

    guidance: language → what this step asks for.  matters: names of the fields that matter at it.
    moves: keys of the statuses that a lead goes on to from here; `ANYWHERE` alone for all of them.
    leaving_to_id: the status that its leads are being moved to, for it is about to be removed.
    """

    __tablename__ = "lead_status"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    category: Mapped[StatusCategory]
    position: Mapped[int]
    is_active: Mapped[bool] = mapped_column(default=True)
    guidance: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    matters: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    moves: Mapped[list[Any]] = mapped_column(default=lambda: [ANYWHERE], server_default='["*"]')
    leaving_to_id: Mapped[int | None] = mapped_column(BigInteger)


class LeadSource(Named, Base):
    """Where leads come from; unknown ones are added by imports of people who may."""

    __tablename__ = "lead_source"

    name: Mapped[str] = mapped_column(String(80))
    name_fold: Mapped[str] = mapped_column(String(80), unique=True)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


class DeclineReason(Named, Base):
    """Why a partner declines or releases; `gives_turn_back` holds for invalid and duplicate leads."""

    __tablename__ = "decline_reason"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    gives_turn_back: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


class UnqualifiedReason(Named, Base):
    """Why a lead is not worth more work; asked of whoever says so."""

    __tablename__ = "unqualified_reason"

    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    position: Mapped[int] = mapped_column(default=0)
    is_active: Mapped[bool] = mapped_column(default=True)


TITLE_FIELDS = ("company", "first_name", "last_name", "email", "phone", "mobile")
_UNTOUCHED = "deleted_at IS NULL AND taken_at IS NOT NULL AND touched_at IS NULL"
_OPEN = "is_open AND deleted_at IS NULL AND owner_user_id IS NOT NULL"
_OPEN_SQLITE = "is_open = 1 AND deleted_at IS NULL AND owner_user_id IS NOT NULL"


class Lead(Named, Stamped, Extended, Base):
    """Somebody who may buy.  Owned by exactly one user or exactly one queue at every commit.

    partner_account_id: company of the owning partner user, or of the owning partner queue.
    owner_rank: rank of the owning partner user's role (0 user … 2 executive), else None.
    offer_id, offer_expires_at: a pending offer; the owner's side sees the preview until it is accepted.
    waiting_since: first entry into a queue, kept when it is returned; its creation otherwise.
    is_open: status is neither unqualified nor converted; what capacity counts.
    duplicates: probable duplicates found on arrival, `[{"type", "id", "reasons"}]` with inner ids.
    score: a cache of what the rules of `app.scores` say; score_due_on: the day (UTC) on which it changes by itself.
    marketing_qualified_at, …_by_id: when it was handed over, and by whom; nobody where the rules did it.
    route_due_at: since when it waits to be routed anew because it was handed over.
    touch_due_at: until when whoever claimed or accepted it is to do something on it; None once they have, see
    `leads.touching`.  touch_warn_at: when they are told that this ends soon; None once they were.
    taken_at: since when a person has it for whom it does not wait any more; taken_after: how many seconds it had
    waited for their claim or acceptance, None where it was given outright.  touched_at: when their side did something
    on it first; touched_after: how many seconds after it was taken.  All four begin anew with another owner.
    """

    __tablename__ = "lead"
    __table_args__ = (
        CheckConstraint("(owner_user_id IS NULL) <> (owner_queue_id IS NULL)", name="one_owner"),
        CheckConstraint("offer_id IS NULL OR owner_user_id IS NOT NULL", name="offer_has_person"),
        live_index("ix_lead_created", "created_at", "id"),
        live_index("ix_lead_arrived", "arrived_at", "id"),
        live_index("ix_lead_updated", "updated_at", "id"),
        live_index("ix_lead_company", "company_fold", "id"),
        live_index("ix_lead_last_name", "last_name_fold", "id"),
        live_index("ix_lead_score", "score", "id"),
        live_index("ix_lead_owner", "owner_user_id", "created_at", "id"),
        live_index("ix_lead_queue_waiting", "owner_queue_id", "waiting_since", "id"),
        live_index("ix_lead_queue_created", "owner_queue_id", "created_at", "id"),
        live_index("ix_lead_partner", "partner_account_id", "owner_rank", "created_at", "id"),
        deleted_index("ix_lead_deleted"),
        partial_index("ix_lead_open_user", "owner_user_id", where=_OPEN, on_sqlite=_OPEN_SQLITE),
        partial_index("ix_lead_open_partner", "partner_account_id", where=_OPEN, on_sqlite=_OPEN_SQLITE),
        partial_index("ix_lead_offer_expires", "offer_expires_at", where="offer_id IS NOT NULL"),
        partial_index("ix_lead_offered_user", "owner_user_id", "waiting_since", where="offer_id IS NOT NULL"),
        Index("ix_lead_status", "status_id", "created_at", "id"),
        partial_index(
            "ix_lead_score_due", "score_due_on", "id",
            where="score_due_on IS NOT NULL AND deleted_at IS NULL",
        ),
        partial_index(
            "ix_lead_route_due", "route_due_at", "id",
            where="route_due_at IS NOT NULL AND deleted_at IS NULL",
        ),
        partial_index("ix_lead_open_updated", "updated_at", "id", where=_OPEN, on_sqlite=_OPEN_SQLITE),
        partial_index(
            "ix_lead_touch_due", "touch_due_at", "id",
            where="touch_due_at IS NOT NULL AND deleted_at IS NULL",
        ),
        partial_index(
            "ix_lead_touch_warn", "touch_warn_at", "id",
            where="touch_warn_at IS NOT NULL AND deleted_at IS NULL",
        ),
        partial_index(
            "ix_lead_untouched", "taken_at", "id", where=f"is_open AND {_UNTOUCHED}",
            on_sqlite=f"is_open = 1 AND {_UNTOUCHED}",
        ),
        partial_index(
            "ix_lead_marketing_qualified", "marketing_qualified_at", "id",
            where="marketing_qualified_at IS NOT NULL AND deleted_at IS NULL",
        ),
        Index("ix_lead_unqualified_reason_id", "unqualified_reason_id"),
        partial_index(
            "ix_lead_campaign", "campaign_id", "created_at", "id",
            where="deleted_at IS NULL AND campaign_id IS NOT NULL",
        ),
        Index("ix_lead_email_key", "email_key"),
        Index("ix_lead_phone_key", "phone_key"),
        Index("ix_lead_company_key", "company_key"),
        Index("uq_lead_external_id", "external_id", unique=True),
        *slot_indexes("lead", "created_at"),
    )  # fmt: skip

    last_name: Mapped[str | None] = mapped_column(String(120))
    last_name_fold: Mapped[str] = mapped_column(String(120), default="")
    first_name: Mapped[str | None] = mapped_column(String(120))
    title: Mapped[str | None] = mapped_column(String(120))
    company: Mapped[str | None] = mapped_column(String(255))
    company_fold: Mapped[str] = mapped_column(String(255), default="")
    company_key: Mapped[str | None] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(60))
    mobile: Mapped[str | None] = mapped_column(String(60))
    phone_key: Mapped[str | None] = mapped_column(String(30))
    website: Mapped[str | None] = mapped_column(String(500))
    status_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lead_status.id"))
    source_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("lead_source.id"))
    rating: Mapped[str | None] = mapped_column(String(40))
    industry: Mapped[str | None] = mapped_column(String(120))
    employees: Mapped[int | None] = mapped_column(BigInteger)
    annual_revenue: Mapped[float | None] = mapped_column(Numeric(18, 2, asdecimal=False))
    street: Mapped[str | None] = mapped_column(String(255))
    city: Mapped[str | None] = mapped_column(String(120))
    state: Mapped[str | None] = mapped_column(String(120))
    postal_code: Mapped[str | None] = mapped_column(String(30))
    country: Mapped[str | None] = mapped_column(String(2))
    product_interest: Mapped[str | None] = mapped_column(String(120))
    # The name is the campaign's, kept beside its key so that lists, rules and previews read no other table.
    campaign_name: Mapped[str | None] = mapped_column(String(120))
    campaign_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("campaign.id"))
    description: Mapped[str | None]
    score: Mapped[int] = mapped_column(default=0)
    score_due_on: Mapped[date | None]
    external_id: Mapped[str | None] = mapped_column(String(120))
    arrived_at: Mapped[datetime]
    budget: Mapped[str | None] = mapped_column(String(120))
    authority: Mapped[str | None] = mapped_column(String(120))
    need: Mapped[str | None] = mapped_column(String(500))
    timeframe: Mapped[str | None] = mapped_column(String(120))
    interest_confirmed: Mapped[bool | None]
    # field of qualification → {"by": user id, "at": ISO moment} of its last change
    qualified_by: Mapped[dict[str, Any]] = mapped_column(default=dict)
    unqualified_reason_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("unqualified_reason.id"))
    marketing_qualified_at: Mapped[datetime | None]
    marketing_qualified_by_id: Mapped[int | None] = mapped_column(BigInteger)
    consent: Mapped[bool | None]
    consent_basis: Mapped[str | None] = mapped_column(String(120))
    opted_out_email: Mapped[bool] = mapped_column(default=False)
    opted_out_phone: Mapped[bool] = mapped_column(default=False)
    consent_on: Mapped[date | None]
    consent_origin: Mapped[str | None] = mapped_column(String(255))
    # opt-out → {"by": user id or None, "at": ISO moment} of when the person was last noted to want it no more
    opted_out_by: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))

    owner_user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    owner_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    partner_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    owner_rank: Mapped[int | None]
    # The offer row refers to the lead; this back-reference has no constraint of its own.
    offer_id: Mapped[int | None] = mapped_column(BigInteger)
    offer_expires_at: Mapped[datetime | None]
    owned_since: Mapped[datetime]
    waiting_since: Mapped[datetime]
    last_cause: Mapped[str] = mapped_column(String(20), default="default_queue")
    last_queue_id: Mapped[int | None] = mapped_column(BigInteger)
    is_open: Mapped[bool] = mapped_column(default=True)
    is_owner_chosen: Mapped[bool] = mapped_column(default=False)
    converted_at: Mapped[datetime | None]
    last_activity_at: Mapped[datetime | None]
    route_due_at: Mapped[datetime | None]
    touch_due_at: Mapped[datetime | None]
    touch_warn_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    taken_after: Mapped[int | None] = mapped_column(BigInteger)
    touched_at: Mapped[datetime | None]
    touched_after: Mapped[int | None] = mapped_column(BigInteger)
    duplicates: Mapped[list[Any]] = mapped_column(default=list)
    imported: Mapped[dict[str, Any]] = mapped_column(default=dict)
    import_id: Mapped[int | None] = mapped_column(BigInteger)
    deleted_at: Mapped[datetime | None]

    def title_for(self, actor: Actor) -> str:
        """What the record is called on screen for somebody who may read it, of the fields that they see."""
        seen = {name: getattr(self, name) for name in TITLE_FIELDS if name not in actor.hidden_fields}
        person = " ".join(part for n in ("first_name", "last_name") if (part := seen.get(n)))
        return str(
            seen.get("company")
            or person
            or seen.get("email")
            or seen.get("phone")
            or seen.get("mobile")
            or self.ref
        )


class AssignmentCause(StrEnum):
    MANUAL = "manual"
    RULE = "rule"
    ROUND_ROBIN = "round_robin"
    DEFAULT_QUEUE = "default_queue"
    CLAIM = "claim"
    DECLINE = "decline"
    EXPIRY = "expiry"
    RELEASE = "release"
    TRANSFER = "transfer"
    BULK = "bulk"
    OFFBOARDING = "offboarding"
    RECYCLE = "recycle"


class Assignment(Base):
    """One placement of a lead, the first included.  Append-only; the highest id is the present one.

    from_company_id, to_company_id: partner accounts of the two sides, for what partners may read.
    trace: what was considered and passed over, see `routing.trace`.
    turn_id: the round robin turn it used, if any; given back at most once.
    rule_entry_id: the entry of the assignment rules that matched, if any.
    """

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("(to_user_id IS NULL) <> (to_queue_id IS NULL)", name="one_target"),
        Index("ix_assignment_lead", "lead_id", "id"),
        Index("ix_assignment_bulk", "bulk_act_id"),
        Index("uq_assignment_turn", "turn_id", unique=True),
        partial_index("ix_assignment_rule_entry", "rule_entry_id", "at", where="rule_entry_id IS NOT NULL"),
    )

    id: Mapped[Key]
    lead_id: Mapped[int] = mapped_column(BigInteger)  # which outlives the lead
    at: Mapped[datetime]
    cause: Mapped[AssignmentCause]
    from_user_id: Mapped[int | None] = mapped_column(BigInteger)
    from_queue_id: Mapped[int | None] = mapped_column(BigInteger)
    to_user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    to_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    from_company_id: Mapped[int | None] = mapped_column(BigInteger)
    to_company_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(200))
    actor_company_id: Mapped[int | None] = mapped_column(BigInteger)
    trace: Mapped[list[Any]] = mapped_column(default=list)
    turn_id: Mapped[int | None] = mapped_column(BigInteger)
    rule_entry_id: Mapped[int | None] = mapped_column(BigInteger)
    bulk_act_id: Mapped[int | None] = mapped_column(BigInteger)


class OfferState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Offer(Base):
    """A lead held out to a partner user until `expires_at`.

    round_robin_id, origin_queue_id: where it goes on to when it is declined or expires.
    hops: how many offers of this lead went before it since it was last placed by a person or rule.
    """

    __tablename__ = "offer"
    __table_args__ = (
        partial_index("uq_offer_pending", "lead_id", unique=True, where="state = 'pending'"),
        Index("ix_offer_lead", "lead_id", "id"),
        Index("ix_offer_user", "user_id", "state"),
        Index("ix_offer_company", "company_id", "made_at", "state"),
    )

    id: Mapped[Key]
    lead_id: Mapped[int] = mapped_column(BigInteger)  # which outlives the lead
    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("user.id"))
    company_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"))
    state: Mapped[OfferState] = mapped_column(default=OfferState.PENDING)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(60))
    note: Mapped[str | None]
    round_robin_id: Mapped[int | None] = mapped_column(BigInteger)
    origin_queue_id: Mapped[int | None] = mapped_column(BigInteger)
    turn_id: Mapped[int | None] = mapped_column(BigInteger)
    hops: Mapped[int] = mapped_column(default=0)


class LeadRefusal(Base):
    """A company that declined a lead, or let its offer or its first touch lapse: it is not offered it and cannot claim it.

    Removed when a person gives the lead to that company by hand.
    """

    __tablename__ = "lead_refusal"
    __table_args__ = (Index("ix_lead_refusal_company", "company_id", "at", "cause"),)

    lead_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("lead.id"), primary_key=True)
    company_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("account.id"), primary_key=True)
    at: Mapped[datetime]
    cause: Mapped[str] = mapped_column(String(12))


class BulkAct(Named, Base):
    """One change of owner of many leads, undoable for two minutes; or many that arrived together, for good.

    items: `[{"lead_id", "assignment_id", "before": {…owner columns}}]` of what was done.
    """

    __tablename__ = "bulk_act"

    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    undo_until: Mapped[datetime]
    undone_at: Mapped[datetime | None]
    target: Mapped[dict[str, Any]] = mapped_column(default=dict)
    items: Mapped[list[Any]] = mapped_column(default=list)
    refused: Mapped[list[Any]] = mapped_column(default=list)
