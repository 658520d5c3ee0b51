"""Random walks over all that is done with leads, converting and undoing above all, with what must hold after every step."""

import random
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.models import Account, Contact
from app.activities.operations import log_activity
from app.conversion.models import Conversion
from app.conversion.operations import convert_lead
from app.conversion.undoing import unconvert_lead
from app.conversion.wanted import read_wanted
from app.kernel import clock
from app.kernel.actor import Level
from app.kernel.errors import DomainError
from app.leads.models import Lead, LeadStatus, StatusCategory, UnqualifiedReason
from app.leads.operations import claim_lead, delete_lead, edit_lead, restore_lead
from app.opportunities.models import Opportunity
from app.opportunities.operations import delete_opportunity, edit_opportunity
from app.routing.models import Queue
from app.routing.offers import accept_offer, decline_offer, expire_offers, release_lead
from app.routing.operations import Wish, assign_lead, bulk_assign, find_target
from app.routing.recycling import due_leads, recycle_lead
from app.scores.operations import hand_over
from app.sharing.models import ConversionGrant
from app.sharing.scope import scope
from app.sharing.shares import share_record
from app.sharing.verify import differences
from tests.conversion.test_conversion import state
from tests.factories import actor_of, get_status, make_lead, open_portal, rows

_QUIET: Any = {"deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


def test_a_walk_keeps_what_must_hold(session, ada, mara, sal, pia, pam):
    _walk(session, [ada, mara, sal, pia, pam], 109, steps=60)


@pytest.mark.long
@settings(max_examples=40, **_QUIET)
@given(seed=st.integers(0, 10**9))
def test_forty_walks_keep_what_must_hold(session, ada, mara, sal, pia, pam, seed):
    with session.begin_nested() as undone:
        _walk(session, [ada, mara, sal, pia, pam], seed, steps=40)
        undone.rollback()
    session.expire_all()


def _walk(session: Session, people: list[Any], seed: int, *, steps: int) -> None:
    open_portal(session)
    for queue in rows(session, Queue):
        queue.touch_within_hours = 8
    chance = random.Random(seed)
    leads = [
        make_lead(session, owner=chance.choice(people[1:]), company=chance.choice(["Forges", "Mines"]))
        for _ in range(4)
    ]
    done = 0
    for _ in range(steps):
        step = chance.choice(_STEPS)
        try:
            with session.begin_nested():
                step(session, chance, actor_of(session, chance.choice(people)), chance.choice(leads), people)
            done += 1
        except DomainError:
            session.expire_all()
        _check(session, leads)
    assert done
    for person in people:
        _check_sight(session, actor_of(session, person))


def _convert(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    sold = {"name": "Gravel", "amount": 5, "currency": "EUR"} if chance.random() < 0.7 else None
    convert_lead(session, actor, lead.ref, read_wanted(opportunity=sold), now=clock.now())


def _undo(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    unconvert_lead(session, actor, lead.ref, now=clock.now())


def _there_and_back(session: Session, chance: random.Random, actor: Any, lead: Lead, people: Any) -> None:
    """Converted and undone at once, nothing is other than it was."""
    before = state(session)
    _convert(session, chance, actor, lead, people)
    if lead.converted_at is not None and state(session)["conversion"] != before["conversion"]:
        _undo(session, chance, actor, lead, people)
        assert state(session) == before


def _assign(session: Session, chance: random.Random, actor: Any, lead: Lead, people: Any) -> None:
    to = find_target(session, actor, "user", chance.choice(people).ref)
    assign_lead(session, actor, lead.ref, Wish(to), now=clock.now())


def _share(session: Session, chance: random.Random, actor: Any, lead: Lead, people: Any) -> None:
    given = {"type": "user", "id": chance.choice(people).ref}
    share_record(session, actor, lead, given, "read", now=clock.now())


def _wait(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    """Into the partner's queue, where it can be claimed."""
    if lead.partner_account_id is not None:
        release_lead(session, actor, lead.ref, reason="other", note="Later", now=clock.now())


def _claim(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    claim_lead(session, actor, lead.ref, now=clock.now())


def _offer(session: Session, chance: random.Random, actor: Any, lead: Lead, people: Any) -> None:
    to = find_target(session, actor, "user", chance.choice(people).ref)
    assign_lead(session, actor, lead.ref, Wish(to, ask_to_accept=True), now=clock.now())


def _answer(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    if chance.random() < 0.7:
        accept_offer(session, actor, lead.ref, now=clock.now())
    else:
        decline_offer(session, actor, lead.ref, reason="other", note="No", now=clock.now())


def _log(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    is_done = chance.random() < 0.5
    plan = {} if is_done else {"subject": "Ring", "due_at": clock.now()}
    log_activity(session, actor, lead, kind="call", text="Rang", done=is_done, now=clock.now(), **plan)


def _edit(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    edit_lead(session, actor, lead.ref, {"city": chance.choice(["Vic", "Olot"])}, now=clock.now())


def _delete(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    delete_lead(session, actor, lead.ref, now=clock.now())


def _sell(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    for opportunity in rows(session, Opportunity, Opportunity.source_lead_id == lead.id):
        if chance.random() < 0.3:
            delete_opportunity(session, actor, opportunity.ref, now=clock.now())
        else:
            stage = {"stage": chance.choice(["proposal", "won", "lost"])}
            edit_opportunity(session, actor, opportunity.ref, stage, now=clock.now())


def _move(session: Session, chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    """Along the path, to qualified too, or given up with a reason."""
    key = chance.choice(["new", "working", "qualified", "unqualified"])
    values: dict[str, Any] = {"status": get_status(session, key).id}
    if key == "unqualified":
        values["unqualified_reason"] = rows(session, UnqualifiedReason)[0].id
    edit_lead(session, actor, lead.ref, values, now=clock.now())


def _hand_over(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    hand_over(session, actor, lead.ref, now=clock.now())


def _route(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    assign_lead(session, actor, lead.ref, Wish(None), now=clock.now())


def _many(session: Session, chance: random.Random, actor: Any, lead: Lead, people: Any) -> None:
    to = find_target(session, actor, "user", chance.choice(people).ref)
    bulk_assign(session, actor, [lead.ref], Wish(to), now=clock.now())


def _pass_time(session: Session, chance: random.Random, _actor: Any, _lead: Lead, _people: Any) -> None:
    """Offers lapse, and what was claimed and not touched goes back."""
    later = clock.now() + timedelta(hours=chance.choice([1, 100]))
    expire_offers(session, now=later)
    for key in due_leads(session, now=later):
        recycle_lead(session, key, now=later)


def _restore(session: Session, _chance: random.Random, actor: Any, lead: Lead, _people: Any) -> None:
    restore_lead(session, actor, lead.ref, now=clock.now())


# Converting and undoing as often as all else.
_STEPS = (
    _convert, _convert, _undo, _undo, _there_and_back, _there_and_back, _assign, _wait, _claim, _offer, _answer, _share, _edit,
    _log, _delete, _restore, _sell, _move, _hand_over, _route, _many, _pass_time,
)  # fmt: skip


def _check_sight(session: Session, actor: Any) -> None:
    """Partner people open of what leads became exactly what stands among the grants of conversions."""
    if actor.is_internal:
        return
    for thing, model in (("account", Account), ("contact", Contact)):
        held = [principal_id for object_, principal_id in actor.shared if object_ == thing]
        theirs = (ConversionGrant.object == thing, ConversionGrant.principal_id.in_(held))
        listed = {grant.record_id for grant in rows(session, ConversionGrant, *theirs)}
        seen = {row.id for row in session.scalars(select(model).where(scope(model, actor, Level.READ)))}
        live = {row.id for row in rows(session, model, model.deleted_at.is_(None))}
        assert seen == listed & live


def _check(session: Session, leads: list[Lead]) -> None:
    """One owner; converted once, with that status, or not at all; nothing sold of a lead that is not converted."""
    session.flush()
    kept = {row.lead_id: row for row in rows(session, Conversion)}
    sold = {row.source_lead_id: row for row in rows(session, Opportunity)}
    assert len(sold) == len(rows(session, Opportunity)), "one of each lead at most"
    assert {row.id for row in rows(session, Lead)} == {lead.id for lead in leads}
    for lead in leads:
        session.refresh(lead)
        is_converted = lead.converted_at is not None
        assert (lead.owner_user_id is None) is not (lead.owner_queue_id is None)
        assert is_converted is (lead.id in kept)
        status = session.get_one(LeadStatus, lead.status_id)
        assert is_converted is (status.category is StatusCategory.CONVERTED)
        assert not (is_converted and lead.is_open)
        assert not (is_converted and lead.deleted_at is not None)
        if lead.id in sold:
            assert kept[lead.id].opportunity_id == sold[lead.id].id
    assert list(differences(session)) == []
