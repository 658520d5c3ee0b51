"""Public groups, sharing rules and shares by hand as the API takes and shows them."""

from typing import Any, Literal

from pydantic import Field, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, Principal, Text, list_of

PrincipalType = Literal[
    "user", "internal_role", "partner_account", "account_team", "partner_level", "queue", "group",
    "all_internal", "all_partners",
]  # fmt: skip
Role = Literal["user", "manager", "executive"]
ObjectName = Literal["lead", "account", "contact"]
GivenLevel = Literal["read", "edit"]


class AnyPrincipalIn(Body):
    """Somebody to be given something."""

    type: PrincipalType
    id: Text = Field(default=None, description="Absent for all_internal and all_partners.")
    role: Role | None = Field(
        default=None, description="Beside a partner account: its users of that role and above."
    )


class NewGroup(Body):
    """A group with its members."""

    name: StrictStr
    description: Text = None
    members: list[AnyPrincipalIn] = []


class GroupChanges(Body):
    """Fields to change; those left out stay.  Members have endpoints of their own."""

    name: Text = None
    description: Text = None


class PublicGroupMember(Answer):
    """A member of a group."""

    id: Id
    principal: Principal


class Group(Answer):
    """A named set of principals.  reaches_partners: whether partner users are, or may come to be, in it."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    description: str | None
    reaches_partners: bool
    members: list[PublicGroupMember]


GroupList = list_of(Group)
PublicGroupMemberList = list_of(PublicGroupMember)


class NewSharingRule(Body):
    """Records that somebody owns, or that meet criteria, and whom they are shared with."""

    name: Text = None
    object: ObjectName
    kind: Literal["owner", "criteria"]
    owned_by: AnyPrincipalIn | None = None
    criteria: dict[str, Any] | None = Field(
        default=None, description="As in assignment rules; absent matches every record."
    )
    share_with: AnyPrincipalIn
    level: GivenLevel


class SharingRuleChanges(Body):
    """Fields to change; those left out stay.  The object stays in any case."""

    name: Text = None
    kind: Literal["owner", "criteria"] | None = None
    owned_by: AnyPrincipalIn | None = None
    criteria: dict[str, Any] | None = None
    share_with: AnyPrincipalIn | None = None
    level: GivenLevel | None = None


class SharingRule(Answer):
    """A rule; while it is built anew, what it gave before stays in force.

    done, total: records looked at so far, and how many there are to look at, about; null when it is in force.
    """

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    object: ObjectName
    kind: Literal["owner", "criteria"]
    owned_by: Principal | None
    criteria: dict[str, Any] | None
    share_with: Principal
    level: GivenLevel
    state: Literal["building", "active", "failed"]
    reaches_partners: bool
    done: int | None
    total: int | None


SharingRuleList = list_of(SharingRule)


class NewShare(Body):
    """Whom to share the record with, how much, and until when."""

    principal: AnyPrincipalIn
    level: GivenLevel
    until: Text = Field(default=None, description="A moment in the future; absent for no end.")


class Share(Answer):
    """A record shared by hand."""

    id: Id
    principal: Principal
    level: GivenLevel
    until: Moment | None
    created_at: Moment


ShareList = list_of(Share)
