"""Queues, round robins with their ledger of turns, assignment rules."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class Queue(Named, Stamped, Base):
    """An ordered list of leads that wait.

    partner_account_id: set on a partner account's own queue.  touch_within_hours: in which whoever claims from
    it does something on the lead, see `leads.touching`.  deleted_at: gone from every list; the row stays for the
    assignments that name it.
    """

    __tablename__ = "queue"
    __table_args__ = (
        Index("uq_queue_partner_account_id", "partner_account_id", unique=True),
        partial_index(
            "uq_queue_default", "is_default", unique=True, where="is_default", on_sqlite="is_default = 1"
        ),
    )

    name: Mapped[str] = mapped_column(String(120))
    name_fold: Mapped[str] = mapped_column(String(120), unique=True)
    is_default: Mapped[bool] = mapped_column(default=False)
    partner_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    accept_within_minutes: Mapped[int | None]
    touch_within_hours: Mapped[int | None]
    deleted_at: Mapped[datetime | None]


class QueueMember(Named, Base):
    """A user, or the users of a partner account from a rank on."""

    __tablename__ = "queue_member"
    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (account_id IS NULL)", name="one_principal"),
        Index("uq_queue_member_user", "queue_id", "user_id", unique=True),
        Index("uq_queue_member_account", "queue_id", "account_id", unique=True),
        Index("ix_queue_member_user_id", "user_id"),
        Index("ix_queue_member_account_id", "account_id"),
    )

    queue_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("queue.id"))
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    minimum_rank: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class RoundRobin(Named, Stamped, Base):
    """A group whose members take turns.

    state: balances and counts of `routing.fairness`, locked and rewritten with each turn.
    deleted_at: gone from every list; the row stays for its ledger.
    """

    __tablename__ = "round_robin"

    name: Mapped[str] = mapped_column(String(120))
    name_fold: Mapped[str] = mapped_column(String(120), unique=True)
    fallback_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    accept_within_minutes: Mapped[int | None]
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    deleted_at: Mapped[datetime | None]


class RoundRobinMember(Named, Base):
    """A partner user, a partner account or a queue, with a weight.  Removed ones stay for the ledger."""

    __tablename__ = "round_robin_member"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN user_id IS NULL THEN 0 ELSE 1 END + CASE WHEN account_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN queue_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_principal",
        ),
        CheckConstraint("weight BETWEEN 1 AND 1000", name="weight"),
        Index("ix_round_robin_member_round_robin_id", "round_robin_id"),
    )

    round_robin_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("round_robin.id"))
    seat: Mapped[int]
    weight: Mapped[int] = mapped_column(default=1)
    user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    # for which leads it takes turns, see `routing.matching`
    match: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    removed_at: Mapped[datetime | None]


class LedgerKind(StrEnum):
    EPOCH = "epoch"
    TURN = "turn"
    GIVEN_BACK = "given_back"


class Turn(Base):
    """The append-only ledger of a round robin: turns given, turns given back, changes of members.

    record: what `routing.fairness.replay` needs (eligible members and weights, the receiver).
    returns_turn_id: the turn that a `given_back` row gives back; unique, so at most once.
    The lead of a turn is that of the assignment which names it (`Assignment.turn_id`).
    """

    __tablename__ = "turn"
    __table_args__ = (
        Index("ix_turn_round_robin", "round_robin_id", "id"),
        Index("uq_turn_returns", "returns_turn_id", unique=True),
    )

    id: Mapped[Key]
    round_robin_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("round_robin.id"))
    kind: Mapped[LedgerKind]
    at: Mapped[datetime]
    member_id: Mapped[int | None] = mapped_column(BigInteger)
    returns_turn_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("turn.id"))
    record: Mapped[dict[str, Any]] = mapped_column(default=dict)


class RuleState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


class RuleSet(Named, Stamped, Base):
    """A version of the assignment rules; at most one is active.  A change is a new version."""

    __tablename__ = "rule_set"
    __table_args__ = (partial_index("uq_rule_set_active", "state", unique=True, where="state = 'active'"),)

    name: Mapped[str] = mapped_column(String(120))
    number: Mapped[int]
    state: Mapped[RuleState] = mapped_column(default=RuleState.DRAFT)
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class RuleEntry(Named, Base):
    """One line of a rule set: when the criteria match, the lead goes to the target.

    name: may be empty.  template_id: the mail template that its receivers get; None for the usual text.
    """

    __tablename__ = "rule_entry"
    __table_args__ = (
        CheckConstraint(
            "(CASE WHEN target_user_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN target_queue_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN target_round_robin_id IS NULL THEN 0 ELSE 1 END"
            " + CASE WHEN target_account_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_target",
        ),
        Index("ix_rule_entry_rule_set", "rule_set_id", "position"),
    )

    rule_set_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("rule_set.id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120), default="")
    criteria: Mapped[dict[str, Any]] = mapped_column(default=dict)
    target_user_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    target_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    target_round_robin_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("round_robin.id"))
    target_account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("account.id"))
    fallback_queue_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("queue.id"))
    notify: Mapped[bool] = mapped_column(default=True)
    accept_within_minutes: Mapped[int | None]
    template_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("mail_template.id"))


class RoutingAlert(Base):
    """Something routing could not do as told: an entry that cannot be evaluated, nobody eligible.

    key: what went wrong where; while unresolved, the same again raises `count` instead of adding a row.
    lead_ref: the latest lead it happened to.
    """

    __tablename__ = "routing_alert"
    __table_args__ = (
        partial_index("uq_routing_alert_open", "key", unique=True, where="resolved_at IS NULL"),
        Index("ix_routing_alert_resolved", "resolved_at", "id"),
    )

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    last_at: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    lead_ref: Mapped[str] = mapped_column(String(40), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
