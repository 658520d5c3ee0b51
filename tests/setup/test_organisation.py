"""The organisation's settings, and the home of Setup."""

import pytest

from app.accounts.models import Account
from app.events.models import Event
from app.identity.organisation import edit_organisation
from app.identity.queries import get_organisation
from app.kernel import clock
from app.kernel.errors import Invalid, Stale
from tests.factories import actor_of, make_account, rows

GIVEN = {
    "name": "Bombes Ibèria",
    "accent": "teal",
    "language": "ca",
    "time_zone": "Europe/Madrid",
    "fourth_category": "Antic client",
}


def test_name_look_language_and_zone_change(signed_in, session, ada):
    browser = signed_in(ada)
    assert browser.submit("/setup/organisation", GIVEN).status_code == 303
    organisation = get_organisation(session)
    assert (organisation.name, organisation.accent) == ("Bombes Ibèria", "teal")
    assert (organisation.language, organisation.time_zone) == ("ca", "Europe/Madrid")
    page = browser.get("/setup/organisation").get_data(as_text=True)
    assert 'data-accent="teal"' in page
    assert "Bombes Ibèria" in page
    [event] = rows(session, Event, Event.record_kind == "organisation")
    assert event.changes["name"] == ["Canal", "Bombes Ibèria"]


def test_the_fourth_category_is_offered_once_it_has_a_name(signed_in, session, ada):
    account, browser = make_account(session, "Forges", owner=ada), signed_in(ada)
    assert 'value="fourth"' not in browser.get(f"/accounts/{account.ref}/edit").get_data(as_text=True)
    browser.submit("/setup/organisation", GIVEN)
    assert "Antic client" in browser.get(f"/accounts/{account.ref}/edit").get_data(as_text=True)
    values = {"version": "1", "name": "Forges", "category": "fourth"}
    assert browser.submit(f"/accounts/{account.ref}/edit", values).status_code == 303
    [account] = rows(session, Account)
    assert account.category == "fourth"
    assert "Antic client" in browser.get(f"/accounts/{account.ref}").get_data(as_text=True)
    browser.submit("/setup/organisation", {**GIVEN, "fourth_category": ""})
    assert get_organisation(session).names == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 61),
        ("accent", "chartreuse"),
        ("language", "xx"),
        ("time_zone", "Mars/Olympus"),
        ("fourth_category", "x" * 41),
        ("strict_capture", "perhaps"),
        ("preview_fields", ["company"]),
        ("preview_fields", "city"),
        ("colour", "red"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(session, ada, field, value):
    with pytest.raises(Invalid) as refused:
        edit_organisation(session, actor_of(session, ada), {field: value}, now=clock.now())
    assert list(refused.value.errors) == [field]


def test_a_refused_form_comes_back_as_typed(signed_in, session, ada):
    answer = signed_in(ada).submit("/setup/organisation", {**GIVEN, "name": "x" * 61})
    assert answer.status_code == 422
    assert "x" * 61 in answer.get_data(as_text=True)
    assert get_organisation(session).name == "Canal"


def test_strict_capture_changes(signed_in, session, ada):
    browser = signed_in(ada)
    for given, is_strict in (({"strict_capture": "y"}, True), ({}, False)):
        assert browser.submit("/setup/capture", given).status_code == 303
        assert get_organisation(session).strict_capture is is_strict


def test_a_stale_edit_is_refused(session, ada):
    actor, now = actor_of(session, ada), clock.now()
    edit_organisation(session, actor, {"name": "One"}, version=1, now=now)
    with pytest.raises(Stale) as stale:
        edit_organisation(session, actor, {"name": "Two"}, version=1, now=now)
    assert stale.value.current == {"name": "One"}


@pytest.mark.parametrize("who", ["mara", "sal", "vic", "pia"])
def test_only_administrators_change_settings(request, signed_in, session, who):
    browser = signed_in(request.getfixturevalue(who))
    for page in ("organisation", "capture"):
        assert browser.get(f"/setup/{page}").status_code == 403
        assert browser.submit(f"/setup/{page}", GIVEN, page="/profile").status_code == 403
    assert get_organisation(session).name == "Canal"


def test_the_home_of_setup_shows_what_one_may_do(signed_in, ada, mara):
    whole, part = (signed_in(person).get("/setup/").get_data(as_text=True) for person in (ada, mara))
    assert "/setup/prm" in whole
    assert "/setup/statuses" in whole
    assert "/setup/prm" not in part
    assert "/setup/sources" in part


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("currency", "/setup/organisation"),
        ("two-fac", "/profile"),
        ("gdpr ERASE", "/care/erase"),
        ("mail", "/setup/mail-texts"),
        ("pipeline", "/setup/opportunity-stages"),
        ("health", "/#health"),
        ("backup", "/#health"),
        ("import", "/imports"),
    ],
)
def test_setup_finds_a_page_by_what_people_call_it(signed_in, ada, words, address):
    page = signed_in(ada).get("/setup/", query_string={"q": words}).get_data(as_text=True)
    assert f'href="{address}"' in page
    assert 'href="/setup/users"' not in page or words == "two-fac"


def test_setup_says_when_nothing_is_called_so(signed_in, ada):
    page = signed_in(ada).get("/setup/?q=<zzz>").get_data(as_text=True)
    assert "Nothing is called “&lt;zzz&gt;” here" in page
