"""Suspending a partner account, and resuming it."""

import pytest

from app.events.models import Event
from app.identity.models import ApiToken, UserSession
from app.identity.queries import find_actor_by_token
from app.kernel import clock
from app.leads.models import Assignment, AssignmentCause
from app.offboarding.plans import plan_suspension
from app.partners.models import PartnerState
from app.routing.models import Queue, QueueMember, RoundRobinMember
from tests.factories import (
    PASSWORD,
    get_default_queue,
    make_account,
    make_lead,
    make_queue,
    make_round_robin,
    row_count,
    rows,
)
from tests.offboarding.test_leaving import needing_owner, offer_to
from tests.people import make_token


def account_ref(session, partner):
    from app.accounts.models import Account

    [account] = rows(session, Account, Account.id == partner.account_id)
    return account.ref


def suspend(browser, session, partner, **data):
    return browser.submit(f"/partners/{account_ref(session, partner)}/suspend", data, page="/profile")


def resume(browser, session, partner):
    return browser.submit(f"/partners/{account_ref(session, partner)}/resume", page="/profile")


@pytest.fixture
def world(session, northwind, pia, pam):
    """Two open leads of Pia's, one of Pam's, one offered to Pia, one waiting in Northwind's queue."""
    return {
        "owned": [
            make_lead(session, owner=pia),
            make_lead(session, owner=pia),
            make_lead(session, owner=pam),
        ],
        "offered": offer_to(session, pia),
        "waiting": make_lead(session, queue=session.get(Queue, northwind.queue_id)),
    }


def test_the_page_lists_what_is_touched(signed_in, session, mara, northwind, pia, pam, world):
    make_queue(session, "Key accounts", members=(northwind, pia))
    make_round_robin(session, "Catalan partners", members=(northwind,))
    make_token(pia)
    plan = plan_suspension(session, northwind, now=clock.now())
    assert (plan.open_leads, plan.offers, plan.waiting, plan.people, plan.tokens) == (4, 1, 1, 2, 1)
    assert [p.name for p in plan.places] == ["Key accounts", "Catalan partners"]
    page = signed_in(mara).get(f"/partners/{account_ref(session, northwind)}/suspend")
    assert page.status_code == 200
    for words in ("4 open leads", "1 lead waits in the partner queue", "2 people", "Catalan partners"):
        assert words in page.text, words


def test_everybody_is_out_at_once(signed_in, new_client, session, mara, northwind, pia, pam):
    browsers, tokens = [signed_in(pia), signed_in(pam)], [make_token(pia), make_token(pam)]
    assert suspend(signed_in(mara), session, northwind).status_code == 303
    assert northwind.state is PartnerState.SUSPENDED
    assert northwind.suspended_at is not None
    assert [b.get("/profile").status_code for b in browsers] == [303, 303]
    assert [find_actor_by_token(session, t, now=clock.now()) for t in tokens] == [None, None]
    assert new_client().submit("/sign-in", {"email": pia.email, "password": PASSWORD}).status_code == 422
    [event] = rows(session, Event, Event.verb == "partner_suspended")
    assert event.record_ref == account_ref(session, northwind)


def test_somebody_has_to_say_what_becomes_of_open_leads(signed_in, session, mara, northwind, world):
    assert suspend(signed_in(mara), session, northwind).status_code == 422
    assert northwind.state is PartnerState.ACTIVE


def test_routed_again_nothing_stays_behind(signed_in, session, mara, northwind, world):
    assert suspend(signed_in(mara), session, northwind, open_records="route").status_code == 303
    queue = get_default_queue(session)
    leads = [*world["owned"], world["offered"], world["waiting"]]
    assert {(lead.owner_queue_id, lead.partner_account_id) for lead in leads} == {(queue.id, None)}
    assert needing_owner(session) == 0
    moves = rows(session, Assignment, Assignment.cause == AssignmentCause.OFFBOARDING)
    assert len(moves) == 5


def test_given_to_a_colleague_of_the_vendor(signed_in, session, mara, sal, northwind, world):
    answer = suspend(signed_in(mara), session, northwind, open_records="give", owner=f"user:{sal.ref}")
    assert answer.status_code == 303
    leads = [*world["owned"], world["offered"], world["waiting"]]
    assert {lead.owner_user_id for lead in leads} == {sal.id}
    assert {lead.owner_rank for lead in leads} == {None}


def test_given_to_one_of_their_own_is_refused(signed_in, session, mara, northwind, pam, world):
    answer = suspend(signed_in(mara), session, northwind, open_records="give", owner=f"user:{pam.ref}")
    assert answer.status_code == 422
    assert northwind.state is PartnerState.ACTIVE


def test_kept_they_need_an_owner_and_offers_go_on(signed_in, session, mara, northwind, pia, world):
    assert suspend(signed_in(mara), session, northwind, open_records="keep").status_code == 303
    assert world["offered"].owner_queue_id == get_default_queue(session).id
    assert world["waiting"].owner_queue_id == northwind.queue_id
    assert world["owned"][0].owner_user_id == pia.id
    assert needing_owner(session) == 4


def test_resumed_the_people_come_back_but_not_their_sessions(
    signed_in, new_client, session, mara, northwind, pia
):
    make_queue(session, "Key accounts", members=(northwind,))
    make_round_robin(session, "Catalan partners", members=(northwind,))
    old, secret = signed_in(pia), make_token(pia)
    browser = signed_in(mara)
    suspend(browser, session, northwind)
    assert resume(browser, session, northwind).status_code == 303
    assert (northwind.state, northwind.suspended_at) == (PartnerState.ACTIVE, None)
    assert old.get("/profile").status_code == 303
    assert find_actor_by_token(session, secret, now=clock.now()) is None
    assert rows(session, ApiToken)[0].revoked_at is not None
    assert new_client().submit("/sign-in", {"email": pia.email, "password": PASSWORD}).status_code == 303
    assert row_count(session, QueueMember) == 2
    assert row_count(session, RoundRobinMember, RoundRobinMember.removed_at.is_(None)) == 1


def test_twice_is_a_conflict(signed_in, session, mara, northwind):
    browser = signed_in(mara)
    assert resume(browser, session, northwind).status_code == 409
    suspend(browser, session, northwind)
    assert suspend(browser, session, northwind).status_code == 409
    assert row_count(session, Event, Event.verb == "partner_suspended") == 1


def test_what_is_no_partner_is_not_there(signed_in, session, mara):
    account = make_account(session, owner=mara)
    browser = signed_in(mara)
    assert browser.get(f"/partners/{account.ref}/suspend").status_code == 404
    assert browser.submit(f"/partners/{account.ref}/suspend", {}, page="/profile").status_code == 404
    assert browser.get("/partners/acct_0000000000000000000000/suspend").status_code == 404


@pytest.mark.parametrize("who", ["sal", "vic", "pia", "pex", "otto"])
def test_others_may_not_suspend(signed_in, session, request, northwind, who):
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get(f"/partners/{account_ref(session, northwind)}/suspend").status_code == 403
    assert suspend(browser, session, northwind, open_records="keep").status_code == 403
    assert resume(browser, session, northwind).status_code == 403
    assert northwind.state is PartnerState.ACTIVE


def test_the_rival_notices_nothing(signed_in, session, mara, northwind, otto):
    rival = signed_in(otto)
    suspend(signed_in(mara), session, northwind)
    assert rival.get("/profile").status_code == 200
    assert (
        row_count(session, UserSession, UserSession.user_id == otto.id, UserSession.ended_at.is_(None)) == 1
    )
