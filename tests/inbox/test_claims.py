"""Out of the inbox: claimed, taken as the next one, accepted and declined."""

from datetime import timedelta

import pytest

from app.events.models import Event
from app.leads.models import Assignment, DeclineReason, LeadRefusal
from tests.factories import (
    make_lead,
    make_queue,
    row_count,
    rows,
)
from tests.inbox.pages import HTMX, fresh, offer, tab_counts, text_of


def test_claiming_with_htmx_answers_the_row_as_it_is_now(signed_in, session, pia, queue):
    lead = make_lead(session, queue=queue, company="Forges del Ter", last_name="Puig")
    make_lead(session, queue=queue)
    answer = signed_in(pia).submit(f"/inbox/{lead.ref}/claim", page="/inbox", headers=HTMX)
    assert answer.status_code == 200
    page = text_of(answer)
    assert page.lstrip().startswith("<tr")
    assert "Forges del Ter" in page
    assert "Yours" in page
    assert f'href="/leads/{lead.ref}"' in page
    # The head comes along, so that its numbers stay true.
    assert tab_counts(answer) == ["1", "0", "1"]
    assert "HX-Request" in answer.headers["Vary"]
    assert fresh(session, lead).owner_user_id == pia.id


def test_claiming_without_javascript_leads_to_the_lead(signed_in, session, pia, queue):
    lead = make_lead(session, queue=queue, company="Forges del Ter")
    answer = signed_in(pia).submit(f"/inbox/{lead.ref}/claim", page="/inbox", follow_redirects=True)
    assert answer.request.path == f"/leads/{lead.ref}"
    assert "It is yours now." in text_of(answer)
    assert "Forges del Ter" in text_of(answer)


def test_the_second_one_is_told_kindly_and_how_many_are_left(signed_in, session, pia, otto, queue):
    lead = make_lead(session, queue=queue, company="Forges del Ter")
    for _ in range(14):
        make_lead(session, queue=queue)
    signed_in(pia).submit(f"/inbox/{lead.ref}/claim", page="/inbox")
    rival = signed_in(otto)
    fragment = rival.submit(f"/inbox/{lead.ref}/claim", page="/inbox", headers=HTMX)
    assert fragment.status_code == 409
    assert text_of(fragment).lstrip().startswith('<tr class="is-gone">')
    assert "Another partner has just taken this one. 14 more are waiting." in text_of(fragment)
    whole = rival.submit(f"/inbox/{lead.ref}/claim", page="/inbox")
    assert whole.status_code == 409
    assert "Another partner has just taken this one. 14 more are waiting." in text_of(whole)
    for answer in (fragment, whole):
        assert "Forges" not in text_of(answer)
        assert "Pia" not in text_of(answer)


def test_the_winner_pressing_again_gets_the_same_and_no_second_event(signed_in, session, pia, queue):
    lead = make_lead(session, queue=queue)
    browser = signed_in(pia)
    browser.submit(f"/inbox/{lead.ref}/claim", page="/inbox", headers=HTMX)
    before = row_count(session, Event), row_count(session, Assignment)
    assert browser.submit(f"/inbox/{lead.ref}/claim", page="/inbox", headers=HTMX).status_code == 200
    for _press in range(2):  # a double click, without JavaScript
        assert browser.submit(f"/inbox/{lead.ref}/claim", page="/inbox").status_code == 303
    assert (row_count(session, Event), row_count(session, Assignment)) == before
    assert text_of(browser.get(f"/leads/{lead.ref}")).count("It is yours now.") == 1


def test_a_claim_at_capacity_leaves_the_row_and_says_why(signed_in, session, pia, queue):
    pia.capacity = 1
    make_lead(session, owner=pia)
    lead = make_lead(session, queue=queue)
    answer = signed_in(pia).submit(f"/inbox/{lead.ref}/claim", page="/inbox", headers=HTMX)
    assert answer.status_code == 409
    assert "There is no room for another open one" in text_of(answer)
    assert "<tr" not in text_of(answer)  # nothing but partials: the row stays as it is
    assert fresh(session, lead).owner_user_id is None


