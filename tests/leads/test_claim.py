"""Claiming: one winner, a clear answer for everyone else, and nothing learnt by a rival."""

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.events.models import Event
from app.identity.models import User
from app.kernel import clock
from app.kernel.errors import NotAllowed, NotFound
from app.leads.asking import parse_lead_query
from app.leads.errors import AtCapacity, LeadAlreadyClaimed
from app.leads.models import Assignment, LeadRefusal
from app.leads.operations import claim_lead
from app.leads.queries import list_leads, open_lead
from tests.factories import actor_of, make_lead, make_queue, row_count, rows


def test_a_member_of_the_queue_gets_the_whole_lead(
    app: Flask, session: Session, pia: User, northwind: object
) -> None:
    queue = make_queue(session, members=[northwind])
    lead = make_lead(session, queue=queue, company="Forges del Ter", last_name="Puig", city="Girona")
    actor = actor_of(session, pia)
    assert open_lead(session, actor, lead.ref).is_preview
    claim_lead(session, actor, lead.ref, now=clock.now())
    assert lead.owner_user_id == pia.id
    assert lead.owner_queue_id is None
    assert lead.partner_account_id == pia.partner_account_id
    assert open_lead(session, actor, lead.ref).lead.company == "Forges del Ter"
    assert [a.cause for a in rows(session, Assignment)][-1] == "claim"
    assert rows(session, Event)[-1].verb == "claimed"


def test_the_winner_asking_again_gets_the_same_and_no_second_event(
    app: Flask, session: Session, pia: User, northwind: object
) -> None:
    lead = make_lead(session, queue=make_queue(session, members=[northwind]))
    actor = actor_of(session, pia)
    claim_lead(session, actor, lead.ref, now=clock.now())
    before = row_count(session, Event), row_count(session, Assignment)
    assert claim_lead(session, actor, lead.ref, now=clock.now()) is lead
    assert (row_count(session, Event), row_count(session, Assignment)) == before


def test_the_second_claimer_is_told_it_is_taken(
    app: Flask, session: Session, pia: User, otto: User, northwind: object, southwind: object
) -> None:
    lead = make_lead(session, queue=make_queue(session, members=[northwind, southwind]))
    claim_lead(session, actor_of(session, pia), lead.ref, now=clock.now())
    with pytest.raises(LeadAlreadyClaimed):
        claim_lead(session, actor_of(session, otto), lead.ref, now=clock.now())


def test_who_is_no_member_learns_nothing(
    app: Flask, session: Session, otto: User, pia: User, northwind: object
) -> None:
    lead = make_lead(session, queue=make_queue(session, members=[northwind]))
    for _ in range(2):
        with pytest.raises(NotFound):
            claim_lead(session, actor_of(session, otto), lead.ref, now=clock.now())
        claim_lead(session, actor_of(session, pia), lead.ref, now=clock.now())


def test_a_channel_manager_who_is_no_member_assigns_instead(
    app: Flask, session: Session, mara: User, northwind: object
) -> None:
    lead = make_lead(session, queue=make_queue(session, members=[northwind]))
    with pytest.raises(NotAllowed):
        claim_lead(session, actor_of(session, mara), lead.ref, now=clock.now())


def test_a_claim_at_capacity_is_refused(app: Flask, session: Session, pia: User, northwind: object) -> None:
    queue = make_queue(session, members=[northwind])
    pia.capacity = 1
    first, second = make_lead(session, queue=queue), make_lead(session, queue=queue)
    claim_lead(session, actor_of(session, pia), first.ref, now=clock.now())
    with pytest.raises(AtCapacity):
        claim_lead(session, actor_of(session, pia), second.ref, now=clock.now())


def test_the_companys_capacity_counts_all_its_people(
    app: Flask, session: Session, pia: User, pam: User, northwind: object
) -> None:
    queue = make_queue(session, members=[northwind])
    northwind.capacity = 1  # type: ignore[attr-defined]
    first, second = make_lead(session, queue=queue), make_lead(session, queue=queue)
    claim_lead(session, actor_of(session, pam), first.ref, now=clock.now())
    with pytest.raises(AtCapacity):
        claim_lead(session, actor_of(session, pia), second.ref, now=clock.now())


def test_a_company_that_refused_it_finds_nothing(
    app: Flask, session: Session, pia: User, northwind: object
) -> None:
    lead = make_lead(session, queue=make_queue(session, members=[northwind]))
    session.add(
        LeadRefusal(lead_id=lead.id, company_id=pia.partner_account_id, at=clock.now(), cause="declined")
    )
    actor = actor_of(session, pia)
    with pytest.raises(NotFound):
        claim_lead(session, actor, lead.ref, now=clock.now())
    assert list_leads(session, actor, parse_lead_query(session, actor, {})).items == []


def test_lists_show_previews_and_hide_them_from_filters_on_hidden_fields(
    app: Flask, session: Session, pia: User, northwind: object
) -> None:
    queue = make_queue(session, members=[northwind])
    make_lead(session, queue=queue, company="Forges del Ter", city="Girona", industry="Steel", employees=120)
    actor = actor_of(session, pia)
    shown = list_leads(session, actor, parse_lead_query(session, actor, {"city": ["girona"]})).items
    assert [(r.company, r.person, r.email, r.employees, r.employee_band) for r in shown] == [
        (None, None, None, None, "50–199")
    ]
    assert shown[0].title == "Steel, 50–199 people · Girona, ES" or "Girona" in shown[0].title
    for hidden in ({"company": ["Forges del Ter"]}, {"q": ["Forges"]}, {"employees": ["120"]}):
        assert list_leads(session, actor, parse_lead_query(session, actor, hidden)).items == []
    assert list_leads(session, actor, parse_lead_query(session, actor, {}, "company")).items == []
