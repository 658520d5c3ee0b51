"""Adding and changing a lead over HTTP: owner by rules or chosen, stale edits, status, bad input."""

import html
import re

import pytest

from app.events.models import Event
from app.leads.models import Assignment, Lead, LeadSource
from app.leads.operations import edit_lead
from app.notifications.models import Delivery, DeliveryState
from tests.factories import (
    actor_of,
    get_default_queue,
    get_status,
    make_lead,
    make_queue,
    make_source,
    open_portal,
    row_count,
    rows,
)

FORGES = {
    "company": "Forges del Ter, S.L.", "last_name": "Puig", "first_name": "Marta", "email": "Marta@Forges.example",
    "phone": "972 20 11 00", "country": "ES", "status": "new", "employees": "1.250", "annual_revenue": "2.500.000,50",
    "description": "One\r\ntwo", "interest_confirmed": "yes", "opted_out_phone": "y", "budget": "40,000",
    "owner": "rules",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def create(browser, **change):
    return browser.submit("/leads", {**FORGES, **change}, page="/leads/new")


def form_of(browser, lead):
    """What the edit form of the lead would send if nothing were changed."""
    page = browser.get(f"/leads/{lead.ref}/edit").get_data(as_text=True)
    values = {}
    for name, value in re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', page):
        values[name] = html.unescape(value)
    for name, body in re.findall(r'<select[^>]*name="(\w+)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', body)
        values[name] = html.unescape(chosen.group(1)) if chosen else ""
    for name, body in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', page, re.DOTALL):
        # A browser drops the first line break and sends every other one as two characters.
        values[name] = html.unescape(body).replace("\r", "").removeprefix("\n").replace("\n", "\r\n")
    for name in ("opted_out_email", "opted_out_phone"):
        if not re.search(rf'<input checked[^>]*name="{name}"', page):
            values.pop(name, None)
    for name in ("csrf_token", "q"):
        values.pop(name, None)
    return values


def the_lead(session):
    return rows(session, Lead)[-1]


# Adding


def test_a_new_lead_goes_where_the_rules_say(signed_in, session, sal):
    answer = create(signed_in(sal))
    lead = the_lead(session)
    assert answer.status_code == 303
    assert answer.location == f"/leads/{lead.ref}"
    assert (lead.company, lead.email, lead.employees, lead.annual_revenue) == (
        "Forges del Ter, S.L.",
        "Marta@Forges.example",
        1250,
        2500000.5,
    )
    assert lead.interest_confirmed is True
    assert (lead.opted_out_phone, lead.opted_out_email) == (True, False)
    assert lead.description == "One\ntwo"
    assert lead.owner_queue_id == get_default_queue(session).id
    assert lead.is_owner_chosen is False
    assert [e.verb for e in rows(session, Event, Event.record_ref == lead.ref)] == ["created"]


def test_it_can_be_mine(signed_in, session, sal):
    create(signed_in(sal), owner="me")
    lead = the_lead(session)
    assert lead.owner_user_id == sal.id
    assert lead.is_owner_chosen is True
    assert row_count(session, Delivery) == 0


@pytest.mark.parametrize(("notify", "state"), [("y", DeliveryState.DUE), ("", DeliveryState.SUPPRESSED)])
def test_it_can_be_given_to_somebody_with_or_without_a_mail(signed_in, session, mara, pia, notify, state):
    answer = create(signed_in(mara), owner="someone", owner_ref=f"user:{pia.ref}", notify=notify)
    assert answer.status_code == 303
    assert the_lead(session).owner_user_id == pia.id
    assert [d.state for d in rows(session, Delivery)] == [state]


def test_only_people_who_can_take_it_are_listed_and_the_others_are_counted(
    signed_in, session, mara, pia, pam, otto
):
    pam.first_web_sign_in_at = None
    otto.capacity = 0
    queue = make_queue(session, "Catalonia")
    page = text_of(signed_in(mara).get("/leads/new"))
    assert f'value="user:{pia.ref}"' in page
    assert f'value="queue:{queue.ref}"' in page
    assert pam.ref not in page
    assert "1 more is not listed" in page
    assert "Pam, Northwind: has never signed in on the web" in page
    full = create(signed_in(mara), owner="someone", owner_ref=f"user:{otto.ref}")
    assert full.status_code == 409
    assert "at capacity" in text_of(full)
    refused = create(signed_in(mara), owner="someone", owner_ref=f"user:{pam.ref}")
    assert refused.status_code == 422
    assert "has never signed in" in text_of(refused)
    assert row_count(session, Lead) == 0


def test_somebody_else_needs_a_name(signed_in, session, mara):
    answer = create(signed_in(mara), owner="someone", owner_ref="")
    assert answer.status_code == 422
    assert "There is nobody of that name" in text_of(answer)
    assert 'value="Forges del Ter, S.L."' in text_of(answer)


@pytest.mark.parametrize("field", ["last_name", "company", "email", "phone", "mobile"])
def test_one_identifying_field_is_enough(signed_in, session, sal, field):
    value = {"email": "m@f.example", "phone": "972201100", "mobile": "600100200"}.get(field, "Puig")
    browser = signed_in(sal)
    assert browser.submit("/leads", {field: value, "owner": "rules"}, page="/leads/new").status_code == 303
    assert getattr(the_lead(session), field) == value


def test_nothing_identifying_is_refused_and_what_was_typed_stays(signed_in, session, sal):
    answer = signed_in(sal).submit("/leads", {"city": "Girona", "description": "Tall <b>"}, page="/leads/new")
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Give at least a last name, a company, an e-mail address or a phone number." in page
    assert 'value="Girona"' in page
    assert "Tall <b>" in page
    assert row_count(session, Lead) == 0


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("email", "no-address", "is not an e-mail address"),
        ("employees", "many", "is not a number"),
        ("country", "Narnia", "is not a country"),
        ("status", "done", "There is no status"),
        ("source", "Nowhere", "There is no source"),
        ("last_name", "x" * 10_000, "too long"),
        ("last_name", "a\x00b", "cannot be stored"),
        ("interest_confirmed", "perhaps", "is neither yes nor no"),
    ],
)
def test_bad_values_are_said_beside_their_field(signed_in, session, sal, field, value, complaint):
    answer = create(signed_in(sal), **{field: value})
    assert answer.status_code == 422
    assert complaint in text_of(answer)
    assert f'id="{field}-error"' in text_of(answer)
    assert row_count(session, Lead) == 0


