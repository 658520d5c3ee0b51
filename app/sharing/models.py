"""Public groups, sharing rules, manual shares, and the grants that rules and shares give.

A principal is whoever can be given something: a person, a role, a company, a level, a queue, a group,
everybody of one side.  Nothing here says who belongs to one: that is read anew with every request, so
that a change of membership recalculates nothing.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db import Base, Key
from app.kernel.indexes import partial_index
from app.kernel.records import Named, Stamped


class Principal(Base):
    """One of them, by a key such as `user:17`, `internal_role:sales`, `partner_account:4:1` (rank 1 and
    above of account 4), `account_team:4`, `partner_level:2`, `queue:9`, `group:3`, `all_internal`,
    `all_partners`.  Rows are made when they are first referred to and stay.
    """

    __tablename__ = "principal"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(String(60), unique=True)


class PublicGroup(Named, Stamped, Base):
    """A named set of principals, other groups included; never in a circle."""

    __tablename__ = "public_group"

    name: Mapped[str] = mapped_column(String(120))
    name_fold: Mapped[str] = mapped_column(String(120), unique=True)
    description: Mapped[str] = mapped_column(String(500), default="")
    principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"), unique=True)


class GroupMember(Named, Base):
    """A principal that somebody put into a group."""

    __tablename__ = "group_member"
    __table_args__ = (Index("uq_group_member", "group_id", "principal_id", unique=True),)

    group_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("public_group.id"))
    principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"))


class GroupReach(Base):
    """Every group that a principal is in, through other groups too; rewritten when a group changes."""

    __tablename__ = "group_reach"
    __table_args__ = (Index("ix_group_reach_group", "group_principal_id"),)

    member_principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"), primary_key=True)
    group_principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"), primary_key=True)


class SharingRuleKind(StrEnum):
    OWNER = "owner"
    CRITERIA = "criteria"


class SharingRuleState(StrEnum):
    BUILDING = "building"
    ACTIVE = "active"
    FAILED = "failed"


class SharingRule(Named, Stamped, Base):
    """Records of one object that somebody owns, or that meet criteria, shared with a principal.

    state: of the rule as it is written now.  While a changed one is built, what it gave before stays in
    force.  detail: why it failed.  deleted_at: it gives nothing any more.
    """

    __tablename__ = "sharing_rule"
    __table_args__ = (CheckConstraint("(kind = 'owner') = (owned_by_id IS NOT NULL)", name="owner"),)

    object: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[SharingRuleKind]
    owned_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("principal.id"))
    criteria: Mapped[dict[str, Any]] = mapped_column(default=dict)
    share_with_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"))
    level: Mapped[int]
    state: Mapped[SharingRuleState] = mapped_column(default=SharingRuleState.BUILDING)
    detail: Mapped[str] = mapped_column(String(500), default="")
    deleted_at: Mapped[datetime | None]


class GrantSetState(StrEnum):
    BUILDING = "building"
    ACTIVE = "active"
    ENDED = "ended"


class GrantSet(Base):
    """Grants that take effect together: a rule as it was written once, all shares by hand of one object with one
    principal (rule_id None), or all that conversions give to it (is_conversion).

    A rule's set never changes what it says: a changed rule builds another, which takes the old one's place
    in one statement.  began_at, reached, looked_at, total: how far its building is; `reached` is the highest
    key looked at, `caught_up_to` the moment up to which changes made meanwhile have been looked at.
    """

    __tablename__ = "grant_set"
    __table_args__ = (
        Index("ix_grant_set_principal", "principal_id", "object", "state"),
        Index("ix_grant_set_state", "state"),
        Index("ix_grant_set_rule", "rule_id"),
    )

    id: Mapped[Key]
    object: Mapped[str] = mapped_column(String(12))
    principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"))
    rule_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("sharing_rule.id"))
    kind: Mapped[SharingRuleKind | None]
    owned_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("principal.id"))
    criteria: Mapped[dict[str, Any]] = mapped_column(default=dict)
    level: Mapped[int | None]
    is_conversion: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[GrantSetState] = mapped_column(default=GrantSetState.BUILDING)
    began_at: Mapped[datetime]
    reached: Mapped[int] = mapped_column(BigInteger, default=0)
    looked_at: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    caught_up_to: Mapped[datetime | None]


class SharingGrant(Base):
    """(record, principal, level).  It counts while its set is active, and until `until`.

    record_created_at: the record's own, by which lists are sorted unless asked otherwise.
    """

    __tablename__ = "sharing_grant"
    __table_args__ = (
        # All that lists ask of a grant, so that walking along many reads the index alone.
        Index(
            "ix_sharing_grant_list",
            "principal_id",
            "object",
            "record_created_at",
            "record_id",
            "set_id",
            "level",
            "until",
        ),
        Index("ix_sharing_grant_record", "object", "record_id", "principal_id"),
    )

    set_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("grant_set.id"), primary_key=True)
    record_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    object: Mapped[str] = mapped_column(String(12))
    principal_id: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[int]
    record_created_at: Mapped[datetime]
    until: Mapped[datetime | None]


class ManualShare(Named, Base):
    """A record shared by hand.  Removed ones stay, for the history: `ended_at`."""

    __tablename__ = "manual_share"
    __table_args__ = (
        Index("ix_manual_share_record", "object", "record_id"),
        Index("ix_manual_share_until", "until"),
        # What is shared twice at the same moment stands once.
        partial_index(
            "uq_manual_share_standing",
            "object",
            "record_id",
            "principal_id",
            unique=True,
            where="ended_at IS NULL",
        ),
    )

    object: Mapped[str] = mapped_column(String(12))
    record_id: Mapped[int] = mapped_column(BigInteger)
    principal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("principal.id"))
    level: Mapped[int]
    until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("user.id"))


class ConversionGrant(Base):
    """What a conversion gives to whoever saw the lead: one of its results, at a level.

    The highest of a record's stands as a `SharingGrant`.
    """

    __tablename__ = "conversion_grant"
    __table_args__ = (Index("ix_conversion_grant_record", "object", "record_id", "principal_id"),)

    conversion_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("conversion.id"), primary_key=True, autoincrement=False
    )
    object: Mapped[str] = mapped_column(String(12), primary_key=True)
    principal_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("principal.id"), primary_key=True, autoincrement=False
    )
    record_id: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[int]
    until: Mapped[datetime | None]


class EnablingDraft(Base):
    """What an administrator has answered so far before partners are let in; the wizard's pages read it anew.

    answers: {"defaults": {object: {side: level}}, "items": {item: answer}}, as far as something was said.
    seen: item → mark of it as it was shown when it was answered.  version: rises with each answer.
    """

    __tablename__ = "enabling_draft"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("user.id"), primary_key=True, autoincrement=False
    )
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seen: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
