"""Deactivating a user: what ends, what becomes of the open leads, and the way back."""

import pytest

from app.activities.models import Activity, ActivityKind
from app.events.models import Event
from app.identity.models import ApiToken, OneTimeLink, User, UserSession, UserState
from app.kernel import clock
from app.kernel.actor import Role
from app.kernel.db import db, transaction
from app.leads.filters import left_behind
from app.leads.models import Assignment, AssignmentCause, Lead, Offer, OfferState
from app.leads.operations import claim_lead
from app.notifications.models import Notification
from app.offboarding.choices import Keep, Route
from app.offboarding.operations import deactivate_user
from app.offboarding.plans import plan_user_leaving
from app.routing.models import LedgerKind, QueueMember, RoundRobinMember, Turn
from tests.factories import (
    actor_of,
    get_default_queue,
    make_contact,
    make_lead,
    make_queue,
    make_round_robin,
    make_user,
    row_count,
    rows,
)
from tests.people import make_token, sign_in
from tests.races import together


def leave(browser, user, **data):
    return browser.submit(f"/setup/users/{user.ref}/deactivate", data, page="/profile")


def offer_to(session, user, **lead):
    """A lead that is held out to the user."""
    held = make_lead(session, owner=user, **lead)
    offer = Offer(
        lead_id=held.id, user_id=user.id, company_id=user.partner_account_id, made_at=clock.now(),
        expires_at=clock.now().replace(year=2100), hops=0,
    )  # fmt: skip
    session.add(offer)
    session.flush()
    held.offer_id, held.offer_expires_at = offer.id, offer.expires_at
    session.flush()
    return held


def needing_owner(session):
    """How many leads the list counts as in need of an owner."""
    return row_count(session, Lead, Lead.deleted_at.is_(None), left_behind())


@pytest.fixture
def leads(session, pia):
    """Three open leads of Pia's and a closed one."""
    return [make_lead(session, owner=pia) for _ in range(3)], make_lead(
        session, owner=pia, status="unqualified"
    )


def test_the_page_lists_what_is_owned_and_pending(signed_in, session, mara, pia, leads, northwind):
    make_queue(session, "Key accounts", members=(pia,))
    make_round_robin(session, "Catalan partners", members=(pia,))
    offer_to(session, pia)
    make_token(pia)
    sign_in(signed_in(pia), pia)
    session.add(
        Activity(
            ref="act_1", kind=ActivityKind.TASK, subject="Call back", at=clock.now(), is_done=False,
            lead_id=leads[0][0].id, created_by_id=pia.id, assignee_id=pia.id, created_at=clock.now(), updated_at=clock.now(),
        )
    )  # fmt: skip
    plan = plan_user_leaving(session, pia, now=clock.now())
    assert (plan.open_leads, plan.offers, plan.tasks, plan.tokens, plan.sessions) == (4, 1, 1, 1, 2)
    assert [p.name for p in plan.places] == ["Key accounts", "Catalan partners"]
    page = signed_in(mara).get(f"/setup/users/{pia.ref}/deactivate")
    assert page.status_code == 200
    for words in ("4 open leads", "Key accounts", "Catalan partners", "1 task not done", "1 API token"):
        assert words in page.text, words


def test_the_page_changes_nothing(signed_in, session, mara, pia, leads):
    signed_in(mara).get(f"/setup/users/{pia.ref}/deactivate")
    assert pia.state is UserState.ACTIVE
    assert [lead.owner_user_id for lead in leads[0]] == [pia.id] * 3


def test_somebody_has_to_say_what_becomes_of_open_leads(signed_in, session, mara, pia, leads):
    browser = signed_in(mara)
    for data in ({}, {"open_records": ""}, {"open_records": "burn"}, {"open_records": "give"}):
        answer = leave(browser, pia, **data)
        assert answer.status_code == 422, data
        assert "Nothing has changed yet" in answer.text
    assert pia.state is UserState.ACTIVE


def test_with_nothing_open_nothing_is_asked(signed_in, session, mara, pia):
    assert leave(signed_in(mara), pia).status_code == 303
    assert pia.state is UserState.DEACTIVATED
    assert pia.deactivated_at is not None


