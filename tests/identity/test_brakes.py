"""How often sign-in and the public forms may be tried, and that the brakes lock nobody else out."""

from datetime import timedelta

import pytest

from app.identity.models import UserSession
from app.partners.models import MayInvite
from app.web.limits import limiter
from tests.factories import PASSWORD, make_user, row_count
from tests.identity.second_factors import code_of, give_factor, give_password, wrong_code
from tests.people import ApiClient, Client, make_token, sign_in

WRONG = "not the password at all"


@pytest.fixture
def strict(app, session, worlds):
    """The application with its limits on, on the same database."""
    other = worlds.another(app, rate_limits=True)
    limiter.reset()
    yield other
    limiter.reset()


@pytest.fixture
def browse(strict):
    """`browse(address)`: a browser at that address."""

    def start(address="192.0.2.1", **more):
        client = Client(strict, use_cookies=True)
        client.environ_base = {**client.environ_base, "REMOTE_ADDR": address, **more}
        return client

    return start


def try_sign_in(browser, email, password=WRONG):
    return browser.submit("/sign-in", {"email": email, "password": password})


def test_the_eleventh_try_for_an_account_has_to_wait(browse, session, mara):
    for number in range(10):
        assert try_sign_in(browse(f"192.0.2.{number}"), mara.email).status_code == 422
    late = try_sign_in(browse("192.0.2.99"), mara.email)
    assert late.status_code == 429
    assert 0 < int(late.headers["Retry-After"]) <= 300
    right = try_sign_in(browse("192.0.2.98"), " MARA@vendor.example", PASSWORD)
    assert right.status_code == 429
    assert row_count(session, UserSession) == 0


def test_the_eleventh_try_from_an_address_has_to_wait_whoever_it_is_for(browse, session, mara):
    for number in range(10):
        assert try_sign_in(browse(), f"nobody{number}@vendor.example").status_code == 422
    assert try_sign_in(browse(), mara.email, PASSWORD).status_code == 429
    assert try_sign_in(browse("192.0.2.7"), mara.email, PASSWORD).status_code == 303


def test_an_unknown_account_is_braked_alike(browse, session):
    for number in range(10):
        try_sign_in(browse(f"192.0.2.{number}"), "nobody@vendor.example")
    assert try_sign_in(browse("192.0.2.99"), "nobody@vendor.example").status_code == 429


def test_strangers_who_guess_do_not_lock_out_a_browser_that_is_known(browse, session, mara):
    home = browse("192.0.2.200")
    assert try_sign_in(home, mara.email, PASSWORD).status_code == 303
    home.submit("/sign-out", page="/profile")
    for number in range(30):
        try_sign_in(browse(f"192.0.2.{number}"), mara.email)
    assert try_sign_in(browse("192.0.2.99"), mara.email, PASSWORD).status_code == 429
    assert try_sign_in(home, mara.email, PASSWORD).status_code == 303


