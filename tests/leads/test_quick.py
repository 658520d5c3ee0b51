"""A business card taken down on a phone."""

import html

import pytest

from app.leads.models import Lead, LeadSource
from tests.factories import get_default_queue, make_lead, row_count, rows

pytestmark = pytest.mark.databases("sqlite")


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def test_a_number_alone_is_enough_and_the_next_card_follows(signed_in, session, sal, pia):
    known = make_lead(session, owner=sal, phone="+34 972 20 11 00", company="Forges del Ter")
    source = rows(session, LeadSource)[0].name
    browser = signed_in(sal)
    page = text_of(browser.get("/leads/quick"))
    assert 'type="tel"' in page
    empty = browser.submit("/leads/quick", {"description": "Met at the fair"})
    assert (empty.status_code, "Met at the fair" in text_of(empty)) == (422, True)
    wrong = browser.submit("/leads/quick", {"phone": "1", "email": "nobody"})
    assert (wrong.status_code, "is not an e-mail address" in text_of(wrong)) == (422, True)
    saved = browser.submit("/leads/quick", {"phone": "972 20 11 00", "mine": "y", "source": source})
    assert saved.status_code == 303
    lead = rows(session, Lead, Lead.id != known.id)[0]
    assert (lead.owner_user_id, lead.phone) == (sal.id, "972 20 11 00")
    page = text_of(browser.get(saved.location))
    assert "Missing to qualify: Last name, Company" in page
    assert f'<option selected value="{source}">' in page
    ruled = browser.submit("/leads/quick", {"phone": "972 20 11 01"})
    lead = rows(session, Lead, Lead.phone == "972 20 11 01")[0]
    assert lead.owner_queue_id == get_default_queue(session).id
    assert browser.get(ruled.location).status_code == 200
    assert row_count(session, Lead) == 3
    assert signed_in(pia).get("/leads/quick").status_code == 403
