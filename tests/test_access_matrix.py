"""Every route, asked for by every role: answered 401, 403 or a way to the sign-in page exactly where it should be.

Who may call a route asks for records that do not exist, and gets a 404 or a refused form.  Who may not asks
for records that exist: the API says 404 before it says 403, so that only a record one sees shows the 403.
"""

import re
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.identity.models import User
from app.identity.queries import find_actor
from app.identity.roles import PERMISSIONS
from app.kernel import clock
from app.kernel.actor import Permission, Role
from app.sharing.shares import share_record
from app.web.access import access_of
from tests.access_table import PUBLIC, REFUSED_INSIDE, ROLES, ROUTES
from tests.factories import make_account, make_case, make_contact, make_lead, make_partner, make_user
from tests.people import ApiClient, Client, make_token, sign_in

pytestmark = pytest.mark.databases("sqlite")  # roles are no matter of the database

VALUES = {"path": "css/base.css", "uuid": "0" * 32}


def routes(app: Flask, records: Mapping[str, str] | None = None) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, address) of everything that can be asked for.  records: kind → one that exists."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule.endpoint, method, _address(rule, records or {})


def _address(rule: Rule, records: Mapping[str, str]) -> str:
    """The rule with names of records filled in."""

    def value(name: str) -> str:
        converter = rule._converters[name]
        kind = getattr(converter, "kind", None)
        if kind is not None:
            return f"{kind}_{'0' * 22}"
        if type(converter).__name__ == "AnyConverter":
            return str(sorted(converter.items)[0])
        if type(converter).__name__ == "IntegerConverter":
            return "1"
        if name.endswith("_id"):
            kind = name.removesuffix("_id")
            return records.get(kind, f"{kind}_{'0' * 22}")
        return VALUES.get(type(converter).__name__.removesuffix("Converter").lower(), "x")

    return re.sub(r"<(?:[^<>]*:)?([a-z_]+)>", lambda found: value(found.group(1)), rule.rule)