def test_routed_again_they_go_where_the_rules_say(signed_in, session, mara, pia, leads):
    open_leads, closed = leads
    answer = leave(signed_in(mara), pia, open_records="route")
    assert answer.status_code == 303
    queue = get_default_queue(session)
    for lead in open_leads:
        assert (lead.owner_user_id, lead.owner_queue_id) == (None, queue.id)
        assert lead.partner_account_id is None
        last = rows(session, Assignment, Assignment.lead_id == lead.id)[-1]
        assert (last.cause, last.actor_id) == (AssignmentCause.OFFBOARDING, mara.id)
        assert last.trace
    assert closed.owner_user_id == pia.id
    [event] = rows(session, Event, Event.verb == "deactivated")
    assert event.detail == {"open_leads": "route", "moved": 3}


def test_given_to_a_successor_they_come_with_one_mail(signed_in, session, mara, pia, pam, leads):
    answer = leave(signed_in(mara), pia, open_records="give", owner=f"user:{pam.ref}")
    assert answer.status_code == 303
    assert {lead.owner_user_id for lead in leads[0]} == {pam.id}
    assert {lead.owner_rank for lead in leads[0]} == {1}
    told = rows(session, Notification, Notification.user_id == pam.id)
    assert [str(n.kind) for n in told] == ["leads_assigned"]
    assert signed_in(pam).get(f"/leads/{leads[0][0].ref}").status_code == 200


def test_given_to_a_queue(signed_in, session, mara, pia, leads):
    queue = make_queue(session, "Key accounts")
    assert leave(signed_in(mara), pia, open_records="give", owner=f"queue:{queue.ref}").status_code == 303
    assert {lead.owner_queue_id for lead in leads[0]} == {queue.id}


def test_kept_they_stay_and_need_an_owner(signed_in, session, mara, pia, leads):
    assert leave(signed_in(mara), pia, open_records="keep").status_code == 303
    assert {lead.owner_user_id for lead in leads[0]} == {pia.id}
    assert needing_owner(session) == 3


@pytest.mark.parametrize("choice", ["keep", "route"])
def test_an_offer_goes_on_in_any_case(signed_in, session, mara, pia, choice):
    lead = offer_to(session, pia)
    assert leave(signed_in(mara), pia, open_records=choice).status_code == 303
    assert lead.owner_queue_id == get_default_queue(session).id
    assert lead.offer_id is None
    assert [o.state for o in rows(session, Offer)] == [OfferState.WITHDRAWN]


@pytest.mark.parametrize(
    "who", ["nobody", "the leaver", "deactivated", "viewer", "never signed in", "a rule"]
)
def test_a_successor_who_cannot_take_them_is_refused_and_nothing_changes(
    signed_in, session, mara, pia, leads, northwind, vic, who
):
    owner = {
        "nobody": lambda: "user:user_0000000000000000000000",
        "the leaver": lambda: f"user:{pia.ref}",
        "deactivated": lambda: f"user:{make_user(session, state=UserState.DEACTIVATED).ref}",
        "viewer": lambda: f"user:{vic.ref}",
        "never signed in": lambda: (
            f"user:{make_user(session, partner=northwind, first_web_sign_in_at=None).ref}"
        ),
        "a rule": lambda: "rule:rule_1",
    }[who]()
    answer = leave(signed_in(mara), pia, open_records="give", owner=owner)
    assert answer.status_code == 422
    assert pia.state is UserState.ACTIVE
    assert {lead.owner_user_id for lead in leads[0]} == {pia.id}
    assert row_count(session, Event, Event.verb == "deactivated") == 0


def test_a_successors_capacity_is_kept_unless_exceeded_on_purpose(signed_in, session, mara, pia, pam, leads):
    pam.capacity = 2
    browser = signed_in(mara)
    full = leave(browser, pia, open_records="give", owner=f"user:{pam.ref}")
    assert full.status_code == 409
    assert "Beyond the capacity" in full.text
    assert pia.state is UserState.ACTIVE
    assert {lead.owner_user_id for lead in leads[0]} == {pia.id}
    again = leave(browser, pia, open_records="give", owner=f"user:{pam.ref}", over_capacity="1")
    assert again.status_code == 303
    assert {lead.owner_user_id for lead in leads[0]} == {pam.id}


