"""Many people, few leads, one moment: exactly one winner a lead, whoever's button was pressed first."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import User
from app.kernel import clock
from app.kernel.actor import Actor
from app.kernel.db import db, transaction
from app.kernel.errors import NotFound
from app.leads.errors import AtCapacity, LeadAlreadyClaimed
from app.leads.models import Assignment, AssignmentCause, Lead
from app.leads.operations import claim_lead
from app.leads.placement import Move, Owner, place
from app.leads.queries import get_lead
from tests.factories import actor_of, make_lead, make_partner, make_queue, make_user, row_count, rows
from tests.races import together

pytestmark = pytest.mark.race


def claim(actor: Actor, refs: list[str]) -> Callable[[], Counter[str]]:
    """Claim each lead in turn, counting what the answers were."""

    def run() -> Counter[str]:
        told: Counter[str] = Counter()
        for ref in refs:
            try:
                with transaction() as session:
                    claim_lead(session, actor, ref, now=clock.now())
                told["won"] += 1
            except (LeadAlreadyClaimed, AtCapacity, NotFound) as error:
                told[error.slug] += 1
        return told

    return run


def test_every_lead_has_one_winner(app: Flask, session: Session) -> None:
    partners = [make_partner(session, f"Partner {n}") for n in range(4)]
    people = [make_user(session, partner=partner) for partner in partners for _ in range(3)]
    queue = make_queue(session, members=tuple(partners))
    refs = [make_lead(session, queue=queue).ref for _ in range(25)]
    actors = [actor_of(session, person) for person in people]
    answers: list[Any] = together(app, [claim(actor, refs) for actor in actors])
    assert [a for a in answers if isinstance(a, Exception)] == []
    assert sum(a["won"] for a in answers) == 25
    assert sum(a["already-claimed"] for a in answers) == 25 * 11
    claims = rows(db.session(), Assignment, Assignment.cause == AssignmentCause.CLAIM)
    assert sorted(a.lead_id for a in claims) == sorted(lead.id for lead in rows(db.session(), Lead))
    assert row_count(db.session(), Event, Event.verb == "claimed") == 25


def test_capacity_is_never_exceeded_by_claims_at_once(app: Flask, session: Session) -> None:
    partner = make_partner(session, "Northwind")
    partner.capacity = 7
    people = [make_user(session, partner=partner) for _ in range(6)]
    people[0].capacity = 2
    queue = make_queue(session, members=(partner,))
    refs = [make_lead(session, queue=queue).ref for _ in range(20)]
    answers: list[Any] = together(app, [claim(actor_of(session, p), refs) for p in people for _ in range(2)])
    assert [a for a in answers if isinstance(a, Exception)] == []
    owned = Counter(lead.owner_user_id for lead in rows(db.session(), Lead, Lead.owner_user_id.is_not(None)))
    assert sum(owned.values()) == 7
    assert owned[people[0].id] <= 2


def test_a_claim_and_a_change_of_owner_cannot_both_win(app: Flask, session: Session, mara: User) -> None:
    partner = make_partner(session, "Northwind")
    pia = make_user(session, partner=partner)
    queue = make_queue(session, members=(partner,))
    colleague = make_user(session)
    refs = [make_lead(session, queue=queue).ref for _ in range(20)]
    manager, claimer, colleague_id = actor_of(session, mara), actor_of(session, pia), colleague.id

    def assign() -> Counter[str]:
        told: Counter[str] = Counter()
        for ref in refs:
            try:
                with transaction() as session:
                    lead = get_lead(session, manager, ref)
                    to = Owner(user=session.get(User, colleague_id))
                    place(session, manager, lead, to, Move(AssignmentCause.MANUAL), now=clock.now())
                told["moved"] += 1
            except Exception as error:
                told[type(error).__name__] += 1
        return told

    claimed, assigned = together(app, [claim(claimer, refs), assign])
    assert not isinstance(claimed, Exception)
    assert set(assigned) <= {"moved", "LeadMoved"}
    # A claim that came first may be followed by the change of owner; the history tells each move once.
    history = rows(db.session(), Assignment)
    assert Counter(a.cause for a in history)["claim"] == claimed["won"]
    assert Counter(a.cause for a in history if a.actor_id == mara.id)["manual"] == assigned["moved"]
    for lead in rows(db.session(), Lead):
        last = [a for a in history if a.lead_id == lead.id][-1]
        assert (lead.owner_user_id, lead.owner_queue_id) == (last.to_user_id, last.to_queue_id)
