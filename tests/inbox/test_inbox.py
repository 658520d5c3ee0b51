"""A partner's inbox over HTTP: what stands in it, each button, what a rival or the second one gets."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from app.leads.models import Lead
from app.sharing.scope import scope
from tests.factories import (
    SYSTEM,
    make_lead,
    make_source,
    rows,
)
from tests.inbox.pages import offer, refs_in, tab_counts, text_of

# Every field that a preview must not show, with a value that is nowhere else.
HIDDEN = {
    "company": "Zyxcompany SA", "last_name": "Zyxlast", "first_name": "Zyxfirst", "title": "Zyxtitle",
    "email": "zyx@zyxmail.example", "phone": "+34 972 987 654", "mobile": "+34 600 987 654",
    "website": "https://zyxsite.example", "street": "Zyxstreet 7", "postal_code": "ZYX99",
    "description": "Zyxdescription", "budget": "Zyxbudget", "authority": "Zyxauthority", "need": "Zyxneed",
    "timeframe": "Zyxtimeframe", "campaign_name": "Zyxcampaign", "external_id": "zyx-external",
    "rating": "Zyxrating", "consent_basis": "Zyxconsent", "imported": {"Zyxcolumn": "Zyxcell"},
}  # fmt: skip
MARKS = re.compile(r"\bzyx|987\D?654", re.IGNORECASE)  # a random key may have the letters inside


# What stands in it


def test_available_shows_what_waits_the_longest_first(signed_in, session, pia, queue, now):
    second = make_lead(session, queue=queue, waiting_since=now - timedelta(hours=2))
    first = make_lead(session, queue=queue, waiting_since=now - timedelta(hours=5))
    third = make_lead(session, queue=queue, waiting_since=now - timedelta(hours=1))
    answer = signed_in(pia).get("/inbox")
    assert answer.status_code == 200
    assert refs_in(answer) == [first.ref, second.ref, third.ref]


def test_a_row_is_named_by_what_a_preview_shows(signed_in, session, pia, queue):
    make_lead(session, queue=queue, industry="Steel", employees=120, city="Girona", country="ES", score=74)
    page = text_of(signed_in(pia).get("/inbox"))
    assert "Steel, 50–199 people · Girona, ES" in page
    assert 'class="score is-3"' in page


def test_the_tabs_count_and_each_holds_what_it_counts(signed_in, session, pia, queue, now):
    free = [make_lead(session, queue=queue) for _ in range(3)]
    held_out = offer(session, pia, now)
    mine = make_lead(session, owner=pia)
    make_lead(session, owner=pia, status="unqualified")
    browser = signed_in(pia)
    assert tab_counts(browser.get("/inbox?box=mine")) == ["3", "1", "1"]
    assert refs_in(browser.get("/inbox?box=mine")) == [mine.ref]
    assert refs_in(browser.get("/inbox?box=offered")) == [held_out.ref]
    # Offers stand above what is free to claim: they run out.
    assert refs_in(browser.get("/inbox")) == [held_out.ref, *(lead.ref for lead in free)]


def test_counts_stop_at_a_hundred(signed_in, session, pia, queue):
    for _ in range(102):
        make_lead(session, queue=queue)
    answer = signed_in(pia).get("/inbox")
    assert tab_counts(answer)[0] == "100+"
    assert len(refs_in(answer)) == 50


def test_the_next_page_goes_on_where_the_first_ended(signed_in, session, pia, queue, now):
    leads = [
        make_lead(session, queue=queue, waiting_since=now - timedelta(minutes=m)) for m in range(60, 0, -1)
    ]
    browser = signed_in(pia)
    first = browser.get("/inbox")
    older = re.search(r'href="(/inbox\?cursor=[^"]+)" rel="next"', text_of(first)).group(1)
    assert refs_in(first) + refs_in(browser.get(older)) == [lead.ref for lead in leads]


def test_filters_narrow_by_country_and_product_and_read_as_a_sentence(signed_in, session, pia, queue):
    here = make_lead(session, queue=queue, country="ES", product_interest="Pumps")
    make_lead(session, queue=queue, country="FR", product_interest="Pumps")
    make_lead(session, queue=queue, country="ES", product_interest="Valves")
    browser = signed_in(pia)
    answer = browser.get("/inbox?country=ES&product_interest=Pumps")
    assert refs_in(answer) == [here.ref]
    assert re.search(r"country is <b>Spain</b>.*product is <b>Pumps</b>", text_of(answer), re.DOTALL)
    none = text_of(browser.get("/inbox?country=PT"))
    assert "Nothing matches these filters" in none


def test_filters_offer_only_fields_that_a_preview_shows(app, signed_in, session, pia, queue):
    from app.identity.queries import get_organisation

    get_organisation(session).preview_fields = ["city", "score"]
    make_lead(session, queue=queue, country="ES", product_interest="Pumps", city="Vic")
    page = text_of(signed_in(pia).get("/inbox"))
    assert "Spain" not in page
    assert "Pumps" not in page
    assert "Vic" in page


def test_empty_says_what_will_be_here(signed_in, session, pia, queue):
    browser = signed_in(pia)
    assert "Nothing is waiting" in text_of(browser.get("/inbox"))
    assert "Nothing is offered to you just now" in text_of(browser.get("/inbox?box=offered"))
    assert "You have no open leads" in text_of(browser.get("/inbox?box=mine"))


def test_somebody_in_no_queue_is_told_so(signed_in, session, pia, northwind):
    from app.routing.models import QueueMember

    for member in rows(session, QueueMember):
        session.delete(member)
    page = text_of(signed_in(pia).get("/inbox"))
    assert "You are in no queue yet" in page
    assert "Take the next one" not in page


def test_the_meter_says_how_full_one_is(signed_in, session, pia, queue, now):
    pia.capacity = 3
    make_lead(session, owner=pia)
    offer(session, pia, now)
    page = text_of(signed_in(pia).get("/inbox"))
    assert "You have 2 of 3 open leads" in page


def test_at_capacity_the_buttons_wait_and_the_page_says_why(signed_in, session, pia, queue):
    pia.capacity = 1
    make_lead(session, owner=pia)
    make_lead(session, queue=queue)
    page = text_of(signed_in(pia).get("/inbox"))
    assert "You hold as many open leads as you may" in page
    assert re.search(r"/claim\" disabled>Claim</button>", page)


def test_internal_people_have_no_inbox(signed_in, session, mara):
    assert signed_in(mara).get("/inbox").status_code == 403


# What must not show


def test_hidden_fields_are_in_no_page_of_a_partner_before_the_claim(signed_in, session, pia, pam, queue, now):
    waiting = make_lead(session, queue=queue, source=make_source(session), **HIDDEN)
    held_out = offer(session, pia, now, **{**HIDDEN, "external_id": "zyx-external-2"})
    for person in (pia, pam):
        browser = signed_in(person)
        for url in (
            "/", "/inbox", "/inbox?box=offered", "/inbox?box=mine", "/inbox?country=ES", "/leads", "/leads?owner=me",
            "/leads?sort=company", "/leads?sort=score", f"/leads/{waiting.ref}", f"/leads/{held_out.ref}",
            f"/leads/{held_out.ref}/release", f"/leads/{held_out.ref}/edit", "/notifications",
        ):  # fmt: skip
            answer = browser.get(url)
            assert answer.status_code in (200, 403), url
            assert MARKS.findall(text_of(answer)) == [], url


@pytest.mark.parametrize(
    "asked",
    ["q=Zyxcompany", "q=Zyxlast", "q=zyx@zyxmail.example", "q=972987654", "company=Zyxcompany+SA", "email=zyx@zyxmail.example",
     "last_name=Zyxlast", "budget=Zyxbudget", "external_id=zyx-external", "phone=%2B34972987654"],
)  # fmt: skip
def test_nobody_finds_a_preview_by_what_it_hides(signed_in, session, pia, queue, asked):
    lead = make_lead(session, queue=queue, phone_key="+34972987654", **HIDDEN)
    browser = signed_in(pia)
    assert lead.ref in text_of(browser.get("/leads"))
    assert lead.ref not in text_of(browser.get(f"/leads?{asked}"))
    if asked.startswith("q="):
        assert lead.ref not in text_of(browser.get(f"/search?{asked}"))


def test_a_rival_finds_nothing_of_it(signed_in, session, pia, otto, northwind, now):
    lead = make_lead(session, owner=pia, **HIDDEN)
    rival = signed_in(otto)
    for url in ("/", "/inbox", "/leads", "/search?q=Zyx", "/leads?q=Zyx"):
        page = text_of(rival.get(url))
        assert lead.ref not in page
        assert "Zyxlast" not in page
    for path in ("", "/edit", "/release", "/activities"):
        assert rival.get(f"/leads/{lead.ref}{path}").status_code == 404


# What it costs


@pytest.mark.parametrize("box", ["available", "offered", "mine"])
def test_the_number_of_statements_does_not_grow_with_the_rows(
    signed_in, session, pia, queue, now, count_queries, box
):
    def add(number):
        for _ in range(number):
            make_lead(session, queue=queue)
            make_lead(session, owner=pia)
            offer(session, pia, now)

    browser = signed_in(pia)
    counts = []
    for number in (3, 30):
        add(number)
        browser.get("/inbox")  # connections and caches
        with count_queries() as queries:
            assert browser.get(f"/inbox?box={box}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1], queries
    assert counts[1] <= 12, queries


def test_a_page_of_fifty_rows_is_light(signed_in, session, pia, queue):
    source = make_source(session, "Fair in Lleida")
    for number in range(60):
        make_lead(
            session, queue=queue, source=source, city="L'Hospitalet de Llobregat", product_interest="Industrial pumps",
            industry="Food and drink", employees=1200, score=number,
        )  # fmt: skip
    page = signed_in(pia).get("/inbox").data
    assert page.count(b"<tr id=") == 50
    assert len(page) <= 40 * 1024, len(page)


def test_a_deleted_lead_is_gone_from_the_inbox(signed_in, session, pia, queue, now):
    lead = make_lead(session, queue=queue)
    session.execute(update(Lead).where(scope(Lead, SYSTEM), Lead.id == lead.id).values(deleted_at=now))
    assert refs_in(signed_in(pia).get("/inbox")) == []