def test_every_route_has_a_row_and_no_row_is_left_over(app):
    present = {rule.endpoint: access_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    missing = [
        f'    "{e}": {"PUBLIC" if a == PUBLIC else f"P.{Permission(a).name}"},'
        for e, a in sorted(present.items())
        if e not in ROUTES
    ]
    assert not missing, "tests/access_table.py misses:\n" + "\n".join(missing)
    assert sorted(set(ROUTES) - set(present)) == [], "tests/access_table.py has rows of routes that are gone"


def test_every_route_asks_for_what_the_table_says(app):
    wrong = {e: access_of(app, e) for e, expected in ROUTES.items() if access_of(app, e) != expected}
    assert wrong == {}


def test_every_role_has_the_permissions_that_the_table_says(app):
    assert set(ROLES) == set(Permission), "tests/access_table.py misses permissions"
    for role in Role:
        assert PERMISSIONS[role] == {p for p, roles in ROLES.items() if role in roles}, role


@pytest.fixture(autouse=True)
def bugs_are_pages(app, monkeypatch):
    """A fault in one route is told with the rest instead of ending the round."""
    monkeypatch.setitem(app.config, "PROPAGATE_BUGS", False)


@pytest.fixture
def person(session):
    """`person(role)`: somebody with that role."""

    def make(role: Role):
        partner = make_partner(session, f"Company of a {role.value}") if role.is_partner else None
        return make_user(session, role=role, partner=partner)

    return make


class Caller:
    """Somebody, or nobody, who asks for pages with a browser and for the API with a token."""

    def __init__(self, app: Flask, user: User | None) -> None:
        self.app = app
        self.user = user
        self.token = make_token(user) if user else "no-token"
        self.begin()

    def begin(self) -> None:
        """With a new browser: signing out, for one, ends what the old one had."""
        self.browser = Client(self.app, use_cookies=True)
        if self.user is not None:
            sign_in(self.browser, self.user)
        self.form_token = self.browser.csrf("/profile")

    def ask(self, method: str, url: str) -> TestResponse:
        if url.startswith("/api/"):
            return ApiClient(self.app, self.token).request(method, url, json=None if method == "GET" else {})
        if method == "GET":
            return self.browser.get(url)
        return self.browser.open(url, method=method, headers={"X-CSRFToken": self.form_token}, data={})


def _records_of(session: Session, user: User) -> dict[str, str]:
    """Records that the person sees: a lead of their own; internal people an account and a contact too."""
    records = {"lead": make_lead(session, owner=user).ref}
    if not user.is_partner:
        account = make_account(session, owner=user)
        records |= {"account": account.ref, "contact": make_contact(session, account=account).ref}
        records["case"] = make_case(session, account=account, owner=user).ref
    _share_more(session, user)
    session.commit()
    return records


def _share_more(session: Session, user: User) -> None:
    """One of each is shared with the person, so that every page is asked what it shows of such records."""
    ada = find_actor(session, make_user(session, role=Role.ADMINISTRATOR).id, door="web")
    assert ada is not None
    account = make_account(session)
    for record in (make_lead(session), account, make_contact(session, account=account), make_case(session)):
        share_record(session, ada, record, {"type": "user", "id": user.ref}, "edit", now=clock.now())


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gets_what_it_may_and_a_403_for_the_rest(app, session, person, role):
    caller = Caller(app, person(role))
    records = _records_of(session, caller.user)
    wrong = []
    absent = list(routes(app))
    for (endpoint, method, url), (_, _, existing) in zip(absent, routes(app, records), strict=True):
        access = ROUTES.get(endpoint)
        if access is None:
            continue  # said so above
        may = access == PUBLIC or role in ROLES[Permission(access)] - REFUSED_INSIDE.get(
            endpoint, frozenset()
        )
        url = url if may else existing
        answer = caller.ask(method, url)
        is_refused = answer.status_code in (401, 403) or "/sign-in" in (answer.location or "")
        if not may and answer.status_code == 404 and url.startswith("/api/"):
            is_refused = any("0" * 22 in part for part in url.split("/")) or not any(
                ref in url for ref in records.values()
            )
        if endpoint == "identity.sign_out":
            is_refused = answer.status_code != 303
            caller.begin()
        if is_refused == may or answer.status_code >= 500:
            wrong.append(f"{method} {url} ({endpoint}, {access}): {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_nobody_gets_anything_but_what_is_public(app, session):
    wrong = []
    nobody = Caller(app, None)
    for endpoint, method, url in routes(app):
        answer = nobody.ask(method, url)
        if endpoint == "identity.sign_out":
            nobody.begin()
        if ROUTES.get(endpoint) == PUBLIC:
            fits = answer.status_code not in (401, 403) and answer.status_code < 500
        elif url.startswith("/api/"):
            fits = answer.status_code == 401
        else:
            fits = answer.status_code == 303 and answer.location.startswith("/sign-in")
        if not fits:
            wrong.append(f"{method} {url} ({endpoint}): {answer.status_code} {answer.location or ''}")
    assert not wrong, "\n".join(wrong)


# Posted to from any site, by strangers: no session is looked at there, so that none can be misused.
FROM_ANY_SITE = frozenset({"capture.take"})


def test_every_change_asks_for_a_form_token(app, session, person):
    """A signed-in browser that is made to send a form by another site: refused before anything is looked at."""
    user = person(Role.ADMINISTRATOR)
    browser = Client(app, use_cookies=True)
    sign_in(browser, user)
    taken = [
        f"{method} {url}: {answer.status_code}"
        for endpoint, method, url in routes(app)
        if method != "GET" and not url.startswith("/api/") and endpoint not in FROM_ANY_SITE
        for answer in [browser.open(url, method=method, data={"csrf_token": "made up"})]
        if answer.status_code != 400
    ]
    assert taken == []


def test_a_cookie_alone_opens_no_part_of_the_api_that_changes_something(app, session, person):
    """The API's changes have no form tokens, so a browser's session must not be enough for them."""
    browser = Client(app, use_cookies=True)
    sign_in(browser, person(Role.ADMINISTRATOR))
    taken = [
        f"{method} {url}: {answer.status_code}"
        for _endpoint, method, url in routes(app)
        if method != "GET" and url.startswith("/api/")
        for answer in [browser.open(url, method=method, json={})]
        if answer.status_code != 401
    ]
    assert taken == []
