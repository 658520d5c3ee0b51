"""Queues, round robins and assignment rules as the API takes and shows them."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictStr

from app.api.schemas.common import (
    Answer,
    Body,
    Hours,
    Id,
    Minutes,
    Moment,
    Principal,
    PrincipalIn,
    TargetIn,
    Text,
    list_of,
    whole,
)

Weight = Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)]


class NewQueue(Body):
    """A queue with its members."""

    name: StrictStr
    members: list[PrincipalIn] = []
    accept_within_minutes: Minutes | None = None
    touch_within_hours: Hours | None = None


class QueueChanges(Body):
    """Fields to change; those left out stay.  Members have endpoints of their own."""

    name: Text = None
    accept_within_minutes: Minutes | None = None
    touch_within_hours: Hours | None = None


class QueueMember(Answer):
    """A member: a user, or a partner account from a role on."""

    id: Id
    principal: Principal


class Queue(Answer):
    """An ordered list of leads that wait.  account_id: of a partner account's own queue."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    is_default: bool
    account_id: str | None
    accept_within_minutes: int | None
    touch_within_hours: int | None
    members: list[QueueMember]


QueueList = list_of(Queue)
QueueMemberList = list_of(QueueMember)


class MatchIn(Body):
    """For which leads a member takes turns; of each part given any value must hold, all parts together.

    `countries`: codes or names.  `languages`: codes or names; a lead's are that of its own field `c_language`, else those
    of its country.  `products`: words that the product interest contains.  `levels`: ids of partner levels.
    """

    countries: list[StrictStr] | None = None
    languages: list[StrictStr] | None = None
    products: list[StrictStr] | None = None
    levels: list[StrictStr] | None = None


class Match(Answer):
    """For which leads a member takes turns; an empty list is no condition."""

    countries: list[str]
    languages: list[str]
    products: list[str]
    levels: list[Id]


class WeightedPrincipal(Body):
    """A member of a round robin.  `match`: for which leads it takes turns, all unless given."""

    principal: PrincipalIn
    weight: Weight = 1
    match: MatchIn | None = None


class NewRoundRobin(Body):
    """A round robin; its members are partner users, partner accounts and queues, in the order that settles ties."""

    name: StrictStr
    members: list[WeightedPrincipal] = []
    fallback_queue_id: Text = None
    accept_within_minutes: Minutes | None = None


class RoundRobinChanges(Body):
    """Fields to change; those left out stay.  Members have endpoints of their own."""

    name: Text = None
    fallback_queue_id: Text = None
    accept_within_minutes: Minutes | None = None


class MemberChanges(Body):
    """A new weight, with which shares count anew, or another match, with which they go on; null takes every lead."""

    weight: Weight | None = None
    match: MatchIn | None = None


class RoundRobinMember(Answer):
    """A member with its weight, and for which leads it takes turns; null for all."""

    id: Id
    principal: Principal
    weight: int
    match: Match | None


class RoundRobin(Answer):
    """A group whose members take turns."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    fallback_queue_id: str | None
    accept_within_minutes: int | None
    members: list[RoundRobinMember]


RoundRobinList = list_of(RoundRobin)
RoundRobinMemberList = list_of(RoundRobinMember)


class LedgerLine(Answer):
    """How a member stands.  count, share: since members, weights or eligibility last changed; total: ever."""

    member_id: Id
    principal: Principal
    weight: int
    eligible: bool
    reason: str | None
    count: int
    share: float
    balance: float
    total: int


class Ledger(Answer):
    """How a round robin stands."""

    since: Moment | None
    turns: int
    items: list[LedgerLine]
    next_cursor: str | None


# Assignment rules


class EntryIn(Body):
    """One line: when the criteria match, the lead goes to the target."""

    name: Text = None
    criteria: dict[str, Any] | None = Field(
        default=None,
        description="`{all: […]}`, `{any: […]}`, `{not: …}` or `{field, op, value}`; absent matches all.",
    )
    target: TargetIn
    fallback_queue_id: Text = None
    notify: StrictBool = True
    template_id: Text = None
    accept_within_minutes: Minutes | None = None


class NewRules(Body):
    """A version of the assignment rules, as a draft."""

    name: StrictStr
    entries: list[EntryIn] = []


class RulesChanges(Body):
    """Fields to change; entries are replaced as a whole."""

    name: Text = None
    entries: list[EntryIn] | None = None


class Target(Answer):
    """Where an entry sends leads."""

    type: Literal["user", "queue", "round_robin", "partner_account"]
    id: Id
    name: str


class Entry(Answer):
    """One line of the rules."""

    name: str | None
    criteria: dict[str, Any] | None
    target: Target
    fallback_queue_id: str | None
    notify: bool
    template_id: str | None
    accept_within_minutes: int | None


class Rules(Answer):
    """A version of the assignment rules.  What was once active is never rewritten."""

    id: Id
    version: str
    created_at: Moment
    updated_at: Moment
    name: str
    number: int
    state: Literal["draft", "active", "retired"]
    activated_at: Moment | None
    retired_at: Moment | None
    entries: list[Entry]


RulesList = list_of(Rules)


class Try(Body):
    """Which past leads; the newest 500 unless given."""

    from_: Text = Field(default=None, alias="from")
    to: Text = None
    limit: Annotated[int, Field(ge=1, le=1000), BeforeValidator(whole)] = 500


class Trial(Answer):
    """A past lead: entry from 1 (null: none matches), where it would go, whether the version in force sends it elsewhere.

    Of the version in force itself, or with none in force: whether it went elsewhere when it came in.
    """

    lead_id: Id
    entry: int | None
    target: Target
    differs: bool


TrialList = list_of(Trial)
