"""Giving leads to somebody by hand: assignment by the vendor's people, transfer within a partner account.

`Assigning` plans one lead after the other within a transaction; a single assignment and a bulk act differ
in the number only.  The moves themselves are `leads.placement.place`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor, Level, Permission
from app.kernel.errors import Invalid, NotAllowed, NotFound
from app.leads.errors import AlreadyConverted, AtCapacity, NotAssignable
from app.leads.models import AssignmentCause, Lead, Offer
from app.leads.placement import Move, OfferTerms, Owner, place
from app.leads.queries import find_with_level
from app.routing import steps
from app.routing.candidates import ROUND_ROBIN, USER, Candidate
from app.routing.desk import Decision, Desk, minutes_to_accept, nobody_eligible
from app.routing.eligibility import Wanted
from app.routing.errors import RefusedBefore
from app.routing.matching import facts_of_lead
from app.routing.models import Queue, Turn
from app.routing.reasons import Reason, Refusal
from app.routing.routes import judge
from app.routing.rules import Verdict, find_active_rules
from app.routing.seats import keep_seat
from app.routing.targets import Target, no_such_target
from app.routing.turns import NOBODY, find_turn, refusals_of

FULL = (Reason.AT_CAPACITY, Reason.COMPANY_AT_CAPACITY)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants done with a lead.

    target: whom to give it to; None sends it through the active rules again.  ask_to_accept: a partner
    user is offered it.  over_capacity: the capacity may be exceeded.  despite_refusal: it may go to a
    company that refused it before.
    """

    target: Target | None
    notify: bool = True
    ask_to_accept: bool = False
    over_capacity: bool = False
    despite_refusal: bool = True


def assign_lead(session: Session, actor: Actor, ref: str, wish: Wish, *, now: datetime) -> Lead:
    """Give a lead to whom the actor wishes; one that is theirs already stays as it is.

    Partner managers and executives transfer within their own company; the vendor's people assign what
    they may.  A pending offer is withdrawn, and its turn given back when the vendor takes it back.
    Writes what `place` writes.  Does not commit.

    Raises NotFound, NotAllowed, NotAssignable (with the reason), AtCapacity, RefusedBefore, LeadMoved,
    AlreadyConverted.
    """
    lead = get_lead_to_assign(session, actor, ref)
    work = Assigning.begin(session, actor, wish, [lead], one=True, now=now)
    plan = work.plan(lead)
    if plan is not None:
        work.desk.write()
        place(session, actor, lead, plan.owner, plan.move(), now=now)
    return lead


def assign_new_lead(session: Session, actor: Actor, lead: Lead, wish: Wish, *, now: datetime) -> Lead:
    """Store a lead that is not stored yet, with whom the actor wishes as its first owner.

    Raises NotAssignable (with the reason), AtCapacity.
    """
    work = Assigning.begin(session, actor, wish, [lead], one=True, now=now)
    plan = work.plan(lead)
    if plan is None:
        raise ValueError("a new lead is nowhere yet")
    work.desk.write()
    place(session, actor, lead, plan.owner, plan.move(), now=now)
    return lead


def get_lead_to_assign(session: Session, actor: Actor, ref: str) -> Lead:
    """A lead that the actor may give to somebody.  One statement.  Raises NotFound, NotAllowed, AlreadyConverted."""
    found = find_with_level(session, actor, ref)
    if found is None:
        raise NotFound("lead", ref)
    lead, level = found
    if level < level_to_assign(actor):
        raise NotAllowed
    require_assignable_by(actor, lead)
    if lead.converted_at is not None:
        raise AlreadyConverted
    return lead


def _require_within_company(actor: Actor, wish: Wish) -> None:
    """That it stays within the company when a partner transfers it.  Raises NotAllowed, NotAssignable, Invalid."""
    if actor.is_internal:
        return
    if wish.target is None:
        raise NotAllowed(_l("Partners give leads to their own colleagues only."))
    if wish.target.kind != USER or wish.target.company_id != actor.company_id:
        raise no_such_target()
    if wish.ask_to_accept:  # a refusal would send it out of the company
        raise Invalid({"offer": [_l("Leads are handed to colleagues, not offered.")]})


def level_to_assign(actor: Actor) -> Level:
    """How much of a lead one must have to give it away."""
    if actor.is_partner:
        return Level.PREVIEW
    return Level.EDIT if actor.can(Permission.LEAD_ASSIGN_ANY) else Level.FULL


def require_assignable_by(actor: Actor, lead: Lead) -> None:
    """That the actor's role lets them give this lead away.  Raises NotAllowed."""
    if not actor.is_partner:
        actor.require(Permission.LEAD_ASSIGN)
        return
    actor.require(Permission.LEAD_TRANSFER)
    if lead.owner_user_id is None or lead.partner_account_id != actor.company_id:
        raise NotAllowed(_l("Only what you or your colleagues hold can be transferred."))
    # A share may show what a peer or somebody above holds; it gives no right to take it from them.
    is_below = lead.owner_rank is not None and lead.owner_rank < actor.rank
    if lead.owner_user_id != actor.user_id and not is_below:
        raise NotAllowed(_l("Only what you or your colleagues hold can be transferred."))


