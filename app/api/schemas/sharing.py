"""Public groups, sharing rules and shares by hand as the API takes and shows them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from app.api.schemas.common import Answer, Body, Id, Moment, OneOf, Principal, Text, list_of

PrincipalType = Literal[
    "user", "internal_role", "partner_account", "account_team", "partner_level", "queue", "group",
    "all_internal", "all_partners",
]  # fmt: skip
Role = Literal["user", "manager", "executive"]
ObjectName = Literal["lead", "account", "contact", "opportunity", "case"]
GivenLevel = Literal["read", "edit"]


class AnyPrincipalIn(Body):
    """Somebody to be given something."""

    type: PrincipalType
    id: Text = Field(default=None, description="Absent for all_internal and all_partners.")
    role: Role | None = Field(
        default=None, description="Beside a partner account: its users of that role and above."
    )


class PreviewQuery(BaseModel):
    """Asks what a change would do instead of making it."""

    model_config = ConfigDict(defer_build=True)

    preview: Literal["true", "false"] | None = Field(
        default=None,
        description="`true`: nothing is changed; the answer says who would see how much more or less.",
    )


class RecordCount(Answer):
    """A number of records; more: there are, or may be, more than these."""

    number: int
    more: bool


class Difference(Answer):
    """Records of one object that somebody comes to see, sees no longer, or may do more or less with."""

    gained: RecordCount
    lost: RecordCount
    raised: RecordCount
    lowered: RecordCount


class Change(Answer):
    """People for whom the difference is the same.  people: how many; principals: who, companies whole, at most 50.

    exact: what is said is so for each of them; else it is the most for each.
    """

    side: Literal["internal", "partners"]
    people: int
    principals: list[Principal]
    exact: bool
    records: dict[ObjectName, Difference]


class Preview(Answer):
    """What a change would do.  complete: nothing was left out for lack of time."""

    preview: Literal[True]
    complete: bool
    changes: list[Change]


class PartnerReach(Answer):
    """What partner users are given: how many records of which object.

    partner_accounts: how many of them have somebody in the principal now; 0 where that is yet to come.
    """

    principal: Principal
    object: ObjectName
    records: int
    more: bool
    partner_accounts: int


_REACH = Field(
    default=None,
    description="What partners are given through it; empty where they are given nothing. Not in lists.",
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
    partner_reach: list[PartnerReach] | None = _REACH


class Group(Answer):
    """A named set of principals.  reaches_partners: whether partner users are, or may come to be, in it."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    description: str | None
    reaches_partners: bool
    partner_reach: list[PartnerReach] | None = _REACH
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
    partner_reach: list[PartnerReach] | None = _REACH
    done: int | None
    total: int | None


class GroupOrPreview(OneOf[Group | Preview]):
    """The group, or what the change would do."""


class SharingRuleOrPreview(OneOf[SharingRule | Preview]):
    """The rule, or what the change would do."""


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
