"""The desk at which leads are sent on: verdict of the rules in, owner, offer and trace out.

Opened once in a transaction, for one lead or for a thousand: it locks and reads what the rules can lead
to, decides in memory, and writes the turns and alerts at the end.  Placing the leads is the caller's.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.leads.models import AssignmentCause
from app.leads.placement import Closing, Move, OfferTerms, Owner
from app.notifications.operations import Mail
from app.routing import steps
from app.routing.alerts import Alert, raise_alerts
from app.routing.candidates import PARTNER_ACCOUNT, QUEUE, ROUND_ROBIN, USER, Candidate, Snapshot
from app.routing.eligibility import Wanted, members_of, take_snapshot
from app.routing.matching import LeadFacts
from app.routing.models import Queue
from app.routing.reasons import Reason, Refusal
from app.routing.rules import Entry, RuleBook, Verdict
from app.routing.seats import hold_seats, keep_seat, lock_round_robins
from app.routing.trace import CANNOT_EVALUATE, NOBODY_ELIGIBLE, NOT_ELIGIBLE
from app.routing.turns import NOBODY, Taken, Turns

STANDARD_MINUTES = 24 * 60


@dataclass(slots=True)
class Decision:
    """Where a lead goes, and why.

    candidate: who was chosen; None when it goes to a fallback or the default queue.  offer_minutes: it is
    held out for that long, not given.  entry: that of the rules that matched.  taken: the turn it used.
    """

    owner: Owner
    cause: AssignmentCause
    trace: list[steps.Step]
    candidate: Candidate | None = None
    entry: Entry | None = None
    taken: Taken | None = None
    offer_minutes: int | None = None
    tells: bool = True

    def move(
        self,
        *,
        now: datetime,
        notify: bool = True,
        origin_queue_id: int | None = None,
        hops: int = 0,
        closing: Closing | None = None,
    ) -> Move:
        """The placement that carries it out; to be asked after `Desk.write`, which numbers the turns."""
        turn_id = self.taken.turn_id if self.taken else None
        offer = None
        if self.offer_minutes is not None:
            offer = OfferTerms(
                expires_at=now + timedelta(minutes=self.offer_minutes),
                round_robin_id=self.taken.round_robin.id if self.taken else None,
                origin_queue_id=origin_queue_id,
                turn_id=turn_id,
                hops=hops,
            )
        return Move(
            self.cause,
            trace=self.trace,
            turn_id=turn_id,
            rule_entry_id=self.entry.id if self.entry else None,
            offer=offer,
            closing=closing or Closing(),
            mail=Mail.NOW if notify and self.tells else Mail.SUPPRESSED,
            template_id=self.entry.template_id if self.entry else None,
        )


@dataclass(slots=True)
class Desk:
    """One transaction's routing.  one: only a single lead is routed, so only its receiver is held."""

    session: Session
    now: datetime
    book: RuleBook | None
    snapshot: Snapshot
    turns: Turns
    one: bool
    alerts: list[Alert] = field(default_factory=list)
    _default: Queue | None = None

    @classmethod
    def open(
        cls,
        session: Session,
        book: RuleBook | None,
        *,
        now: datetime,
        one: bool,
        entries: Sequence[Entry] | None = None,
        round_robins: Iterable[int] = (),
        wanted: Iterable[Wanted] = (),
    ) -> "Desk":
        """Lock and read what is needed to route by the rules.

        one: a single lead is to be routed.  entries: those that may match, all of the rules' unless given.
        round_robins, wanted: others that the caller needs in this transaction.
        """
        entries = entries if entries is not None else (book.entries if book else ())
        rows = lock_round_robins(
            session, {*round_robins, *(e.target_id for e in entries if e.kind == ROUND_ROBIN)}
        )
        asked = [
            Wanted.of(kind, ids)
            for kind in (USER, PARTNER_ACCOUNT, QUEUE)
            if (ids := [e.target_id for e in entries if e.kind == kind])
        ]
        asked += wanted
        if rows:
            asked.append(members_of(rows))
        if not one:
            hold_seats(session, *asked)
        snapshot = take_snapshot(session, *asked, now=now)
        return cls(session, now, book, snapshot, Turns(rows.values(), snapshot, now=now), one)

    def decide(
        self,
        verdict: Verdict | None,
        facts: LeadFacts,
        *,
        refusing: AbstractSet[int] = NOBODY,
        lead_ref: str = "",
    ) -> Decision:
        """Where the lead goes by the rules' verdict; None when no rules are active.

        facts: of the lead, by which members of round robins match it.  refusing: companies that are passed over for
        this lead.  lead_ref: for alerts.
        """
        if verdict is None or self.book is None:
            return self._to_default([steps.no_rules()], None)
        trace = [self.book.step(verdict)]
        for position, reason in verdict.skipped:
            self._skipped(position, reason, lead_ref)
        entry = verdict.entry
        if entry is None:
            return self._to_default(trace, None)
        if entry.kind == ROUND_ROBIN:
            return self._by_turn(entry, trace, facts, refusing, lead_ref)
        return self._to_target(entry, trace, refusing, lead_ref)

    def write(self) -> None:
        """Write turns, states and alerts of what was decided.  Does not commit."""
        self.turns.write(self.session)
        if self.alerts:
            raise_alerts(self.session, self.alerts, now=self.now)
            self.alerts = []

    def take(
        self,
        round_robin_id: int,
        trace: list[steps.Step],
        cause: AssignmentCause,
        facts: LeadFacts,
        *,
        refusing: AbstractSet[int] = NOBODY,
        minutes: int | None = None,
    ) -> Decision | None:
        """The next turn of a round robin as a decision; None, with the reason traced, when nobody can take it.

        minutes: time to accept that goes before the round robin's own.
        """
        keep = self._keep if self.one else None
        taken = self.turns.take(round_robin_id, facts=facts, refusing=refusing, keep=keep)
        trace.append(taken.step)
        if taken.candidate is None:
            return None
        own = (minutes, "entry"), (taken.round_robin.accept_within_minutes, "round_robin")
        return self._chosen(taken.candidate, trace, cause, own, taken=taken)

    def to_queue(
        self,
        queue: Queue,
        of: str,
        trace: list[steps.Step],
        cause: AssignmentCause,
        entry: Entry | None = None,
    ) -> Decision:
        """It goes to a queue because nothing better could be done.  of: as `steps.fallback` says."""
        trace.append(steps.fallback(of, queue.id, queue.name))
        return Decision(Owner(queue=queue), cause, trace, entry=entry, tells=entry is None or entry.notify)

    def find_queue(self, queue_id: int | None) -> Queue | None:
        """A queue that still takes leads; None when there is none or it was deleted."""
        queue = self.session.get(Queue, queue_id) if queue_id is not None else None
        return queue if queue is not None and queue.deleted_at is None else None

    @property
    def default_queue(self) -> Queue:
        if self._default is None:
            self._default = self.session.scalars(select(Queue).where(Queue.is_default)).one()
        return self._default

    def _keep(self, candidate: Candidate) -> bool:
        return keep_seat(self.session, self.snapshot, candidate) is None

    def _by_turn(
        self,
        entry: Entry,
        trace: list[steps.Step],
        facts: LeadFacts,
        refusing: AbstractSet[int],
        lead_ref: str,
    ) -> Decision:
        decision = self.take(
            entry.target_id,
            trace,
            AssignmentCause.ROUND_ROBIN,
            facts,
            refusing=refusing,
            minutes=entry.accept_within_minutes,
        )
        if decision is not None:
            decision.entry, decision.tells = entry, entry.notify
            return decision
        group = self.turns.round_robin(entry.target_id)
        self.alerts.append(nobody_eligible(group.id, group.name, lead_ref))
        queue = self.find_queue(group.fallback_queue_id)
        if queue is not None:
            return self.to_queue(queue, "round_robin", trace, AssignmentCause.ROUND_ROBIN, entry)
        return self._to_fallback(entry, trace)

    def _to_target(
        self, entry: Entry, trace: list[steps.Step], refusing: AbstractSet[int], lead_ref: str
    ) -> Decision:
        candidate = self.snapshot.by_principal.get((entry.kind, entry.target_id))
        name = candidate.name if candidate else ""
        refusal = self._refusal(candidate, refusing)
        if candidate is not None and refusal is None:
            self.snapshot.take_seat(candidate)
            trace.append(steps.target(entry.kind, entry.target_id, name))
            own = ((entry.accept_within_minutes, "entry"),)
            return self._chosen(candidate, trace, AssignmentCause.RULE, own, entry=entry)
        reason = (refusal or Refusal(Reason.GONE)).to_json()
        trace.append(steps.not_eligible(entry.kind, entry.target_id, name, reason))
        detail = {"entry": entry.position, "kind": entry.kind, "name": name, "reason": reason}
        self.alerts.append(Alert(NOT_ELIGIBLE, f"{entry.id}", detail, lead_ref))
        return self._to_fallback(entry, trace)

    def _refusal(self, candidate: Candidate | None, refusing: AbstractSet[int]) -> Refusal | None:
        if candidate is None or candidate.owner is None:
            return Refusal(Reason.GONE)
        if candidate.company_id is not None and candidate.company_id in refusing:
            return Refusal(Reason.REFUSED_BEFORE)
        refusal = self.snapshot.refusal(candidate)
        if refusal is None and self.one:
            refusal = keep_seat(self.session, self.snapshot, candidate)
        return refusal

    def _chosen(
        self,
        candidate: Candidate,
        trace: list[steps.Step],
        cause: AssignmentCause,
        own_minutes: Iterable[tuple[int | None, str]],
        *,
        entry: Entry | None = None,
        taken: Taken | None = None,
    ) -> Decision:
        if candidate.owner is None:
            raise LookupError(f"{candidate.kind} {candidate.id} has nowhere to put a lead")
        minutes = None
        if candidate.is_partner_user:
            minutes, said_by = minutes_to_accept(*own_minutes, (candidate.level_minutes, "level"))
            trace.append(steps.offer(minutes, said_by))
        return Decision(
            candidate.owner, cause, trace, candidate, entry, taken, minutes, entry is None or entry.notify
        )

    def _to_fallback(self, entry: Entry, trace: list[steps.Step]) -> Decision:
        queue = self.find_queue(entry.fallback_queue_id)
        if queue is not None:
            return self.to_queue(queue, "entry", trace, AssignmentCause.RULE, entry)
        return self._to_default(trace, entry)

    def _to_default(self, trace: list[steps.Step], entry: Entry | None) -> Decision:
        return self.to_queue(self.default_queue, "default", trace, AssignmentCause.DEFAULT_QUEUE, entry)

    def _skipped(self, position: int, reason: str, lead_ref: str) -> None:
        if self.book is not None:
            detail = {"rules": self.book.number, "entry": position, "reason": reason}
            self.alerts.append(Alert(CANNOT_EVALUATE, f"{self.book.id}.{position}", detail, lead_ref))


def nobody_eligible(round_robin_id: int, name: str, lead_ref: str) -> Alert:
    """The alert for a round robin none of whose members could take a turn."""
    return Alert(NOBODY_ELIGIBLE, f"{round_robin_id}", {"name": name}, lead_ref)


def minutes_to_accept(*said: tuple[int | None, str]) -> tuple[int, str]:
    """How long an offer stands, and who says so: the first that says anything, else a day."""
    for minutes, said_by in said:
        if minutes is not None:
            return minutes, said_by
    return STANDARD_MINUTES, "standard"
