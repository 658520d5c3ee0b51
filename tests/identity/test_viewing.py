"""An administrator looks at Canal as somebody else: exactly what they see, nothing changed, all on record."""

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.identity.models import UserSession, UserState
from app.leads.models import Lead
from tests.factories import dump, make_lead, make_queue


def view_as(browser, user):
    return browser.submit(f"/setup/users/{user.ref}/view-as", {}, page=f"/setup/users/{user.ref}")


def verbs(session):
    return list(session.scalars(select(Event.verb).where(Event.verb.like("viewing%")).order_by(Event.id)))


def test_every_page_is_as_the_person_sees_it(session, signed_in, ada, pia, sal, northwind):
    queue = make_queue(session, "Iberia", members=(northwind,))
    own = make_lead(session, owner=pia, company="Molins Roca")
    waiting = make_lead(session, queue=queue, company="Tallers Serra")
    hidden = make_lead(session, owner=sal, company="Secret Pons")
    session.commit()
    browser = signed_in(ada)
    assert browser.get(f"/leads/{hidden.ref}").status_code == 200
    assert view_as(browser, pia).status_code == 303
    page = browser.get("/leads").get_data(as_text=True)
    assert "Molins Roca" in page
    assert "Tallers Serra" not in page  # a preview for her
    assert waiting.ref in page
    assert "Secret Pons" not in page
    assert f"You see Canal as {pia.name} of" in page
    assert browser.get(f"/leads/{own.ref}").status_code == 200
    assert browser.get(f"/leads/{hidden.ref}").status_code == 404
    assert browser.get("/inbox").status_code == 200
    assert browser.get("/setup/").status_code == 403
    assert browser.get("/profile").status_code == 403  # her keys are hers
    stopped = browser.submit("/stop-viewing", {}, page="/leads")
    assert stopped.headers["Location"].endswith(f"/setup/users/{pia.ref}")
    assert browser.get(f"/leads/{hidden.ref}").status_code == 200
    assert verbs(session) == ["viewing_started", "viewing_stopped"]
    told = session.scalars(select(Event).where(Event.verb.like("viewing%"))).all()
    assert {(e.actor_id, e.record_ref) for e in told} == {(ada.id, pia.ref)}


def test_nothing_can_be_changed_meanwhile(session, signed_in, ada, pia):
    lead = make_lead(session, owner=pia, company="Molins Roca")
    session.commit()
    browser = signed_in(ada)
    view_as(browser, pia)
    before = dump(session, Lead)
    for path in (
        f"/leads/{lead.ref}/release",
        "/inbox/claim-next",
        f"/leads/{lead.ref}/activities",
        "/profile",
    ):
        answer = browser.submit(path, {"reason": "other", "text": "x", "kind": "call"}, page="/leads")
        assert answer.status_code == 403, path
        assert "looking at Canal as somebody else" in answer.get_data(as_text=True)
    session.expire_all()
    assert dump(session, Lead) == before
    refused = session.scalars(select(Event).where(Event.verb == "refused")).all()
    assert {event.actor_id for event in refused} == {ada.id}  # never in the name of the person looked at


def test_it_ends_when_the_person_leaves_and_with_the_session(session, signed_in, ada, pia):
    browser = signed_in(ada)
    view_as(browser, pia)
    pia.state = UserState.DEACTIVATED
    session.commit()
    page = browser.get("/").get_data(as_text=True)
    assert "You see Canal as" not in page
    pia.state = UserState.ACTIVE
    session.commit()
    assert browser.submit("/sign-out", {}, page="/inbox").status_code == 303
    assert browser.get("/inbox").status_code == 303
    signed_out = session.scalars(select(Event).where(Event.verb == "signed_out")).one()
    assert signed_out.actor_id == ada.id
    assert "You see Canal as" not in signed_in(ada).get("/").get_data(as_text=True)


@pytest.mark.parametrize("who", ["mara", "sal", "vic", "pia", "pam"])
def test_only_administrators_may(session, request, signed_in, who, otto):
    browser = signed_in(request.getfixturevalue(who))
    assert browser.submit(f"/setup/users/{otto.ref}/view-as", {}, page="/").status_code == 403
    assert session.scalars(select(UserSession.viewing_as_id)).all() == [None]
    assert verbs(session) == []


def test_not_oneself_and_nobody_who_cannot_sign_in(session, signed_in, ada, pia):
    browser = signed_in(ada)
    pia.state = UserState.INVITED
    session.commit()
    for user in (ada, pia):
        assert view_as(browser, user).headers["Location"].endswith(user.ref)
    assert verbs(session) == []


def test_an_administrator_who_is_one_no_longer_is_themselves(session, signed_in, ada, pia):
    browser = signed_in(ada)
    view_as(browser, pia)
    ada.role = "sales"
    session.commit()
    assert "You see Canal as" not in browser.get("/").get_data(as_text=True)
    assert browser.get("/inbox").status_code == 403
