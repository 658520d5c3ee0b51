"""Roles that must have a second factor: led to set one up right after signing in, and to nothing else before."""

import re

import pytest

from app.identity.models import UserSession
from app.identity.queries import get_organisation
from app.identity.required_factor import required_roles
from app.kernel import clock
from app.kernel.actor import INTERNAL_ROLES, Role
from tests.access_table import ROUTES
from tests.factories import PASSWORD, row_count, rows
from tests.identity.second_factors import code_for, code_of, give_code, give_factor, give_password
from tests.identity.test_second_factor import CODE, PAGE, offer_in
from tests.people import ApiClient, Client, make_token, sign_in

# The ways of leaving, and of setting one up.
OPEN = {"second_factor.show", "second_factor.start", "second_factor.confirm", "identity.sign_out"}


@pytest.fixture
def strict(app, session, worlds):
    """The application as it is without a setting: internal roles must have one."""
    return worlds.another(app, second_factor_roles=None)


@pytest.fixture
def browse(strict):
    return lambda: Client(strict, use_cookies=True)


def test_after_signing_in_it_is_set_up_and_then_one_goes_on(browse, session, mara):
    browser = browse()
    answer = browser.submit("/sign-in?next=/leads", {"email": mara.email, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/leads")
    led = browser.get("/leads")
    assert (led.status_code, led.location) == (303, f"{PAGE}?next=/leads")
    page = browser.get(led.location).text
    assert "Your role needs one." in page
    assert "side-list" not in page, "no navigation before"
    secret, offer = offer_in(page)  # the password was given a moment ago
    data = {"offer": offer, "code": code_for(secret), "csrf_token": browser.csrf(led.location)}
    done = browser.post(f"{PAGE}/confirm?next=/leads", data=data)
    assert len(CODE.findall(done.text)) == 10
    assert 'href="/leads"' in done.text
    assert browser.get("/leads").status_code == 200
    assert row_count(session, UserSession) == 1


def test_later_on_the_password_is_asked_for_again(browse, session, mara):
    browser = browse()
    sign_in(browser, mara)
    row = session.query(UserSession).one()
    row.created_at = clock.now().replace(year=clock.now().year - 1)
    row.last_seen_at = clock.now()
    page = browser.get(PAGE).text
    assert 'name="current_password"' in page
    assert '<svg class="qr"' not in page


def test_nothing_else_can_be_reached_before(browse, strict, session, mara):
    browser = browse()
    sign_in(browser, mara)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(PAGE).text).group(1)
    reached = []
    for rule in strict.url_map.iter_rules():
        if rule.endpoint in OPEN or rule.endpoint.startswith(("static", "health", "api.", "capture.")):
            continue
        url = re.sub(r"<ref\('(\w+)'\):\w+>", lambda found: f"{found.group(1)}_{'0' * 22}", rule.rule)
        url = re.sub(r"<[^>]+>", "x", url)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            answer = browser.open(url, method=method, headers={"X-CSRFToken": token})
            if answer.status_code != 303 or not answer.location.startswith(PAGE):
                reached.append(f"{method} {url} ({rule.endpoint}): {answer.status_code} {answer.location}")
    assert reached == []
    assert browser.get("/no/such/page").location.startswith(PAGE)
    assert browser.get("/api/v1/docs").status_code == 403
    assert browser.get("/api/v1/openapi.json").status_code == 403
    fragment = browser.get("/leads", headers={"HX-Request": "true"})
    assert fragment.status_code in (303, 403)
    assert browser.get("/static/css/base.css").status_code == 200


def test_a_form_without_a_fault_of_ours_shows_no_page_of_the_frame(browse, session, mara):
    browser = browse()
    sign_in(browser, mara)
    refused = browser.post(f"{PAGE}/confirm", data={"offer": "x", "code": "1"})
    assert refused.status_code == 400
    assert "side-list" not in refused.text


def test_signing_out_works(browse, session, mara):
    browser = browse()
    sign_in(browser, mara)
    assert browser.submit("/sign-out", page=PAGE).location == "/sign-in"
    assert rows(session, UserSession)[0].ended_at is not None


def test_tokens_of_the_api_are_not_asked(strict, session, mara):
    assert ApiClient(strict, make_token(mara)).get("/leads").status_code == 200


def test_who_has_one_goes_straight_on(browse, session, mara):
    give_factor(session, mara)
    browser = browse()
    give_password(browser, mara)
    assert give_code(browser, code_of(mara)).location == "/"
    assert browser.get("/leads").status_code == 200


def test_partner_people_are_not_asked_unless_the_setting_names_them(app, browse, session, worlds, pia):
    browser = browse()
    sign_in(browser, pia)
    assert browser.get("/leads").status_code == 200
    asked = Client(worlds.another(app, second_factor_roles="user, manager"), use_cookies=True)
    sign_in(asked, pia)
    assert asked.get("/leads").location.startswith(PAGE)


def test_it_can_be_replaced_but_not_turned_off(browse, session, mara):
    codes = give_factor(session, mara)
    browser = browse()
    sign_in(browser, mara)
    page = browser.get("/profile").text
    assert "not turn it off" in page
    assert f"{PAGE}/turn-off" not in page
    assert browser.get(f"{PAGE}/turn-off").status_code == 409
    data = {"current_password": PASSWORD, "code": codes[0], "csrf_token": browser.csrf("/profile")}
    assert browser.post(f"{PAGE}/turn-off", data=data).status_code == 409
    assert mara.has_second_factor
    assert (
        browser.submit(f"{PAGE}/codes", {"current_password": PASSWORD, "code": codes[0]}).status_code == 200
    )


def test_a_change_of_role_counts_on_the_next_request(app, session, worlds, mara):
    browser = Client(worlds.another(app, second_factor_roles="administrator"), use_cookies=True)
    sign_in(browser, mara)
    assert browser.get("/leads").status_code == 200
    mara.role = Role.ADMINISTRATOR
    assert browser.get("/leads").location.startswith(PAGE)


def test_whoever_was_reset_sets_up_another(browse, strict, session, mara, ada):
    give_factor(session, mara)
    give_factor(session, ada)
    administrator = browse()
    sign_in(administrator, ada)
    administrator.submit(f"/setup/users/{mara.ref}/second-factor/reset", page=f"/setup/users/{mara.ref}")
    browser = browse()
    assert give_password(browser, mara).location == "/"
    assert browser.get("/").location.startswith(PAGE)


def test_without_a_setting_internal_roles_must_and_the_demo_nobody(app, strict, session):
    with strict.app_context():
        organisation = get_organisation(session)
        assert required_roles(organisation) == set(INTERNAL_ROLES)
        organisation.is_demo = True
        assert required_roles(organisation) == set()


def test_a_setting_counts_in_the_demo_too(app, session, worlds):
    organisation = get_organisation(session)
    organisation.is_demo = True
    session.commit()
    with worlds.another(app, second_factor_roles="administrator").app_context():
        assert required_roles(organisation) == {Role.ADMINISTRATOR}
    with worlds.another(app, second_factor_roles="").app_context():
        organisation.is_demo = False
        assert required_roles(organisation) == set()
        session.rollback()


def test_the_open_routes_are_there():
    assert set(ROUTES) >= OPEN