def test_seats_in_queues_and_round_robins_end(signed_in, session, mara, pia, pam, ada):
    queue = make_queue(session, "Key accounts", members=(pia, pam))
    make_round_robin(session, "Catalan partners", members=(pia, pam))
    assert leave(signed_in(mara), pia).status_code == 303
    assert [m.user_id for m in rows(session, QueueMember, QueueMember.queue_id == queue.id)] == [pam.id]
    assert [m.user_id for m in rows(session, RoundRobinMember, RoundRobinMember.removed_at.is_(None))] == [
        pam.id
    ]
    assert [t.kind for t in rows(session, Turn)] == [LedgerKind.EPOCH]


def test_an_internal_user_leaves_by_an_administrator(signed_in, session, ada, mara, sal):
    make_lead(session, owner=sal)
    contact = make_contact(session, owner=sal, account=None)
    assert leave(signed_in(mara), sal, open_records="route").status_code == 403
    assert leave(signed_in(ada), sal, open_records="route").status_code == 303
    assert sal.state is UserState.DEACTIVATED
    assert contact.owner_user_id == sal.id


@pytest.mark.parametrize("who", ["sal", "vic", "pam", "pex", "otto"])
def test_others_may_not_deactivate(signed_in, session, request, pia, who):
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get(f"/setup/users/{pia.ref}/deactivate").status_code == 403
    assert leave(browser, pia, open_records="keep").status_code == 403
    assert browser.submit(f"/setup/users/{pia.ref}/reactivate", page="/profile").status_code == 403
    assert pia.state is UserState.ACTIVE


def test_an_unknown_user_is_not_there(signed_in, mara):
    browser = signed_in(mara)
    assert browser.get("/setup/users/user_0000000000000000000000/deactivate").status_code == 404
    answer = browser.submit("/setup/users/user_0000000000000000000000/deactivate", {}, page="/profile")
    assert answer.status_code == 404


def test_nobody_deactivates_themselves_nor_the_last_administrator(signed_in, session, ada):
    browser = signed_in(ada)
    assert leave(browser, ada, open_records="keep").status_code == 409
    other = make_user(session, "Adrià", role=Role.ADMINISTRATOR)
    assert leave(browser, other, open_records="keep").status_code == 303
    assert ada.state is UserState.ACTIVE


def test_two_administrators_cannot_deactivate_each_other_at_once(app, session, ada):
    other = make_user(session, "Adrià", role=Role.ADMINISTRATOR)
    pairs = [(actor_of(session, ada), other.id), (actor_of(session, other), ada.id)]

    def deactivate(actor, user_id):
        with transaction() as own:
            deactivate_user(own, actor, own.get(User, user_id), Keep(), now=clock.now())

    together(app, [lambda a=a, u=u: deactivate(a, u) for a, u in pairs])
    db.session.expire_all()
    assert row_count(session, User, User.state == UserState.ACTIVE) == 1


def test_twice_is_a_conflict(signed_in, session, mara, pia):
    browser = signed_in(mara)
    leave(browser, pia)
    assert leave(browser, pia).status_code == 409
    assert row_count(session, Event, Event.verb == "deactivated") == 1


def test_an_invitation_is_withdrawn(signed_in, session, mara, northwind):
    from app.identity.credentials import send_invitation
    from tests.identity.letters import last_link

    ivo = make_user(session, "Ivo", partner=northwind, state=UserState.INVITED, password=None)
    send_invitation(session, ivo, now=clock.now())
    path = last_link(session, ivo)
    browser = signed_in(mara)
    assert leave(browser, ivo).status_code == 303
    assert browser.get(path).status_code == 410
    assert row_count(session, OneTimeLink, OneTimeLink.used_at.is_(None)) == 0


