"""Sending new leads where the assignment rules say: one, or a batch of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.leads.models import Lead
from app.leads.placement import Move, Owner, place
from app.routing.desk import Desk
from app.routing.matching import NO_FACTS, facts_of, facts_of_lead
from app.routing.rules import LeadReader, RuleBook, Verdict, find_active_rules
from app.routing.turns import NOBODY, refusing_companies


def route_lead(
    session: Session, actor: Actor, lead: Lead, *, now: datetime, notify: bool = True
) -> int | None:
    """Place a new lead by the active rules; the assignment's key.  Without rules it goes to the default queue.

    lead: not stored yet, then it is stored with its first owner; or stored and waiting.  None, and
    nothing is done, when a person chose its owner.  notify: False keeps the mail from being sent.
    Writes what `leads.placement.place` writes, a turn's ledger row and alerts.  Does not commit.

    Raises AlreadyConverted, LeadMoved.
    """
    state = inspect(lead)
    is_stored = not (state.transient or state.pending)
    if is_stored and lead.is_owner_chosen:
        return None
    refusing = refusing_companies(session, lead.id) if is_stored else NOBODY
    book = find_active_rules(session)
    verdict = judge(session, book, lead)
    entry = verdict.entry if verdict else None
    desk = Desk.open(session, book, now=now, one=True, entries=[entry] if entry else [])
    decision = desk.decide(verdict, facts_of_lead(lead), refusing=refusing, lead_ref=lead.ref)
    desk.write()
    origin = lead.owner_queue_id if is_stored else None
    move = decision.move(now=now, notify=notify, origin_queue_id=origin)
    return place(session, actor, lead, decision.owner, move, now=now)


def judge(session: Session, book: RuleBook | None, lead: Lead) -> Verdict | None:
    """What the rules say of a lead; None without rules."""
    return book.evaluate(LeadReader(session, book.fields).of_lead(lead)) if book else None


@dataclass(frozen=True, slots=True)
class Routed:
    """Where one lead of a batch goes, ready for `leads.arrivals.Arrival`."""

    to: Owner
    move: Move


def route_many(
    session: Session, leads: Sequence[Mapping[str, Any]], *, now: datetime, notify: bool = True
) -> list[Routed]:
    """Decide for leads that are not stored yet, in their order, in a number of statements that does not grow.

    leads: attribute of Lead → value.  Round robins, people and companies that the rules can lead to are
    held until the transaction ends, so that turns stay fair and capacities are kept.  Writes the turns'
    ledger rows and alerts; the caller stores the leads.  Does not commit.
    """
    book = find_active_rules(session)
    desk = Desk.open(session, book, now=now, one=False)
    if book is None:
        decisions = [desk.decide(None, NO_FACTS) for _lead in leads]
    else:
        reader = LeadReader(session, book.fields)
        decisions = [
            desk.decide(book.evaluate(reader.of_values(values)), facts_of(values.get)) for values in leads
        ]
    desk.write()
    return [Routed(d.owner, d.move(now=now, notify=notify)) for d in decisions]
