"""The way of a lead: moves, what qualifying asks for, reasons, one field in its place, a status that goes; by page and API."""

import html
import re

import pytest
from sqlalchemy import select

from app.events.models import Event
from app.kernel import clock
from app.leads.models import LeadStatus, UnqualifiedReason
from app.leads.operations import edit_lead
from app.leads.steps import leave_status, set_moves, set_process, set_step, targets_for
from app.scores.work import work_step
from tests.factories import actor_of, get_status, make_lead, open_portal, rows


@pytest.fixture(autouse=True)
def _portal(session):
    open_portal(session)


def text_of(answer):
    return html.unescape(answer.get_data(as_text=True))


def path_of(answer):
    return text_of(answer).partition('id="path"')[2].partition("</section>")[0]


@pytest.mark.databases("sqlite")
def test_moves_and_what_qualifying_asks_for_hold_for_the_page_the_api_and_partners(
    signed_in, session, api, ada, mara, pia
):
    now, actor = clock.now(), actor_of(session, ada)
    set_moves(session, actor, {"new": ["working"], "working": ["new", "qualified", "unqualified"]}, now=now)
    set_process(
        session, actor, required=["phone"], definition={"es": "Con dinero", "en": "Has money"}, now=now
    )
    set_step(
        session,
        actor,
        get_status(session, "new").ref,
        guidance={"en": "Call them"},
        matters=["need", "phone"],
        now=now,
    )
    lead = make_lead(session, owner=pia, phone=None)
    browser = signed_in(pia)
    path = path_of(browser.get(f"/leads/{lead.ref}"))
    for shown in ("Call them", "Missing to qualify", "Phone", "Has money", "Step 1 of 3"):
        assert shown in path, shown
    assert re.findall(r'class="path-stop" name="status" value="(\w+)"', path) == ["working"]
    answer = browser.submit(f"/leads/{lead.ref}/status", {"status": "qualified"}, page=f"/leads/{lead.ref}")
    assert answer.location.endswith(f"/leads/{lead.ref}#path"), "an address that can be loaded again"
    assert "From “New” it goes to: Working." in text_of(browser.get(answer.location))
    refused = api(mara).patch(f"/leads/{lead.ref}", {"status": "unqualified"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["status"])

    assert api(mara).patch(f"/leads/{lead.ref}", {"status": "working"}).json["status"] == "working"
    refused = api(pia).patch(f"/leads/{lead.ref}", {"status": "qualified"})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["phone"])
    refused = api(pia).patch(f"/leads/{lead.ref}", {"status": "unqualified"})
    assert list(refused.json["errors"]) == ["unqualified_reason"]
    asked = browser.submit(f"/leads/{lead.ref}/status", {"status": "unqualified"}, page=f"/leads/{lead.ref}")
    assert (asked.status_code, "Why?" in text_of(asked)) == (422, True)
    gone = {"status": "unqualified", "reason": "no_budget", "asked": "1"}
    assert browser.submit(f"/leads/{lead.ref}/status", gone, page=f"/leads/{lead.ref}").status_code == 303
    assert "Unqualified: No budget" in path_of(browser.get(f"/leads/{lead.ref}"))
    seen = api(mara).get(f"/leads/{lead.ref}").json
    assert (seen["status"], seen["unqualified_reason"]) == ("unqualified", "no_budget")
    again = api(mara).patch(f"/leads/{lead.ref}", {"status": "working"}).json
    assert (again["status"], again["unqualified_reason"]) == ("working", None)
    new = api(mara).post("/leads", {"last_name": "Puig", "status": "qualified"})
    assert set(new.json["errors"]) == {"company", "phone"}
    status = next(s for s in api(ada).get("/registries/lead_statuses").json["items"] if s["key"] == "new")
    assert (status["category"], status["moves"], status["guidance"]) == (
        "new",
        ["working"],
        {"en": "Call them"},
    )
    free = api(ada).patch(f"/registries/lead_statuses/{status['id']}", {"moves": None}).json
    assert free["moves"] is None
    wrong = api(ada).patch(f"/registries/lead_statuses/{status['id']}", {"moves": ["nowhere"]})
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["moves"])


