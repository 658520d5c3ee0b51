"""Added fields on pages: making them, filling them in, two people at once."""

import re

from app.accounts.models import Account
from app.accounts.operations import edit_account
from app.fields.models import CustomField
from app.kernel import clock
from app.leads.models import Lead
from tests.factories import (
    actor_of,
    make_account,
    make_lead,
    rows,
)
from tests.fields.making import make_field


def test_the_whole_story_on_pages(signed_in, session, ada, sal):
    browser = signed_in(ada)
    sent = {
        "kind": "choice",
        "label": "Segment",
        "label_es": "Segmento",
        "help": "How much attention.",
        "description": "Strategic or not.",
        "asked_by": "Ada",
        "new_choices": "Strategic\nGrowth",
        "is_required": "y",
    }
    refused = browser.submit("/setup/fields/new/account", {**sent, "help": ""})
    assert refused.status_code == 422
    again = refused.get_data(as_text=True)
    assert 'value="Growth"' in again
    assert "Strategic\nGrowth" not in again, "choices stand once, else saving again finds each twice"
    moved = browser.submit("/setup/fields/new/account", {**sent, "act": "down-0"}).get_data(as_text=True)
    assert moved.index('value="Growth"') < moved.index('value="Strategic"')
    made = browser.submit("/setup/fields/new/account", sent)
    assert made.status_code == 303
    page = browser.get(made.location).get_data(as_text=True)
    assert "Never used" in page
    # In the form, on the page, in the file, with the choice in the reader's words.
    seller = signed_in(sal)
    form = seller.get("/accounts/new").get_data(as_text=True)
    assert "How much attention." in form
    missing = seller.submit(
        "/accounts", {"name": "Acme", "owner": sal.ref, "category": "unclassified"}, page="/accounts/new"
    )
    assert missing.status_code == 422
    stored = seller.submit(
        "/accounts",
        {"name": "Acme", "owner": sal.ref, "category": "unclassified", "c_segment": "growth"},
        page="/accounts/new",
    )
    assert stored.status_code == 303
    assert re.search(r"<dt>Segment</dt><dd>\s*Growth", seller.get(stored.location).get_data(as_text=True))
    account = rows(session, Account)[0]
    edit = seller.get(f"/accounts/{account.ref}/edit").get_data(as_text=True)
    assert re.search(r'<option[^>]*selected[^>]*value="growth"|value="growth"[^>]*selected', edit)
    # The layout: it moves into the section before, and back with one button.
    layout = browser.submit("/setup/fields/layout/account", {"act": "up-c_segment", "version": "0"})
    assert layout.status_code == 303
    arranged = seller.get("/accounts/new").get_data(as_text=True)
    assert "Further details" not in arranged
    assert 'name="c_segment"' in arranged
    browser.submit("/setup/fields/layout/account", {"act": "reset", "version": "1"})
    assert "Further details" in seller.get("/accounts/new").get_data(as_text=True)
    browser.submit("/setup/fields/count", {})
    everything = browser.get("/setup/fields/all").get_data(as_text=True)
    assert "100%, 1 of 1" in everything
    file = browser.get("/setup/fields/all.csv").get_data(as_text=True)
    assert "c_segment,Segment,One of a list,How much attention.,Strategic or not.,Ada" in file
    # Retired: out of forms and pages, kept in the record; deleted after a number.
    field = rows(session, CustomField)[0]
    assert browser.submit(f"/setup/fields/{field.ref}/retire", {}).status_code == 303
    assert "c_segment" not in seller.get(f"/accounts/{account.ref}/edit").get_data(as_text=True)
    browser.submit(f"/setup/fields/{field.ref}/restore", {})
    assert "1 record holds something" in browser.get(f"/setup/fields/{field.ref}/delete").get_data(
        as_text=True
    )
    assert browser.submit(f"/setup/fields/{field.ref}/delete", {"values": "7"}).location.endswith("/delete")
    assert browser.submit(f"/setup/fields/{field.ref}/delete", {"values": "1"}).location.endswith("/fields")
    log = browser.get("/setup/audit-log").get_data(as_text=True)
    assert "arranged a form" in log
    assert signed_in(sal).get("/setup/fields").status_code == 403


def test_a_stale_edit_shows_both_values_and_a_lead_keeps_what_others_wrote(signed_in, session, ada, sal):
    make_field(session, ada, "account", "text", "Motto")
    make_field(session, ada, "lead", "choices", "Topics", choices=("News", "Events"))
    account = make_account(session, "Acme", owner=sal, custom={"c_motto": "first"})
    lead = make_lead(session, owner=sal, company="Acme", custom={"c_topics": ["news"]})
    session.commit()
    browser = signed_in(sal)
    page = browser.get(f"/accounts/{account.ref}/edit").get_data(as_text=True)
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)[1]
    edit_account(session, actor_of(session, ada), account.ref, {"c_motto": "theirs"}, now=clock.now())
    session.commit()
    late = browser.submit(f"/accounts/{account.ref}/edit", {"c_motto": "mine", "version": version})
    assert late.status_code == 409
    assert "<td>mine</td><td>theirs</td>" in late.get_data(as_text=True)
    page = browser.get(f"/leads/{lead.ref}/edit").get_data(as_text=True)
    assert re.search(r'value="news"[^>]*checked|checked[^>]*value="news"', page)
    began = re.search(r'name="began"[^>]*value="([^"]*)"', page)[1].replace("&#34;", '"')
    kept = {
        "version": re.search(r'name="version"[^>]*value="([^"]*)"', page)[1],
        "began": began,
        "status": "new",
    }
    saved = browser.submit(
        f"/leads/{lead.ref}/edit", {**kept, "company": "Acme", "c_topics-shown": "1", "c_topics": "events"}
    )
    assert saved.status_code == 303
    session.expire_all()
    assert rows(session, Lead)[0].custom == {"c_topics": ["events"]}
