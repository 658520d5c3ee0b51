"""What a new partner user does first: shown once after the first sign-in, and true to how things stand."""

import pytest

from app.activities.models import Activity
from app.identity.models import UserSession
from app.kernel.actor import Role
from app.partners.models import MayInvite
from app.routing.models import Queue
from tests.factories import PASSWORD, make_lead, make_user, rows


def sign_in(client, user, **kwargs):
    return client.submit("/sign-in", {"email": user.email, "password": PASSWORD}, **kwargs)


def text_of(answer):
    return answer.get_data(as_text=True)


@pytest.fixture
def nil(session, northwind):
    """A partner user who has never signed in."""
    return make_user(session, "Nil Serra", partner=northwind, first_web_sign_in_at=None, last_sign_in_at=None)


def test_it_is_shown_once_after_the_first_sign_in(new_client, session, nil):
    browser = new_client()
    assert sign_in(browser, nil).location == "/"
    first = browser.get("/")
    assert (first.status_code, first.location) == (303, "/first-steps")
    assert "Welcome, Nil" in text_of(browser.get("/first-steps"))
    assert browser.get("/").status_code == 200
    again = new_client()
    sign_in(again, nil)
    assert len(rows(session, UserSession)) == 2
    assert again.get("/").status_code == 200
    page = text_of(again.get("/"))
    assert "/first-steps" in page, "the person menu leads there"
    assert again.get("/first-steps").status_code == 200


def test_a_link_in_a_mail_is_followed_first(client, session, nil):
    lead = make_lead(session, owner=nil)
    answer = client.submit(
        f"/sign-in?next=/leads/{lead.ref}", {"email": nil.email, "password": PASSWORD}, page="/sign-in"
    )
    assert answer.status_code == 303
    assert client.get(f"/leads/{lead.ref}").status_code == 200
    assert client.get("/").location == "/first-steps"


def test_the_vendors_people_are_not_concerned(client, signed_in, session, mara):
    mara.first_web_sign_in_at = None
    sign_in(client, mara)
    page = client.get("/")
    assert page.status_code == 200
    assert "/first-steps" not in text_of(page)
    assert client.get("/first-steps").status_code == 403


def test_it_says_so_when_nothing_waits(signed_in, pia):
    page = text_of(signed_in(pia).get("/first-steps"))
    assert "Nothing waits right now." in page
    assert "As soon as one waits, claim it" in page
    assert "Done" not in page
    assert "Meet your team" not in page


def test_it_says_what_waits_and_what_is_done(signed_in, session, pia, northwind):
    queue = session.get_one(Queue, northwind.queue_id)
    for _ in range(2):
        make_lead(session, queue=queue)
    browser = signed_in(pia)
    page = text_of(browser.get("/first-steps"))
    assert "2 wait in your queues." in page
    assert "Claim one and it is yours alone" in page
    lead = make_lead(session, owner=pia)
    page = text_of(browser.get("/first-steps"))
    assert "1 is yours: you see all of it. So do those above you" in page
    assert page.count("Done") == 1
    assert browser.submit(
        f"/leads/{lead.ref}/activities",
        {"kind": "call", "text": "Spoke", "done": "1"},
        page=f"/leads/{lead.ref}",
    ).status_code in (200, 303)
    assert rows(session, Activity, Activity.created_by_id == pia.id)
    assert "You have done that." in text_of(browser.get("/first-steps"))


def test_those_who_hold_as_many_as_they_may_are_not_sent_to_claim(signed_in, session, pia, northwind):
    pia.capacity = 0
    make_lead(session, queue=session.get_one(Queue, northwind.queue_id))
    page = text_of(signed_in(pia).get("/first-steps"))
    assert "Not now: as many are open as may be held." in page
    assert "Choose one" not in page


def test_leaders_meet_their_team_or_invite_it(signed_in, session, pex, northwind):
    assert "You are the first of your company here." in text_of(signed_in(pex).get("/first-steps"))
    northwind.may_invite = MayInvite.EXECUTIVE
    assert "Invite who works with you." in text_of(signed_in(pex).get("/first-steps"))
    make_user(session, "Somebody", partner=northwind, role=Role.USER)
    assert "1 colleague is here." in text_of(signed_in(pex).get("/first-steps"))