def test_strict_capture_asks_for_more(signed_in, session, sal):
    from app.identity.queries import get_organisation

    get_organisation(session).strict_capture = True
    answer = create(signed_in(sal), company="")
    assert answer.status_code == 422
    assert 'id="company-error"' in text_of(answer)


def test_save_and_new_comes_back_with_a_way_to_what_was_saved(signed_in, session, sal):
    answer = signed_in(sal).submit(
        "/leads", {**FORGES, "save_and_new": "1"}, page="/leads/new", follow_redirects=True
    )
    assert answer.request.path == "/leads/new"
    assert f'href="/leads/{the_lead(session).ref}">Open it' in text_of(answer)


def test_the_same_external_id_updates_and_creates_nothing(signed_in, session, mara):
    lead = make_lead(session, owner=mara, external_id="crm-7", company="Old")
    answer = create(signed_in(mara), external_id="crm-7", company="New", follow=True)
    assert answer.location == f"/leads/{lead.ref}"
    assert row_count(session, Lead) == 1
    assert the_lead(session).company == "New"


def test_a_source_can_be_added_on_the_way_by_those_who_keep_the_list(signed_in, session, mara, sal):
    create(signed_in(mara), new_source="Fair in Lleida")
    source = rows(session, LeadSource, LeadSource.name == "Fair in Lleida")[0]
    assert the_lead(session).source_id == source.id
    create(signed_in(mara), new_source="fair in LLEIDA")
    assert row_count(session, LeadSource, LeadSource.name_fold == "fair in lleida") == 1
    assert 'name="new_source"' not in text_of(signed_in(sal).get("/leads/new"))
    create(signed_in(sal), new_source="Another fair")
    assert row_count(session, LeadSource, LeadSource.name == "Another fair") == 0