@dataclass(slots=True)
class Plan:
    """A lead and where it will go.  move: to be asked for after the desk has numbered its turns."""

    lead: Lead
    decision: Decision
    wish: Wish
    now: datetime
    origin_queue_id: int | None = None
    carried: OfferTerms | None = None
    forgets_refusal: bool = False
    owner_chosen: bool = False

    @property
    def owner(self) -> Owner:
        return self.decision.owner

    def move(self) -> Move:
        move = self.decision.move(now=self.now, notify=self.wish.notify, origin_queue_id=self.origin_queue_id)
        return replace(
            move,
            offer=self.carried or move.offer,
            forgets_refusal=self.forgets_refusal,
            owner_chosen=self.owner_chosen,
        )


@dataclass(slots=True)
class Assigning:
    """One transaction's assignments by one person.

    offers: pending offers of the leads, by id.  refusing: lead → companies that refused it.
    verdict: of the rules, for a single lead that is sent through them.
    """

    session: Session
    actor: Actor
    wish: Wish
    desk: Desk
    offers: Mapping[int, Offer]
    refusing: Mapping[int, frozenset[int]]
    verdict: Verdict | None = None

    @classmethod
    def begin(
        cls, session: Session, actor: Actor, wish: Wish, leads: Sequence[Lead], *, one: bool, now: datetime
    ) -> "Assigning":
        """Lock and read what giving these leads away needs; a constant number of statements.

        Raises NotAllowed, NotAssignable, Invalid: the actor may not give anything to that target like that.
        """
        _require_within_company(actor, wish)
        offers = _pending_offers(session, leads)
        target = wish.target
        round_robins = _round_robins_of(session, offers.values()) if actor.is_internal else set()
        wanted, book, verdict = [], None, None
        if target is None:
            book = find_active_rules(session)
            verdict = judge(session, book, leads[0]) if one else None
        elif target.kind == ROUND_ROBIN:
            round_robins.add(target.id)
        else:
            wanted.append(Wanted.of(target.kind, [target.id]))
        entries = None
        if one or book is None:
            entries = [verdict.entry] if verdict and verdict.entry else []
        # Before the round robin is waited for: whatever is read after it keeps the others waiting.
        refusing = refusals_of(session, [lead.id for lead in leads])
        if one and leads[0].owner_queue_id is not None:
            session.get(Queue, leads[0].owner_queue_id)
        desk = Desk.open(
            session, book, now=now, one=one, entries=entries, round_robins=round_robins, wanted=wanted
        )
        return cls(session, actor, wish, desk, offers, refusing, verdict)

    def plan(self, lead: Lead) -> Plan | None:
        """Where the lead will go; None when it is there already.

        Raises NotAssignable, AtCapacity, RefusedBefore, Invalid.
        """
        plan = self._plan(lead)
        offer = self.offers.get(lead.offer_id or 0)
        if plan is None or offer is None:
            return plan
        if self.actor.is_partner:
            plan.carried = OfferTerms(
                offer.expires_at, offer.round_robin_id, offer.origin_queue_id, offer.turn_id, offer.hops
            )
        elif offer.turn_id is not None and (turn := find_turn(self.session, offer.turn_id)) is not None:
            self.desk.turns.give_back(turn)
            plan.decision.trace.append(steps.turn_given_back())
        return plan

    def _plan(self, lead: Lead) -> Plan | None:
        target, now = self.wish.target, self.desk.now
        refusing = self.refusing.get(lead.id, NOBODY)
        origin = self._origin(lead)
        if target is None:
            verdict = self.verdict
            if verdict is None and self.desk.book is not None:
                verdict = judge(self.session, self.desk.book, lead)
            decision = self.desk.decide(verdict, facts_of_lead(lead), refusing=refusing, lead_ref=lead.ref)
            return Plan(lead, decision, self.wish, now, origin)
        if target.kind == ROUND_ROBIN:
            return Plan(lead, self._by_turn(lead, target, refusing), self.wish, now, origin)
        candidate = self.desk.snapshot.by_principal.get((target.kind, target.id))
        if candidate is None or candidate.owner is None:
            raise NotAssignable({"owner": [_cannot(target.name, Refusal(Reason.GONE))]})
        if candidate.blocked is not None:
            raise NotAssignable({"owner": [_cannot(candidate.name, candidate.blocked)]})
        if _is_there(lead, candidate.owner):
            return None
        return self._to_candidate(lead, candidate, candidate.owner, refusing, origin)

    def _to_candidate(
        self,
        lead: Lead,
        candidate: Candidate,
        owner: Owner,
        refusing: frozenset[int],
        origin: int | None,
    ) -> Plan:
        refused = candidate.company_id is not None and candidate.company_id in refusing
        if refused and not self.wish.despite_refusal:
            raise RefusedBefore
        if self.wish.ask_to_accept and not candidate.is_partner_user:
            raise Invalid({"offer": [_l("Only partner users can be asked to accept.")]})
        trace: list[steps.Step] = []
        self._take_seat(lead, candidate, trace)
        if refused:
            trace.append(steps.despite_refusal(candidate.company_name or candidate.name))
        cause = AssignmentCause.TRANSFER if self.actor.is_partner else AssignmentCause.MANUAL
        decision = Decision(owner, cause, trace, candidate)
        if self.wish.ask_to_accept:
            queue = self.desk.find_queue(origin)
            said = (
                (queue.accept_within_minutes if queue else None, "queue"),
                (candidate.level_minutes, "level"),
            )
            decision.offer_minutes, said_by = minutes_to_accept(*said)
            trace.append(steps.offer(decision.offer_minutes, said_by))
        chosen = lead.is_owner_chosen if self.actor.is_partner else True
        return Plan(lead, decision, self.wish, self.desk.now, origin, None, refused, chosen)

    def _take_seat(self, lead: Lead, candidate: Candidate, trace: list[steps.Step]) -> None:
        """See that one more open lead fits, or that it is exceeded on purpose.

        A lead that is closed, or that they hold already, takes no further room; nor does one that stays
        within the company take any there.
        """
        holds = lead.owner_user_id is not None and lead.owner_user_id == candidate.user_id
        if not lead.is_open or holds:
            return
        stays = lead.owner_user_id is not None and lead.partner_account_id == candidate.company_id
        snapshot, exceed = self.desk.snapshot, self.wish.over_capacity and self.actor.is_internal
        full = snapshot.full(candidate, in_company=not stays)
        if self.desk.one and (full is None or exceed):
            # Looked at again under locks; without `exceed` that may find it full after all.
            later = keep_seat(self.session, snapshot, candidate, exceed=exceed, in_company=not stays)
            if later is not None and later.reason not in FULL:
                raise NotAssignable({"owner": [_cannot(candidate.name, later)]})
            full = full or later
        if full is not None and not exceed:
            raise AtCapacity(_cannot(candidate.name, full))
        if full is not None:
            trace.append(steps.over_capacity(full.detail["open"], full.detail["capacity"]))
        snapshot.take_seat(candidate)

    def _by_turn(self, lead: Lead, target: Target, refusing: frozenset[int]) -> Decision:
        trace: list[steps.Step] = []
        decision = self.desk.take(
            target.id, trace, AssignmentCause.ROUND_ROBIN, facts_of_lead(lead), refusing=refusing
        )
        if decision is not None:
            return decision
        group = self.desk.turns.round_robin(target.id)
        queue = self.desk.find_queue(group.fallback_queue_id)
        if queue is None:
            message = _l("Nobody in the round robin “%(name)s” can take a turn now.", name=group.name)
            raise NotAssignable({"owner": [message]})
        self.desk.alerts.append(nobody_eligible(group.id, group.name, lead.ref))
        return self.desk.to_queue(queue, "round_robin", trace, AssignmentCause.ROUND_ROBIN)

    def _origin(self, lead: Lead) -> int | None:
        """The queue the lead comes from; not one of a partner it has left."""
        if lead.owner_queue_id is not None:
            return lead.owner_queue_id
        queue = self.session.get(Queue, lead.last_queue_id) if lead.last_queue_id else None
        return queue.id if queue is not None and queue.partner_account_id is None else None


def _cannot(name: str, refusal: Refusal) -> object:
    return _l("%(name)s cannot be given it: %(reason)s.", name=name, reason=refusal.message)


def _is_there(lead: Lead, owner: Owner) -> bool:
    if lead.offer_id is not None:
        return False
    if owner.user is not None:
        return lead.owner_user_id == owner.user.id
    return owner.queue is not None and lead.owner_queue_id == owner.queue.id


def _pending_offers(session: Session, leads: Sequence[Lead]) -> dict[int, Offer]:
    ids = [lead.offer_id for lead in leads if lead.offer_id is not None]
    if not ids:
        return {}
    return {offer.id: offer for offer in session.scalars(select(Offer).where(Offer.id.in_(ids)))}


def _round_robins_of(session: Session, offers: Iterable[Offer]) -> set[int]:
    """The round robins whose turns would be given back."""
    turn_ids = [offer.turn_id for offer in offers if offer.turn_id is not None]
    if not turn_ids:
        return set()
    return set(session.scalars(select(Turn.round_robin_id).where(Turn.id.in_(turn_ids))))