def test_a_known_browser_has_limits_too_and_only_for_its_own_account(browse, session, mara):
    other = make_user(session, "Ona")
    home = browse("192.0.2.200")
    try_sign_in(home, other.email, PASSWORD)
    home.submit("/sign-out", page="/profile")
    for number in range(10):
        try_sign_in(browse(f"192.0.2.{number}"), mara.email)
    assert try_sign_in(home, mara.email, PASSWORD).status_code == 429
    answers = [try_sign_in(home, other.email).status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2


@pytest.mark.parametrize("cookie", ["made-up", "WyJhIiwiYiJd.x.y", ""])
def test_a_made_up_device_cookie_counts_for_nothing(browse, session, mara, cookie):
    for _ in range(10):
        browser = browse()
        browser.set_cookie("canal_device", cookie)
        try_sign_in(browser, mara.email)
    late = browse()
    late.set_cookie("canal_device", cookie)
    assert try_sign_in(late, mara.email).status_code == 429


def test_a_forged_forwarding_header_is_not_believed(browse, session):
    for number in range(10):
        browser = browse(HTTP_X_FORWARDED_FOR=f"203.0.113.{number}", HTTP_X_REAL_IP=f"203.0.113.{number}")
        try_sign_in(browser, f"nobody{number}@vendor.example")
    late = browse(HTTP_X_FORWARDED_FOR="203.0.113.99")
    assert try_sign_in(late, "nobody@vendor.example").status_code == 429


def test_nobodys_mailbox_is_filled(browse, session, mara):
    from app.identity.models import OneTimeLink

    answers = [
        browse(f"192.0.2.{n}").submit("/forgot-password", {"email": mara.email}).status_code for n in range(7)
    ]
    assert answers == [303] * 5 + [429] * 2
    assert row_count(session, OneTimeLink) == 5
    unknown = [
        browse(f"192.0.2.{n}").submit("/forgot-password", {"email": "nobody@vendor.example"}).status_code
        for n in range(7)
    ]
    assert unknown == answers


def test_the_forms_of_strangers_are_braked_by_address(browse):
    browser = browse()
    answers = [browser.get(f"/welcome/guess-{number}").status_code for number in range(22)]
    assert answers.count(410) == 20
    assert answers[-2:] == [429, 429]
    assert browse("192.0.2.9").get("/welcome/guess").status_code == 410


def test_the_old_password_is_not_guessed_through_the_profile(browse, session, mara):
    browser = browse()
    try_sign_in(browser, mara.email, PASSWORD)
    data = {
        "current_password": WRONG,
        "password": "winds turn at dawn",
        "password_again": "winds turn at dawn",
    }
    answers = [browser.submit("/profile/password", data, page="/profile").status_code for _ in range(12)]
    assert answers == [422] * 10 + [429] * 2


# Codes of a second factor


def step_of(browser, user):
    """The password is given; the form's token for as many codes as wanted."""
    assert give_password(browser, user).location == "/sign-in/code"
    return browser.csrf("/sign-in/code")


def try_code(browser, token, code):
    return browser.post("/sign-in/code", data={"code": code, "csrf_token": token}).status_code


def test_codes_are_not_guessed_however_often_one_begins_again(browse, session, mara):
    give_factor(session, mara)
    answers = []
    for number in range(4):
        browser = browse(f"192.0.2.{number}")
        token = step_of(browser, mara)
        answers += [try_code(browser, token, wrong_code(mara)) for _ in range(4)]
    assert answers == [422] * 10 + [429] * 6
    late = browse("192.0.2.99")
    assert try_code(late, step_of(late, mara), code_of(mara)) == 429


def test_codes_from_one_address_have_to_wait_whoever_they_are_for(browse, session, mara):
    people = [make_user(session) for _ in range(4)]
    for user in (*people, mara):
        give_factor(session, user)
    answers = []
    for user in people:
        browser = browse()
        token = step_of(browser, user)
        answers += [try_code(browser, token, wrong_code(user)) for _ in range(3)]
    assert answers == [422] * 10 + [429] * 2
    elsewhere = browse("192.0.2.7")
    assert try_code(elsewhere, step_of(elsewhere, mara), code_of(mara)) == 303


def test_whoever_knows_the_password_does_not_lock_out_a_browser_that_is_known(browse, session, mara):
    give_factor(session, mara)
    home = browse("192.0.2.200")
    assert try_code(home, step_of(home, mara), code_of(mara)) == 303
    home.submit("/sign-out", page="/profile")
    for number in range(4):
        thief = browse(f"192.0.2.{number}")
        token = step_of(thief, mara)
        for _ in range(5):
            try_code(thief, token, wrong_code(mara))
    late = browse("192.0.2.99")
    assert try_code(late, step_of(late, mara), code_of(mara, steps=1)) == 429
    assert try_code(home, step_of(home, mara), code_of(mara, steps=1)) == 303


def test_whoever_knows_an_old_password_uses_up_nothing_of_the_new_one(browse, session, mara):
    give_factor(session, mara)
    for number in range(3):
        thief = browse(f"192.0.2.{number}")
        token = step_of(thief, mara)
        for _ in range(5):
            try_code(thief, token, wrong_code(mara))
    mara.password_changed_at += timedelta(seconds=5)
    session.commit()
    new_place = browse("192.0.2.99")
    assert try_code(new_place, step_of(new_place, mara), code_of(mara)) == 303


def test_strangers_without_the_password_use_up_no_codes(browse, session, mara):
    give_factor(session, mara)
    home = browse("192.0.2.200")
    token = step_of(home, mara)
    for number in range(12):
        stranger = browse(f"192.0.2.{number}")
        try_sign_in(stranger, mara.email)
        assert try_code(stranger, stranger.csrf("/sign-in"), wrong_code(mara)) == 410
    assert try_code(home, token, code_of(mara)) == 303


def test_password_and_code_are_not_guessed_through_the_profile(browse, session, mara):
    give_factor(session, mara)
    browser = browse()
    assert try_code(browser, step_of(browser, mara), code_of(mara)) == 303
    page = "/profile/second-factor"
    data = {"current_password": PASSWORD, "code": wrong_code(mara)}
    answers = [
        browser.submit(page + path, data, page=page).status_code for path in ("/turn-off", "/codes", "") * 4
    ]
    assert answers == [422] * 10 + [429] * 2


def test_with_the_setting_off_nothing_is_braked(client, session, mara):
    assert {try_sign_in(client, mara.email).status_code for _ in range(12)} == {422}


def test_a_partners_leader_invites_thirty_an_hour_through_all_doors(
    strict, session, pam, pex, northwind, ada
):
    northwind.may_invite = MayInvite.MANAGER
    session.commit()

    def invite(user, number, role="user"):
        body = {"email": f"n{number}@many.example", "name": f"N {number}", "role": role}
        return ApiClient(strict, make_token(user)).post("/users", body).status_code

    browser = Client(strict, use_cookies=True)
    sign_in(browser, pam)
    given = {"email": "first@many.example", "name": "First", "role": "user", "language": "en"}
    assert browser.submit("/team/invite", given).status_code == 303
    assert [invite(pam, number) for number in range(30)] == [201] * 29 + [429]
    assert browser.submit("/team/invite", {**given, "email": "last@many.example"}).status_code == 429
    assert invite(pex, 100) == 201, "the others are not kept waiting"
    assert [invite(ada, 200 + number, "sales") for number in range(35)] == [201] * 35
