"""Which fields of a lead partners see: the page, what it asks, what it refuses, what stays on record."""

import re

import pytest

from app.events.models import Event
from app.identity.lead_fields import read_lead_fields, set_lead_fields
from app.identity.organisation import edit_organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.errors import Invalid, Stale
from app.partners.models import PartnerLevel
from tests.factories import actor_of, rows

PAGE = "/setup/lead-fields"


def level_called(session, name):
    return rows(session, PartnerLevel, PartnerLevel.name == name)[0]


def choices(page):
    """Input → what is chosen in it."""
    selects = re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL)
    return {name: re.search(r'value="([^"]*)" selected', options)[1] for name, options in selects}


def test_a_table_of_all_fields_is_saved_at_once(signed_in, session, ada, pia, northwind):
    northwind.level_id = level_called(session, "Gold").id
    gold = level_called(session, "Gold").ref
    browser = signed_in(ada)
    page = browser.get(PAGE).get_data(as_text=True)
    first = choices(page)
    assert (first["all-city"], first["all-company"], first["all-campaign"]) == (
        "preview",
        "after_claim",
        "hidden",
    )
    assert first[f"{gold}-city"] == ""
    assert "Gold (1 person)" in page
    assert not re.search(
        r'name="all-status".*?value="hidden".*?</select>', page.split('id="source"')[0], re.DOTALL
    )
    version = re.search(r'name="version" value="(\d+)"', page)[1]
    sent = {
        **first,
        "version": version,
        "all-city": "hidden",
        f"{gold}-city": "preview",
        f"{gold}-need": "hidden",
    }
    answer = browser.submit(PAGE, sent)
    assert answer.status_code == 303
    everyone, level = rows(session, Event, Event.verb == "lead_fields_changed")
    assert everyone.changes == {"city": ["preview", "hidden"]}
    assert (level.record_kind, level.changes) == (
        "partner_level",
        {"city": [None, "preview"], "need": [None, "hidden"]},
    )
    # It counts for the next request, and the log says it in words.
    actor = actor_of(session, pia)
    assert ("city" in actor.preview_fields, actor.hidden_fields) == (True, ("campaign", "need"))
    log = browser.get("/setup/audit-log").get_data(as_text=True)
    assert "changed which fields partners of " in log
    assert "as for all partners → Before the claim" in log
    # From the same page again: somebody was faster, and what was chosen stays chosen.
    late = browser.submit(PAGE, {**sent, "all-industry": "hidden"})
    assert late.status_code == 409
    assert choices(late.get_data(as_text=True))["all-industry"] == "hidden"
    assert "industry" not in get_organisation(session).hidden_fields


def test_what_tells_whom_to_call_is_asked_about_first(signed_in, session, ada):
    browser = signed_in(ada)
    page = browser.get(f"{PAGE}?q=compan").get_data(as_text=True)
    assert set(choices(page)) == {f"{column}-company" for column in choices_of_columns(session)}
    sent = {
        "version": re.search(r'name="version" value="(\d+)"', page)[1],
        "q": "compan",
        "all-company": "preview",
    }
    asked = browser.submit(PAGE, sent)
    assert asked.status_code == 422
    assert 'name="knowingly"' in asked.get_data(as_text=True)
    assert "company" not in get_organisation(session).preview_fields
    assert browser.submit(PAGE, {**sent, "knowingly": "1"}).status_code == 303
    assert "company" in get_organisation(session).preview_fields
    assert "every rival can call" in browser.get(PAGE).get_data(as_text=True)
    # The short list of the API keeps it, and does not bring others of the kind.
    actor, kept = actor_of(session, ada), ["company", "campaign"]
    with pytest.raises(Invalid):
        edit_organisation(session, actor, {"preview_fields": [*kept, "email"]}, now=clock.now())
    with pytest.raises(Invalid):
        edit_organisation(session, actor, {"preview_fields": kept}, now=clock.now())
    edit_organisation(session, actor, {"preview_fields": ["company", "city"]}, now=clock.now())
    assert get_organisation(session).preview_fields == ["company", "city"]


def choices_of_columns(session):
    return ["all", *(level.ref for level in rows(session, PartnerLevel))]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    ("wanted", "at"),
    [
        ({"all": {"nonsense": "hidden"}}, "lead_fields.all.nonsense"),
        ({"all": {"arrived_at": "hidden"}}, "lead_fields.all.arrived_at"),
        ({"all": {"city": "sometimes"}}, "lead_fields.all.city"),
        ({"all": {"city": None}}, "lead_fields.all.city"),
        ({"all": {"status": "hidden"}}, "lead_fields.all.status"),
        ({"lvl_gone": {"city": "hidden"}}, "lead_fields.lvl_gone"),
        ({"all": {"email": "preview", "city": "hidden"}}, "lead_fields.all.email"),
    ],
)
def test_what_makes_no_sense_is_refused_whole(session, ada, wanted, at):
    before = read_lead_fields(session)
    with pytest.raises(Invalid) as refused:
        set_lead_fields(session, actor_of(session, ada), wanted, now=clock.now())
    assert list(refused.value.errors) == [at]
    assert read_lead_fields(session) == before


@pytest.mark.databases("sqlite")
def test_levels_are_set_by_their_public_names_and_a_stale_change_is_refused(session, signed_in, api, ada):
    registered, now = level_called(session, "Registered"), clock.now()
    set_lead_fields(session, actor_of(session, ada), {registered.ref: {"city": "hidden"}}, now=now)
    with pytest.raises(Stale):
        set_lead_fields(session, actor_of(session, ada), {"all": {"city": "hidden"}}, version=1, now=now)
    settings = api(ada).get("/settings").json
    assert settings["lead_fields"]["levels"] == {registered.ref: {"city": "hidden"}}
    assert (
        api(ada).patch("/settings", {"lead_fields": {"levels": {"all": {"city": "hidden"}}}}).status_code
        == 422
    )
    assert (
        api(ada)
        .patch("/settings", {"lead_fields": {"levels": {registered.ref: {"city": None}}}})
        .json["lead_fields"]["levels"]
        == {}
    )