def test_partners_and_viewers_add_none(signed_in, session, pia, vic):
    for person in (pia, vic):
        browser = signed_in(person)
        assert browser.get("/leads/new").status_code == 403
        assert browser.submit("/leads", FORGES, page="/profile").status_code == 403


# Changing


def test_an_edit_changes_what_was_changed_and_nothing_else(signed_in, session, mara):
    source = make_source(session, "Fair in Lleida")
    lead = make_lead(
        session, owner=mara, source=source, description="One\n\ntwo  ", annual_revenue=10.5, employees=7
    )
    browser = signed_in(mara)
    values = form_of(browser, lead)
    assert values["source"] == "Fair in Lleida"
    same = browser.submit(f"/leads/{lead.ref}/edit", values)
    assert same.status_code == 303
    assert row_count(session, Event, Event.record_ref == lead.ref) == 0
    browser.submit(f"/leads/{lead.ref}/edit", {**values, "city": "Salt", "opted_out_email": "y"})
    event = rows(session, Event, Event.record_ref == lead.ref)[-1]
    assert event.changes == {"city": ["Girona", "Salt"], "opted_out_email": [False, True]}


def test_a_stale_edit_shows_both_values_and_loses_nothing(signed_in, session, mara, sal, now):
    lead = make_lead(session, owner=mara, company="Old", city="Girona", need="Pumps")
    browser = signed_in(mara)
    values = form_of(browser, lead)
    edit_lead(session, actor_of(session, sal), lead.ref, {"company": "Theirs", "city": "Olot"}, now=now)
    answer = browser.submit(f"/leads/{lead.ref}/edit", {**values, "company": "Mine", "need": "Valves"})
    page = text_of(answer)
    assert answer.status_code == 409
    assert "Sal changed this while you were editing" in page
    assert re.search(r"Company</th>.*?Mine</span>.*?Theirs</span>", page, re.DOTALL)
    assert re.search(r'name="company"[^>]*value="Mine"', page)
    assert re.search(r'name="need"[^>]*value="Valves"', page)
    assert 'name="keep_company"' in page
    assert 'name="keep_need"' not in page, "nobody else touched it: there is nothing to choose"
    # What only the other changed is taken over without asking.
    assert re.search(r'name="city"[^>]*value="Olot"', page)
    assert the_lead(session).company == "Theirs"


@pytest.mark.parametrize(("keep", "company"), [("mine", "Mine"), ("theirs", "Theirs")])
def test_after_a_stale_edit_either_value_can_be_kept(signed_in, session, mara, sal, now, keep, company):
    lead = make_lead(session, owner=mara, company="Old", need="Pumps")
    browser = signed_in(mara)
    values = form_of(browser, lead)
    edit_lead(session, actor_of(session, sal), lead.ref, {"company": "Theirs"}, now=now)
    refused = browser.submit(f"/leads/{lead.ref}/edit", {**values, "company": "Mine", "need": "Valves"})
    page = refused.get_data(as_text=True)
    again = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input[^>]*name="(began|version)"[^>]*?value="([^"]*)"', page)
    }
    answer = browser.submit(
        f"/leads/{lead.ref}/edit",
        {**values, **again, "company": "Mine", "need": "Valves", "keep_company": keep},
    )
    assert answer.status_code == 303
    session.expire_all()
    assert (the_lead(session).company, the_lead(session).need) == (company, "Valves")


def test_a_partner_owner_edits_what_is_theirs_to_edit(signed_in, session, pia):
    lead = make_lead(session, owner=pia, company="Old")
    browser = signed_in(pia)
    page = text_of(browser.get(f"/leads/{lead.ref}/edit"))
    assert 'name="company"' in page
    for hidden in ("source", "campaign", "consent_basis", "external_id", "new_source"):
        assert f'name="{hidden}"' not in page, hidden
    values = form_of(browser, lead)
    answer = browser.submit(
        f"/leads/{lead.ref}/edit", {**values, "company": "New", "external_id": "x", "score": "100"}
    )
    assert answer.status_code == 303
    session.expire_all()
    assert (the_lead(session).company, the_lead(session).external_id, the_lead(session).score) == (
        "New",
        None,
        0,
    )


