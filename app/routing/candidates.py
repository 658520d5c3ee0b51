"""Somebody a lead may go to, and how they stood when they were read.  Values only; `eligibility` reads them."""

from dataclasses import dataclass, field
from datetime import datetime

from app.leads.placement import Owner
from app.leads.rows import OwnerLink
from app.routing.matching import Match
from app.routing.reasons import Reason, Refusal

USER, PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN = "user", "partner_account", "queue", "round_robin"
MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody a lead may go to, as they stood when read.

    kind, id: a user, a partner account or a queue.  owner: who would then own the lead (a partner
    account's partner queue).  blocked: why it cannot be given anything at all; resting: why no rule or
    turn gives it anything, though a person may.  The capacities are None where unlimited.
    """

    kind: str
    id: int
    ref: str
    name: str
    owner: Owner | None
    company_id: int | None
    company_name: str
    blocked: Refusal | None
    resting: Refusal | None
    user_capacity: int | None
    company_capacity: int | None
    level_minutes: int | None
    level_ref: str | None = None

    @property
    def shown(self) -> OwnerLink:
        """As pages show owners."""
        kind = {USER: "partner" if self.company_id else "user", PARTNER_ACCOUNT: "partner"}.get(
            self.kind, "queue"
        )
        company = self.company_name if self.kind == USER and self.company_name else None
        return OwnerLink(kind, self.ref, self.name, company)

    @property
    def user_id(self) -> int | None:
        return self.id if self.kind == USER else None

    @property
    def is_partner_user(self) -> bool:
        return self.kind == USER and self.company_id is not None


@dataclass(frozen=True, slots=True)
class Seat:
    """A member's place in a round robin, as it stands in the table.  match: None takes part for every lead."""

    round_robin_id: int
    seat: int
    weight: int
    match: Match | None = None


@dataclass(slots=True)
class Snapshot:
    """Candidates, and how many open leads each person and company holds.

    Taken once, it keeps its own count, so that whoever gives many leads in one transaction (an import, a
    bulk change) asks the database once and still never exceeds a capacity.

    by_key: what the wanted rows were asked under; by_principal: (kind, id) of the same candidates.
    seats: member of a round robin → place in it.
    overruled: what was found out when a seat was to be held, later than the reading.
    changes: rises whenever somebody has become full, for those who remember who was eligible.
    """

    at: datetime
    by_key: dict[tuple[str, int], Candidate] = field(default_factory=dict)
    by_principal: dict[tuple[str, int], Candidate] = field(default_factory=dict)
    seats: dict[int, Seat] = field(default_factory=dict)
    open_of_user: dict[int, int] = field(default_factory=dict)
    open_of_company: dict[int, int] = field(default_factory=dict)
    overruled: dict[tuple[str, int], Refusal] = field(default_factory=dict)
    changes: int = 0

    def refusal(self, candidate: Candidate) -> Refusal | None:
        """Why rules and turns pass it over now; None when it is eligible."""
        later = self.overruled.get((candidate.kind, candidate.id)) if self.overruled else None
        return candidate.blocked or candidate.resting or later or self.full(candidate)

    def full(self, candidate: Candidate, *, in_company: bool = True) -> Refusal | None:
        """Whether another open lead would exceed the person's or the company's capacity.

        Queues never fill; giving to a partner account's queue asks for room in the company.
        in_company: False for a lead that the company holds already.
        """
        if candidate.user_capacity is not None:
            held = self.open_of_user.get(candidate.id, 0)
            if held >= candidate.user_capacity:
                return Refusal(Reason.AT_CAPACITY, {"open": held, "capacity": candidate.user_capacity})
        if in_company and candidate.company_capacity is not None and candidate.company_id is not None:
            held = self.open_of_company.get(candidate.company_id, 0)
            if held >= candidate.company_capacity:
                capacity = candidate.company_capacity
                return Refusal(Reason.COMPANY_AT_CAPACITY, {"open": held, "capacity": capacity})
        return None

    def take_seat(self, candidate: Candidate) -> None:
        """Count one more open lead.  What waits in a queue fills nobody."""
        if candidate.kind != USER:
            return
        if candidate.user_capacity is not None:
            held = self.open_of_user[candidate.id] = self.open_of_user.get(candidate.id, 0) + 1
            self.changes += held >= candidate.user_capacity
        if candidate.company_capacity is not None and candidate.company_id is not None:
            company = candidate.company_id
            held = self.open_of_company[company] = self.open_of_company.get(company, 0) + 1
            self.changes += held >= candidate.company_capacity

    def overrule(self, candidate: Candidate, refusal: Refusal) -> None:
        """Somebody cannot be given anything after all."""
        self.overruled[candidate.kind, candidate.id] = refusal
        self.changes += 1
