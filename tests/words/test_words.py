"""What objects and fields are called: renamed in setup, followed everywhere, and given back."""

import pytest

pytestmark = pytest.mark.databases("sqlite")

LEAD = {
    "en-one": "Enquiry", "en-many": "enquiries", "es-one": "consulta", "es-many": "consultas", "es-gender": "f",
    "ca-one": "consulta", "ca-many": "consultes", "ca-gender": "f", "en-company-label": "Organisation",
}  # fmt: skip


def test_words(signed_in, session, ada):
    browser = signed_in(ada)
    page = browser.get("/setup/words").get_data(as_text=True)
    assert "/setup/words/lead" in page
    first = browser.get("/leads/new").get_data(as_text=True)
    form = browser.get("/setup/words/lead").get_data(as_text=True)
    tried = browser.submit("/setup/words/lead", {**LEAD, "version": "1", "act": "try"}).get_data(as_text=True)
    print(tried)
    done = browser.submit("/setup/words/lead", {**LEAD, "version": "1"})
    assert done.status_code == 303, done.get_data(as_text=True)
    page = browser.get("/leads/new").get_data(as_text=True)
    assert "enquiry" in page
    assert "Organisation" in page
    assert "Company" not in page