def test_who_may_not_edit_cannot(signed_in, session, pia, pam, otto, vic, northwind):
    lead = make_lead(session, owner=pam)
    waiting = make_lead(session, queue=make_queue(session, members=[northwind]))
    for person, record, status in (
        (pia, lead, 404),
        (otto, lead, 404),
        (vic, lead, 403),
        (pia, waiting, 403),
    ):
        browser = signed_in(person)
        assert browser.get(f"/leads/{record.ref}/edit").status_code == status
        sent = browser.submit(f"/leads/{record.ref}/edit", {"company": "x"}, page="/profile")
        assert sent.status_code == status, person.name


@pytest.mark.parametrize("began", ["", "[]", "{", '{"company": 7}', "null"])
def test_a_damaged_form_is_no_bug(signed_in, session, mara, began):
    lead = make_lead(session, owner=mara)
    browser = signed_in(mara)
    values = {**form_of(browser, lead), "began": began, "version": "x" * 50}
    assert browser.submit(f"/leads/{lead.ref}/edit", values).status_code in (303, 409, 422)


def test_a_bad_value_in_an_edit_is_said_and_what_was_typed_stays(signed_in, session, mara):
    lead = make_lead(session, owner=mara)
    browser = signed_in(mara)
    answer = browser.submit(
        f"/leads/{lead.ref}/edit", {**form_of(browser, lead), "email": "no", "city": "Salt"}
    )
    assert answer.status_code == 422
    assert 'id="email-error"' in text_of(answer)
    assert re.search(r'name="city"[^>]*value="Salt"', text_of(answer))


def test_the_last_identifying_field_stays(signed_in, session, mara):
    lead = make_lead(session, owner=mara, company=None, email=None, last_name="Puig")
    browser = signed_in(mara)
    answer = browser.submit(f"/leads/{lead.ref}/edit", {**form_of(browser, lead), "last_name": ""})
    assert answer.status_code == 422
    assert "Give at least a last name" in text_of(answer)


# Status


def test_a_status_is_one_click(signed_in, session, pia):
    lead = make_lead(session, owner=pia)
    browser = signed_in(pia)
    page = text_of(browser.get(f"/leads/{lead.ref}"))
    assert 'name="status" value="working"' in page
    version = re.search(r'name="version" value="([^"]+)"', page)[1]
    answer = browser.submit(
        f"/leads/{lead.ref}/status", {"status": "working", "version": version}, page="/leads"
    )
    assert answer.status_code == 303
    event = rows(session, Event, Event.record_ref == lead.ref)[-1]
    assert event.changes == {"status": ["New", "Working"]}


def test_to_qualify_the_page_says_what_is_missing(signed_in, session, mara):
    lead = make_lead(session, owner=mara, company=None, last_name=None, email="m@f.example")
    browser = signed_in(mara)
    answer = browser.submit(f"/leads/{lead.ref}/status", {"status": "qualified"}, page="/leads")
    assert answer.status_code == 303
    assert "To qualify it, fill in first: Last name, Company." in text_of(browser.get(answer.location))


@pytest.mark.parametrize(
    ("who", "data", "status"),
    [
        ("mara", {"status": "nonsense"}, 303),
        ("mara", {}, 303),
        ("mara", {"status": "working", "version": "0"}, 303),
        ("vic", {"status": "working"}, 403),
        ("otto", {"status": "working"}, 404),
    ],
)
def test_a_status_that_cannot_be_set(request, signed_in, session, pia, otto, who, data, status):
    person = request.getfixturevalue(who)
    lead = make_lead(session, owner=pia)
    assert signed_in(person).submit(f"/leads/{lead.ref}/status", data, page="/profile").status_code == status
    assert lead.status_id == get_status(session, "new").id
    assert row_count(session, Assignment, Assignment.lead_id == lead.id) == 1


def test_an_edit_ticks_no_opt_out_that_nobody_ticked(session, signed_in, mara):
    browser = signed_in(mara)
    for opted_out in (False, True):
        lead = make_lead(session, opted_out_email=opted_out)
        page = browser.get(f"/leads/{lead.ref}/edit").text
        ticked = {
            name
            for attributes, name in re.findall(r'<input([^>]*) name="(opted_out_\w+)"', page)
            if "checked" in attributes
        }
        assert ticked == ({"opted_out_email"} if opted_out else set())
