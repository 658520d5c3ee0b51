"""Setup > Sharing: its place in setup, and organisation-wide defaults, as people use them without JavaScript."""

import re

import pytest

from app.events.models import Event
from app.identity.queries import get_organisation
from app.sharing.subjects import SUBJECTS
from tests.factories import make_lead, rows
from tests.sharing.pages import page_words

DEFAULTS, GROUPS, RULES = "/setup/sharing-defaults", "/setup/groups", "/setup/sharing-rules"

pytestmark = pytest.mark.usefixtures("at_once")


# Setup's home


def test_setup_leads_to_sharing(session, signed_in, ada, mara):
    page = signed_in(ada).get("/setup/").text
    assert all(f'href="{url}"' in page for url in (DEFAULTS, GROUPS, RULES))
    page = signed_in(mara).get("/setup/").text
    assert DEFAULTS not in page
    assert GROUPS in page


# Defaults


def test_defaults_are_saved_at_once_and_recorded(session, signed_in, ada, northwind):
    browser = signed_in(ada)
    page = browser.get(DEFAULTS).text
    assert "disabled" not in page.partition('<form class="form is-wide"')[2]
    version = re.search(r'name="version"[^>]*value="(\d+)"', page)
    assert version
    data = {"lead-internal": "read", "lead-external": "private", "account-internal": "read_write",
            "account-external": "read", "contact-internal": "read_write", "contact-external": "private",
            "version": version[1]}  # fmt: skip
    assert browser.agree(DEFAULTS, data).status_code == 303
    defaults = get_organisation(session).defaults
    assert defaults["lead"] == {"internal": "read", "external": "private"}
    assert defaults["account"] == {"internal": "read_write", "external": "read"}
    assert defaults["contact"] == {"internal": "read_write", "external": "private"}
    event = rows(session, Event, Event.record_kind == "organisation", Event.verb == "edited")[-1]
    assert event.changes["defaults"][1]["lead"]["internal"] == "read"
    again = browser.submit(DEFAULTS, {**data, "lead-internal": "private"})
    assert again.status_code == 409
    assert get_organisation(session).defaults["lead"]["internal"] == "read"


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("lead-external", "read", "Partners never have more than everybody inside."),
        ("lead-internal", "all", "Choose one of those listed."),
        ("contact-external", "", "Choose one of those listed."),
    ],
)
def test_wrong_defaults_are_told_at_their_field_and_nothing_changes(
    session, signed_in, ada, northwind, field, value, words
):
    before = dict(get_organisation(session).defaults)
    data = {f"{thing}-{side}": "private" for thing in SUBJECTS for side in ("internal", "external")}
    answer = signed_in(ada).submit(DEFAULTS, {**data, field: value})
    assert answer.status_code == 422
    assert words in answer.text.partition(f'id="{field}-error"')[2][:400]
    assert 'href="#' + field in answer.text
    assert get_organisation(session).defaults == before


def test_what_partners_would_see_by_default_is_told_with_its_number_before_it_is_saved(
    session, signed_in, ada, mara, northwind
):
    for _ in range(3):
        make_lead(session, owner=mara)
    browser = signed_in(ada)
    data = {
        f"{thing}-{side}": level
        for thing in SUBJECTS
        for side, level in (("internal", "read_write"), ("external", "private"))
    }
    asked = browser.submit(DEFAULTS, {**data, "lead-external": "read"})
    assert asked.status_code == 200
    assert "3 leads" in page_words(asked)
    mark = re.search(r'name="confirmed" value="([^"]+)"', asked.text)
    assert mark
    assert get_organisation(session).defaults["lead"]["external"] == "private"
    wider = {**data, "lead-external": "read_write", "confirmed": mark[1]}
    assert "3 leads, and could change them" in page_words(browser.submit(DEFAULTS, wider))
    assert get_organisation(session).defaults["lead"]["external"] == "private"
    agreed = {**data, "lead-external": "read", "confirmed": mark[1]}
    assert browser.submit(DEFAULTS, agreed).status_code == 303
    assert get_organisation(session).defaults["lead"]["external"] == "read"
    # Less than now is nothing to be asked about.
    assert browser.submit(DEFAULTS, data).status_code == 303


def test_without_partner_management_partners_have_nothing_by_default(session, signed_in, ada):
    browser = signed_in(ada)
    page = browser.get(DEFAULTS).text
    assert page.count("disabled") == 7
    assert "until partner management is switched on" in page
    data = {f"{thing}-internal": "read" for thing in SUBJECTS}
    assert browser.submit(DEFAULTS, {**data, "lead-external": "read"}).status_code == 303
    assert get_organisation(session).defaults["lead"] == {"internal": "read", "external": "private"}