@pytest.mark.databases("sqlite")
def test_one_field_is_changed_in_its_place_and_nothing_written_meanwhile_is_lost(
    signed_in, session, sal, mara
):
    lead = make_lead(session, city="Girona", need=None)
    browser, address = signed_in(sal), f"/leads/{lead.ref}/fields"
    assert 'name="city"' in text_of(browser.get(f"{address}/city"))
    assert browser.get(f"{address}/status").status_code == 404
    assert browser.get(f"{address}/score").status_code == 404
    # Somebody else changes another field: that is in nobody's way.
    edit_lead(session, actor_of(session, mara), lead.ref, {"need": "Pumps"}, now=clock.now())
    saved = browser.submit(f"{address}/city", {"city": "Olot", "began": "Girona"}, page=f"{address}/city")
    assert (saved.status_code, lead.city, lead.need) == (303, "Olot", "Pumps")
    clash = browser.submit(f"{address}/city", {"city": "Vic", "began": "Girona"}, page=f"{address}/city")
    told = text_of(clash)
    assert (clash.status_code, lead.city) == (409, "Olot")
    assert "<b>Vic</b>" in told
    assert "<b>Olot</b>" in told
    assert 'value="Vic"' in told, "what was typed is still there"
    kept = {"city": "Vic", "began": "Olot", "keep": "theirs"}
    browser.submit(f"{address}/city", kept, page=f"{address}/city")
    assert lead.city == "Olot"
    browser.submit(f"{address}/city", {**kept, "keep": "mine"}, page=f"{address}/city")
    assert lead.city == "Vic"
    wrong = browser.submit(
        f"{address}/email", {"email": "nobody", "began": lead.email}, page=f"{address}/email"
    )
    assert (wrong.status_code, "“nobody” is not an e-mail address." in text_of(wrong)) == (422, True)
    shown = browser.get(f"{address}/city?as=is", headers={"HX-Request": "true"})
    assert 'data-field="city"' in text_of(shown)


def test_a_status_goes_after_its_leads_went_elsewhere(session, ada):
    now, actor = clock.now(), actor_of(session, ada)
    late = LeadStatus(
        ref="item_" + "1" * 22, key="late", name="Late", category="working", position=9, moves=["*"]
    )
    session.add(late)
    session.flush()
    set_moves(session, actor, {"new": ["late"]}, now=now)
    leads = [make_lead(session, status="late", deleted_at=now if number else None) for number in range(3)]
    assert [status.key for status in targets_for(session, late)] == ["new", "working"]
    working = get_status(session, "working")
    assert leave_status(session, actor, late.ref, move_to=working.ref, now=now) is None
    assert {lead.status_id for lead in leads} == {working.id}
    assert get_status(session, "new").moves == ["working"]
    told = rows(session, Event, Event.verb == "edited", Event.record_kind == "lead")
    assert [event.changes["status"] for event in told] == [["Late", "Working"]] * 3


@pytest.mark.databases("sqlite")
def test_setup_shows_and_keeps_all_of_it_and_asks_where_leads_go(signed_in, session, ada, pia):
    lead = make_lead(session, status="working", owner=pia)
    browser = signed_in(ada)
    page = text_of(browser.get("/setup/lead-path"))
    assert 'name="to-new" value="working"' in page
    moved = {"from": ["new", "working"], "any-working": "1", "to-new": ["working"]}
    browser.submit("/setup/lead-path/moves", moved, page="/setup/lead-path")
    assert (get_status(session, "new").moves, get_status(session, "working").moves) == (["working"], ["*"])
    narrowed = {"from": ["new", "working"], "was-any": "working", "any-working": "1", "to-new": ["working"]}
    browser.submit("/setup/lead-path/moves", narrowed, page="/setup/lead-path")
    assert get_status(session, "working").moves == [], "a tick taken away beside Anywhere counts"
    browser.submit(
        "/setup/lead-path", {"required": ["email"], "definition_ca": "Té diners"}, page="/setup/lead-path"
    )
    step = f"/setup/lead-path/{get_status(session, 'working').ref}"
    saved = browser.submit(step, {"guidance_en": "Ask", "matters": ["budget"]}, page=step)
    assert saved.status_code == 303
    assert "Té diners" in text_of(browser.get("/setup/lead-path"))
    assert browser.submit(step, {"matters": ["nothing"]}, page=step).status_code == 422
    answer = browser.submit(
        f"/setup/statuses/{get_status(session, 'working').ref}", {"act": "remove"}, page="/setup/statuses"
    )
    assert answer.location.endswith(f"{step}/remove")
    assert "1 lead has this status." in text_of(browser.get(f"{step}/remove"))
    assert browser.submit(f"{step}/remove", {}, page=f"{step}/remove").status_code == 422
    gone = browser.submit(f"{step}/remove", {"move_to": get_status(session).ref}, page=f"{step}/remove")
    assert (gone.status_code, lead.status_id) == (303, get_status(session).id)


