"""Every status has a page, a fragment for htmx and a problem document, and none of them a traceback."""

import functools
import sqlite3

import pytest
from sqlalchemy.exc import DataError
from werkzeug.exceptions import default_exceptions

from app.kernel import engines
from app.web.error_pages import TITLES

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def fail(app, monkeypatch):
    """`fail(endpoint, error)`: that view raises it from now on; bugs are answered as they are to users."""
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)
    monkeypatch.setitem(app.config, "TESTING", False)

    def start(endpoint, error):
        @functools.wraps(app.view_functions[endpoint])
        def view(**_):
            raise error

        monkeypatch.setitem(app.view_functions, endpoint, view)

    return start


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize("status", [status for status in TITLES if status in default_exceptions])
def test_every_status_has_a_page_a_fragment_and_a_problem(fail, signed_in, api, mara, status):
    browser = signed_in(mara)
    for endpoint in ("leads.index", "api.list_leads_seen"):
        fail(endpoint, default_exceptions[status]("the inner working"))
    page = browser.get("/leads")
    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert str(TITLES[status]) in page.text
    assert ("<nav" in page.text) is (status < 500)  # the frame asks the database
    fragment = browser.get("/leads", headers=FRAGMENT)
    assert fragment.status_code == status
    assert "<html" not in fragment.text
    assert len(fragment.text) < len(page.text) / 2
    problem = api(mara).get("/leads")
    assert (problem.status_code, problem.mimetype) == (status, "application/problem+json")
    assert problem.json["status"] == status
    for answer in (page, fragment, problem):
        assert "the inner working" not in answer.text
        assert "Traceback" not in answer.text


def test_a_bug_is_told_with_the_requests_number_and_nothing_else(fail, signed_in, api, mara):
    for endpoint in ("leads.index", "api.list_leads_seen"):
        fail(endpoint, ZeroDivisionError("secret of the inner working"))
    page = signed_in(mara).get("/leads")
    assert page.status_code == 500
    assert page.headers["X-Request-ID"] in page.text
    problem = api(mara).get("/leads")
    assert (problem.status_code, problem.mimetype) == (500, "application/problem+json")
    for answer in (page, problem):
        assert "secret" not in answer.text
        assert "ZeroDivision" not in answer.text


def test_what_cannot_be_stored_is_refused_as_not_valid(fail, signed_in, mara):
    fail("leads.index", DataError("INSERT", {}, Exception("NUL")))
    assert signed_in(mara).get("/leads").status_code == 422


@pytest.mark.databases("sqlite")
def test_a_locked_database_is_unavailable_and_nothing_is_done(app, signed_in, mara, monkeypatch):
    monkeypatch.setattr(engines, "SQLITE_WAIT_SECONDS", 0.2)
    browser = signed_in(mara)
    fields = {"last_name": "Puig", "csrf_token": browser.csrf("/leads/new")}
    file = app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")
    other = sqlite3.connect(file, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answer = browser.post("/leads", data=fields)
        assert browser.get("/leads").status_code == 200  # reading goes on
    finally:
        other.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Traceback" not in answer.text
    assert browser.post("/leads", data=fields).status_code == 303


@pytest.mark.databases("postgresql")
def test_a_database_that_is_gone_is_unavailable(app, worlds, monkeypatch):
    monkeypatch.setitem(app.config, "SQLALCHEMY_DATABASE_URI", "postgresql+psycopg://canal@127.0.0.1:1/canal")
    other = worlds.another(app)
    for path, kind in (("/sign-in", "text/html"), ("/api/v1/leads", "application/problem+json")):
        answer = other.test_client().get(path, headers={"Authorization": "Bearer x"})
        assert (answer.status_code, answer.mimetype) == (503, kind), path
        assert answer.headers["Retry-After"] == "5"
        assert "127.0.0.1:1" not in answer.text
