"""A form that is sent again: its answer was lost, it was pressed twice, its page was gone back to."""

import re
from datetime import timedelta

import pytest
from flask import has_request_context
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.events.models import Event
from app.identity.models import SentForm
from app.identity.tidy import delete_outdated
from app.kernel import clock
from app.leads.models import Lead
from tests.factories import make_lead, make_queue, row_count, rows
from tests.people import Client, sign_in
from tests.races import together

KEY = re.compile(r'name="csrf_token" value="([^"]+)"><input type="hidden" name="once" value="([^"]+)"')


def filled_in(browser, page, **fields):
    """What the form on a page sends."""
    token, key = KEY.search(browser.get(page).text).groups()
    return {"csrf_token": token, "once": key, **fields}


@pytest.mark.databases("sqlite")
def test_a_form_sent_again_leads_where_it_led_and_changed_content_is_another(signed_in, session, mara, sal):
    browser = signed_in(mara)
    form = filled_in(browser, "/leads/new", last_name="Forges", owner="rules")
    refused = browser.post("/leads", data={**form, "last_name": ""})
    assert (refused.status_code, row_count(session, SentForm)) == (422, 0), "what is refused uses no key up"
    first = browser.post("/leads", data=form)
    told = browser.get(first.location).text
    events = row_count(session, Event)
    again = browser.post("/leads", data=form)
    assert (again.status_code, again.location) == (303, first.location)
    assert (row_count(session, Lead), row_count(session, Event)) == (1, events)
    said = browser.get(again.location).text
    assert "This was done already" not in told
    assert "This was done already; it was not done twice." in said
    # Gone back to and corrected, filled in anew, or another person's: each is meant.
    assert browser.post("/leads", data={**form, "last_name": "Forges Sud"}).location != first.location
    browser.post("/leads", data=filled_in(browser, "/leads/new", last_name="Forges", owner="rules"))
    other = signed_in(sal)
    other.post("/leads", data={**form, "csrf_token": other.csrf("/profile")})
    assert row_count(session, Lead) == 4
    # A day later nothing is known of it.
    for sent in rows(session, SentForm):
        sent.created_at -= timedelta(hours=25)
    session.commit()
    browser.post("/leads", data=form)
    assert row_count(session, Lead) == 5
    delete_outdated(session, now=clock.now())
    assert row_count(session, SentForm) == 1


@pytest.mark.databases("sqlite")
def test_part_of_a_page_sent_again_says_so_and_nothing_more_is_claimed(signed_in, session, mara, pia):
    lead = make_lead(session, owner=mara)
    browser, url = signed_in(mara), f"/leads/{lead.ref}/activities"
    form = filled_in(browser, f"/leads/{lead.ref}", kind="call", text="Rang")
    htmx = {"HX-Request": "true"}
    fresh = browser.post(url, data=form, headers=htmx)
    again = browser.post(url, data=form, headers=htmx)
    assert (fresh.status_code, again.status_code) == (200, 409)
    assert "This was done already. Reload the page to see how it is now." in again.text
    assert KEY.search(fresh.text).group(2) != form["once"], "the next call is another form"
    assert row_count(session, Activity) == 1
    # The button that claims whichever waits longest claims one lead, however often it is pressed.
    queue = make_queue(session, members=[pia])
    waiting = [make_lead(session, queue=queue) for _each in range(2)]
    partner = signed_in(pia)
    form = filled_in(partner, "/inbox")
    assert len({partner.post("/inbox/claim-next", data=form).location for _time in range(2)}) == 1
    session.expire_all()
    assert [each.owner_user_id for each in waiting].count(pia.id) == 1


@pytest.mark.databases("sqlite")
def test_killed_before_the_commit_leaves_nothing_and_the_next_try_works(
    app, signed_in, session, mara, monkeypatch
):
    browser = signed_in(mara)
    form = filled_in(browser, "/leads/new", last_name="Puig", owner="rules")
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)
    commit, crashes = Session.commit, []

    def dying(self):
        if has_request_context() and not crashes:
            crashes.append(1)
            self.rollback()
            raise RuntimeError("the power went")
        commit(self)

    monkeypatch.setattr(Session, "commit", dying)
    assert browser.post("/leads", data=form).status_code == 500
    assert crashes
    assert (row_count(session, Lead), row_count(session, SentForm)) == (0, 0)
    assert len({browser.post("/leads", data=form).location for _time in range(2)}) == 1
    assert row_count(session, Lead) == 1


def test_two_at_once_make_one(app, session, mara):
    """Without scripts a double click is two requests at the same moment."""
    browser = Client(app, use_cookies=True)
    sign_in(browser, mara)
    form = filled_in(browser, "/leads/new", last_name="Puig", owner="rules")
    cookie = {"Cookie": "; ".join(f"{each.key}={each.value}" for each in browser._cookies.values())}

    def press():
        return Client(app, use_cookies=False).post("/leads", data=form, headers=cookie)

    answers = together(app, [press] * 3)
    assert [each.status_code for each in answers] == [303] * 3
    assert len({each.location for each in answers}) == 1
    assert row_count(session, Lead) == 1


@pytest.mark.databases("sqlite")
def test_each_form_that_makes_something_is_taken_once(app):
    making = (
        "create", "add", "log_on", "comment_on", "relate", "delete", "remove", "convert", "merge", "undo", "turn", "share",
        "hand_over", "release", "enable", "invite", "deactivate", "suspend", "start_change",
    )  # fmt: skip
    found = {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/api/")
    }
    found = {name: view for name, view in found.items() if view.__name__.startswith(making)}
    assert len(found) > 60
    otherwise = {
        "documents.add_to_library",  # the same file twice is one document
        "sharing_rules.create",  # its last step is, after what is asked
        "sharing_rules.delete",  # asks again; the second time it is not there
        "second_factor.remove",  # a code counts once
        *("my_day.undo", "deliveries.release", "rules.deactivate"),  # what is so already stays so
    }
    assert {name for name, view in found.items() if not hasattr(view, "is_once")} == otherwise
