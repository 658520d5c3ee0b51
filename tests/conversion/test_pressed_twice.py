"""What people do to forms: pressed twice, sent again after a crash, gone back to, left open while all around them changes."""

import html
import re

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from app.accounts.models import Account
from app.campaigns.models import Campaign
from app.capture.models import LeadFormPost, PostState
from app.capture.public_views import TRAP
from app.conversion.models import Conversion
from app.identity.queries import find_actor, get_organisation
from app.leads.models import Lead
from app.opportunities.models import Opportunity
from app.web.frame import _counting
from tests.capture.forms import make_form
from tests.factories import make_lead, make_queue, row_count, rows

pytestmark = pytest.mark.databases("sqlite")
SOLD = {
    "account": "new",
    "contact": "new",
    "with_opportunity": "1",
    "name": "Vans",
    "amount": "1200",
    "currency": "EUR",
}


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def test_a_lead_is_converted_once_however_often_it_is_asked_for(signed_in, session, mara):
    lead = make_lead(session, owner=mara, company="Forges")
    browser, page = signed_in(mara), f"/leads/{lead.ref}"
    wrong = browser.submit(f"{page}/convert", {**SOLD, "currency": "XXX"}, page=f"{page}/convert")
    assert wrong.status_code == 422
    assert 'value="Vans"' in text_of(wrong), "what was typed is still there"
    assert row_count(session, Account) == row_count(session, Conversion) == 0
    # Twice, then by the page that a browser goes back to; the same, not another.
    first = browser.submit(f"{page}/convert", SOLD, page=f"{page}/convert")
    again = browser.submit(f"{page}/convert", SOLD, page="/profile")
    assert first.location == again.location
    assert (row_count(session, Opportunity), row_count(session, Conversion)) == (1, 1)
    assert browser.get(f"{page}/convert").location == page
    # What was open before says that it can only be read, and keeps nothing.
    for act, fields in (("status", {"status": "working"}), ("edit", {"last_name": "Other", "version": "1"})):
        answer = browser.submit(f"{page}/{act}", fields, page="/profile")
        assert answer.status_code in (303, 403, 409), act
    for asked in ("release", "owner", "unqualify"):
        assert browser.get(f"{page}/{asked}").status_code == 409, asked
    session.expire_all()
    assert lead.last_name != "Other"
    shown = text_of(browser.get(page))
    assert shown.count(">Converted<") <= 1
    assert "Waiting for" not in shown
    # Its cells in the list do not open; those of another lead do.
    other = make_lead(session, owner=mara, company="Open")
    found = text_of(browser.get("/leads"))
    assert f'<tr id="{lead.ref}" data-fixed>' in found
    assert f'<tr id="{other.ref}">' in found
    cell = f"/lists/lead/cell/{lead.ref}/product_interest"
    assert browser.submit(cell, {"value": "Vans", "version": "9"}, page="/profile").status_code == 409
    # An opportunity is won once: the second press is told so, and counts nothing twice.
    sold = first.location
    won = {"stage": "won", "outcome": "best_offer", "version": "1"}
    assert browser.submit(f"{sold}/turn", won, page=f"{sold}/turn?stage=won").status_code == 303
    assert browser.submit(f"{sold}/turn", won, page="/profile").status_code in (303, 409)
    assert [o.category for o in rows(session, Opportunity)] == ["won"]


def test_every_page_opens_for_whom_conversions_give_something(signed_in, session, ada, mara, pia):
    """The longest of all conditions stands in the frame of each page; SQLite reads to a certain depth only."""
    get_organisation(session).defaults = {
        thing: {"internal": "private", "external": "private"} for thing in get_organisation(session).defaults
    }
    lead = make_lead(session, queue=make_queue(session, members=(mara, pia)), company="Forges")
    answer = signed_in(ada).submit(f"/leads/{lead.ref}/convert", SOLD, page="/profile")
    assert answer.status_code == 303
    browser = signed_in(mara)
    assert browser.get("/").status_code == browser.get(answer.location).status_code == 200
    actor = find_actor(session, mara.id)
    statement = str(
        _counting(actor).compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
    )
    for _ in range(2):
        # With room to spare, before anybody adds another condition.
        statement = f"SELECT * FROM ({statement})"
        session.connection().execute(text(statement.replace(":", r"\:")))


def test_a_flood_of_spam_is_answered_alike_kept_once_and_make_no_lead(client, signed_in, session, mara):
    form = make_form(session, mara)
    session.commit()
    path = f"/leads/capture/{form.key}"
    answers = set()
    for number in range(24):
        sent = {"last_name": f"Spam {number % 8}", "email": "x@y.example", TRAP: "1"}
        answers.add(client.post(path, data=sent).status_code)
    assert answers == {303}
    assert row_count(session, Lead) == 0
    posts = rows(session, LeadFormPost)
    assert (len(posts), {post.times for post in posts}) == (8, {3})
    assert {post.state for post in posts} == {PostState.TRAPPED}
    assert len(re.findall('name="post"', text_of(signed_in(mara).get("/setup/lead-forms/quarantine")))) == 8


def test_a_campaign_of_which_something_came_is_archived_another_deleted(signed_in, session, mara):
    browser = signed_in(mara)
    browser.submit(
        "/campaigns", {"name": "Fair", "status": "planned", "type": "event"}, page="/campaigns/new"
    )
    [campaign] = rows(session, Campaign)
    lead = make_lead(session, owner=mara, company="Forges", campaign_name="Fair", campaign_id=campaign.id)
    sold = browser.submit(f"/leads/{lead.ref}/convert", SOLD, page="/profile").location
    asked = text_of(browser.get(f"/campaigns/{campaign.ref}/delete"))
    assert "rchive" in asked, "what to do instead"
    assert browser.submit(f"/campaigns/{campaign.ref}/delete", {}, page="/profile").status_code == 409
    for path in (
        f"/leads/{lead.ref}",
        sold,
        "/leads?campaign=Fair",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert "Forges" in text_of(answer), path
    assert browser.get("/leads/board?campaign=Fair").status_code == 200