@pytest.mark.parametrize("how", ["claim", "accept"])
def test_what_one_may_not_see_is_not_there(signed_in, session, otto, northwind, pia, now, how):
    hidden = make_lead(session, queue=make_queue(session, members=[northwind]))
    theirs = offer(session, pia, now)
    rival = signed_in(otto)
    for ref in (hidden.ref, theirs.ref, f"lead_{'0' * 22}"):
        assert rival.submit(f"/inbox/{ref}/{how}", page="/inbox", headers=HTMX).status_code == 404


def test_a_claim_without_its_token_does_nothing(signed_in, session, pia, queue):
    lead = make_lead(session, queue=queue)
    assert signed_in(pia).post(f"/inbox/{lead.ref}/claim", data={}).status_code == 400
    assert fresh(session, lead).owner_user_id is None


# Take the next one


def test_take_the_next_one_claims_what_waited_longest_and_opens_it(signed_in, session, pia, queue, now):
    make_lead(session, queue=queue, waiting_since=now - timedelta(hours=1))
    first = make_lead(session, queue=queue, waiting_since=now - timedelta(hours=3), company="Forges del Ter")
    answer = signed_in(pia).submit("/inbox/claim-next", page="/inbox", follow_redirects=True)
    assert answer.request.path == f"/leads/{first.ref}"
    assert "Forges del Ter" in text_of(answer)


def test_take_the_next_one_says_when_nothing_waits(signed_in, session, pia, queue):
    answer = signed_in(pia).submit("/inbox/claim-next", page="/inbox", follow_redirects=True)
    assert answer.request.path == "/inbox"
    assert "Nothing is waiting just now." in text_of(answer)


def test_take_the_next_one_at_capacity_is_refused(signed_in, session, pia, queue):
    pia.capacity = 0
    make_lead(session, queue=queue)
    answer = signed_in(pia).submit("/inbox/claim-next", page="/inbox")
    assert answer.status_code == 409
    assert "There is no room for another open one" in text_of(answer)


# Offers


def test_accepting_gives_the_whole_lead(signed_in, session, pia, now):
    lead = offer(session, pia, now, company="Forges del Ter")
    browser = signed_in(pia)
    assert "Forges" not in text_of(browser.get("/inbox?box=offered"))
    answer = browser.submit(f"/inbox/{lead.ref}/accept", page="/inbox", headers=HTMX)
    assert answer.status_code == 200
    assert "Forges del Ter" in text_of(answer)
    assert fresh(session, lead).offer_id is None


def test_accepting_too_late_is_refused_and_the_row_says_so(signed_in, session, pia, now):
    lead = offer(session, pia, now, minutes=-1)
    answer = signed_in(pia).submit(f"/inbox/{lead.ref}/accept", page="/inbox", headers=HTMX)
    assert answer.status_code == 409
    assert "is-gone" in text_of(answer)


def test_declining_asks_for_a_reason_and_goes_on(signed_in, session, pia, queue, now):
    lead = offer(session, pia, now)
    browser = signed_in(pia)
    page = text_of(browser.get(f"/leads/{lead.ref}/release"))
    for reason in rows(session, DeclineReason):
        assert reason.name in page
    refused = browser.submit(f"/leads/{lead.ref}/release", {"note": "Too far"})
    assert refused.status_code == 422
    assert "Choose a reason." in text_of(refused)
    assert "Too far" in text_of(refused)
    answer = browser.submit(
        f"/leads/{lead.ref}/release", {"reason": "not_our_market", "note": "Too far"}, follow_redirects=True
    )
    assert answer.request.path == "/inbox"
    assert "You declined it." in text_of(answer)
    assert fresh(session, lead).owner_queue_id is not None
    assert row_count(session, LeadRefusal, LeadRefusal.lead_id == lead.id) == 1


def test_an_offer_to_a_colleague_is_seen_by_managers_and_answered_by_nobody_else(
    signed_in, session, pia, pam, now
):
    lead = offer(session, pia, now)
    manager = signed_in(pam)
    assert "Offered" in text_of(manager.get(f"/leads/{lead.ref}"))
    assert manager.submit(f"/inbox/{lead.ref}/accept", page="/inbox", headers=HTMX).status_code == 403
    assert manager.get(f"/leads/{lead.ref}/release").status_code == 403