def test_reactivation_brings_the_person_back_not_the_rest(signed_in, session, mara, pia, leads):
    queue = make_queue(session, "Key accounts", members=(pia,))
    make_token(pia)
    old = signed_in(pia)
    browser = signed_in(mara)
    leave(browser, pia, open_records="route")
    answer = browser.submit(f"/setup/users/{pia.ref}/reactivate", page="/profile")
    assert answer.status_code == 303
    assert (pia.state, pia.deactivated_at) == (UserState.ACTIVE, None)
    assert old.get("/profile").status_code == 303
    assert rows(session, ApiToken)[0].revoked_at is not None
    assert {lead.owner_user_id for lead in leads[0]} == {None}
    assert row_count(session, QueueMember, QueueMember.queue_id == queue.id) == 0
    assert browser.submit(f"/setup/users/{pia.ref}/reactivate", page="/profile").status_code == 409


def test_who_never_set_a_password_is_invited_again(signed_in, session, mara, northwind):
    ivo = make_user(session, "Ivo", partner=northwind, state=UserState.INVITED, password=None)
    browser = signed_in(mara)
    leave(browser, ivo)
    assert browser.submit(f"/setup/users/{ivo.ref}/reactivate", page="/profile").status_code == 303
    assert ivo.state is UserState.INVITED
    assert row_count(session, OneTimeLink, OneTimeLink.used_at.is_(None)) == 1


def test_sessions_tokens_and_links_end_in_the_same_transaction(app, session, mara, pia, leads, monkeypatch):
    """What fails at the end undoes all of it."""
    from app.offboarding import operations

    make_token(pia)
    actor = actor_of(session, mara)
    session.commit()

    def fail(*_args, **_kwargs):
        raise RuntimeError("the power is cut")

    monkeypatch.setattr(operations, "record", fail)
    with pytest.raises(RuntimeError), transaction() as own:
        deactivate_user(own, actor, own.get(User, pia.id), Route(), now=clock.now())
    db.session.expire_all()
    assert pia.state is UserState.ACTIVE
    assert rows(session, ApiToken)[0].revoked_at is None
    assert {lead.owner_user_id for lead in leads[0]} == {pia.id}


def test_many_leads_are_moved_in_batches(session, mara, pia, pam, monkeypatch):
    from app.offboarding import moves

    monkeypatch.setattr(moves, "AT_ONCE", 4)
    made = [make_lead(session, owner=pia) for _ in range(10)]
    left = deactivate_user(session, actor_of(session, mara), pia, Route(), now=clock.now())
    assert left.moved == 10
    assert {lead.owner_user_id for lead in made} == {None}


@pytest.mark.race
def test_a_claim_at_the_same_moment_leaves_nothing_behind(app, session, mara, pia, northwind):
    """Either the claim came first and its lead is routed on, or the leaver gets nothing."""
    for _ in range(5):
        waiting = [make_lead(session, queue=_queue(session, northwind)) for _ in range(4)]
        leaver = make_user(session, partner=northwind)
        claimer, leader = actor_of(session, leaver), actor_of(session, mara)
        refs = [lead.ref for lead in waiting]

        def claim(ref, actor=claimer):
            with transaction() as own:
                claim_lead(own, actor, ref, now=clock.now())

        def end(actor=leader, user_id=leaver.id):
            with transaction() as own:
                deactivate_user(own, actor, own.get(User, user_id), Route(), now=clock.now())

        answers = together(app, [*(lambda r=ref: claim(r) for ref in refs), end])
        assert answers[-1] is None, answers
        db.session.expire_all()
        assert rows(session, Lead, Lead.owner_user_id == leaver.id) == []


def _queue(session, partner):
    from app.routing.models import Queue

    return session.get(Queue, partner.queue_id)


def test_the_sessions_are_ended(signed_in, session, mara, pia):
    browser = signed_in(pia)
    leave(signed_in(mara), pia)
    assert browser.get("/profile").status_code == 303
    assert row_count(session, UserSession, UserSession.user_id == pia.id, UserSession.ended_at.is_(None)) == 0