@pytest.mark.databases("sqlite")
def test_rules_are_written_counted_put_in_force_and_explained(signed_in, session, ada, sal, pia):
    browser, now = signed_in(ada), clock.now()
    lead = make_lead(session, owner=pia, employees=500)
    typed = {
        "name": "First", "version": "", "threshold": "40", "lines": "1", "act": "save", "e0-name": "Large", "e0-points": "50",
        "e0-rows": "1", "e0-join": "all", "e0-c0-field": "employees", "e0-c0-op": "gt", "e0-c0-value": "100",
    }  # fmt: skip
    zero = {**typed, "e0-per": "employees", "e0-by": "0"}
    refused = browser.submit("/setup/score-rules", zero, page="/setup/score-rules/new")
    assert (refused.status_code, "Nothing can be divided by zero" in text_of(refused)) == (422, True)
    assert 'value="Large"' in text_of(refused)
    more = browser.submit("/setup/score-rules", {**typed, "act": "add"}, page="/setup/score-rules/new")
    assert 'name="e1-points"' in text_of(more)
    saved = browser.submit("/setup/score-rules", typed, page="/setup/score-rules/new")
    assert "Counting what it would change" in text_of(browser.get(saved.location))
    while work_step(session, now=now):
        pass
    page = text_of(browser.get(saved.location))
    assert "<dt>Up</dt><dd>1</dd>" in page
    assert "0 now, 50 then" in page
    assert browser.submit(f"{saved.location}/activate", {}, page=saved.location).status_code == 303
    while work_step(session, now=now):
        pass
    shown = text_of(signed_in(sal).get(f"/leads/{lead.ref}"))
    for words in ("The score rules handed it over", "+50", "Employees over 100"):
        assert words in shown, words
    partners = text_of(signed_in(pia).get(f"/leads/{lead.ref}"))
    assert "Employees over 100" not in partners
    assert "marketing-qualified" not in partners
    other = make_lead(session)
    assert "Hand over as marketing-qualified" in text_of(signed_in(sal).get(f"/leads/{other.ref}"))
    handed = signed_in(sal).submit(f"/leads/{other.ref}/hand-over", {}, page=f"/leads/{other.ref}")
    assert (handed.status_code, other.marketing_qualified_by_id) == (303, sal.id)


@pytest.mark.databases("sqlite")
def test_lists_are_narrowed_to_reasons_and_to_what_was_handed_over(signed_in, session, sal, pia):
    reason = session.scalars(select(UnqualifiedReason).where(UnqualifiedReason.key == "no_budget")).one()
    poor = make_lead(
        session, owner=pia, company="Poor", status="unqualified", unqualified_reason_id=reason.id
    )
    rich = make_lead(session, owner=pia, company="Rich", marketing_qualified_at=clock.now())
    for address, shown, left_out in (
        ("/leads?filter=unqualified_reason.equals:no_budget&columns=unqualified_reason", poor, rich),
        ("/leads?filter=marketing_qualified_at.gte:-1d&columns=marketing_qualified_at", rich, poor),
    ):
        page = text_of(signed_in(sal).get(address))
        assert shown.ref in page
        assert left_out.ref not in page
    assert "No budget" in text_of(signed_in(pia).get("/leads?columns=unqualified_reason"))
    hidden = text_of(signed_in(pia).get("/leads?filter=marketing_qualified_at.gte:-1d"))
    assert "Marketing-qualified" not in hidden
