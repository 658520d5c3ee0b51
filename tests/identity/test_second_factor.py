"""The second factor on the profile: set up, replaced, turned off, its recovery codes; reset by an administrator."""

import re

import pytest
import time_machine

from app.events.models import Event
from app.identity.models import RecoveryCode, UserState
from app.kernel import clock
from tests.factories import PASSWORD, row_count, rows
from tests.identity.letters import mailed
from tests.identity.second_factors import code_for, code_of, give_code, give_factor, give_password, wrong_code

PAGE = "/profile/second-factor"
CODE = re.compile(r"<code>([a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4})</code>")


def prove(browser, user, path="", *, password=PASSWORD, code=None):
    data = {"current_password": password}
    if code is not None:
        data["code"] = code
    return browser.submit(PAGE + path, data)


def offer_in(page):
    """Secret and signed offer of the page that shows the picture."""
    secret = re.search(r'data-copy="([A-Z2-7 ]{39})"', page).group(1)
    offer = re.search(r'name="offer"[^>]*value="([^"]+)"', page).group(1)
    return secret, offer


def confirm(browser, offer, code):
    return browser.submit(f"{PAGE}/confirm", {"offer": offer, "code": code}, page=PAGE)


def set_up(browser, user):
    """Set it up as a person does; the secret and the recovery codes."""
    secret, offer = offer_in(prove(browser, user).text)
    answer = confirm(browser, offer, code_for(secret))
    assert answer.status_code == 200, answer.text
    return secret, CODE.findall(answer.text)


def verbs(session):
    return [event.verb for event in rows(session, Event)]


def test_setting_it_up_from_the_profile_to_the_next_sign_in(signed_in, new_client, session, mara):
    browser = signed_in(mara)
    assert "Your password alone signs you in." in browser.get("/profile").text
    secret, codes = set_up(browser, mara)
    assert mara.has_second_factor
    assert len(set(codes)) == 10
    assert verbs(session) == ["second_factor_set_up"]
    assert mailed(session, mara) == [("second_factor", mara.email, "due")]
    assert "10 left" in browser.get("/profile").text
    other = new_client()
    assert give_password(other, mara).location == "/sign-in/code"
    assert give_code(other, code_for(secret)).status_code == 422, "the code that confirmed it is used up"
    assert give_code(other, code_for(secret, steps=1)).status_code == 303
    third = new_client()
    give_password(third, mara)
    assert give_code(third, codes[0]).status_code == 303


def test_the_picture_holds_the_same_secret(signed_in, session, mara):
    from app.identity.authenticator import picture_of, setup_address

    page = prove(signed_in(mara), mara).text
    secret, _offer = offer_in(page)
    address = setup_address(secret.replace(" ", ""), email=mara.email, vendor="Canal")
    assert address.startswith("otpauth://totp/Canal:mara%40vendor.example?secret=")
    assert picture_of(address).path in page
    assert "style=" not in page


def test_the_password_is_asked_for(signed_in, session, mara):
    browser = signed_in(mara)
    page = browser.get(PAGE).text
    assert '<svg class="qr"' not in page
    answer = prove(browser, mara, password="not my password")
    assert answer.status_code == 422
    assert '<svg class="qr"' not in answer.text
    assert prove(browser, mara, password="").status_code == 422


@pytest.mark.parametrize("typed", ["", "abcdef", "12345", "aaaa-bbbb-cccc"])
def test_nothing_is_set_up_without_a_right_code(signed_in, session, mara, typed):
    browser = signed_in(mara)
    secret, offer = offer_in(prove(browser, mara).text)
    answer = confirm(browser, offer, typed)
    assert answer.status_code == 422
    assert offer_in(answer.text)[0] == secret, "the same secret again, for the one who mistyped"
    assert not mara.has_second_factor
    assert row_count(session, RecoveryCode) == 0
    assert confirm(browser, offer_in(answer.text)[1], code_for(secret)).status_code == 200


def test_an_offer_is_for_its_own_session_and_not_for_long(signed_in, session, mara, ada):
    browser = signed_in(mara)
    secret, offer = offer_in(prove(browser, mara).text)
    for other in (signed_in(mara), signed_in(ada)):
        assert confirm(other, offer, code_for(secret)).status_code == 409
    assert confirm(browser, offer + "x", code_for(secret)).status_code == 409
    assert confirm(browser, "", code_for(secret)).status_code == 409
    with time_machine.travel(clock.now().timestamp() + 31 * 60):
        assert confirm(browser, offer, code_for(secret)).status_code == 409
    assert not mara.has_second_factor


def test_an_offer_from_before_another_was_set_up_is_gone(signed_in, session, mara):
    browser = signed_in(mara)
    secret, offer = offer_in(prove(browser, mara).text)
    set_up(browser, mara)
    assert confirm(browser, offer, code_for(secret, steps=1)).status_code == 409


def test_replacing_asks_for_a_code_and_ends_the_old_one_only_then(signed_in, new_client, session, mara):
    browser = signed_in(mara)
    codes = give_factor(session, mara)
    old = code_of(mara, steps=1)
    assert prove(browser, mara, code=wrong_code(mara)).status_code == 422
    secret, offer = offer_in(prove(browser, mara, code=code_of(mara)).text)
    other = new_client()
    give_password(other, mara)
    assert give_code(other, old).status_code == 303, "the old one works until the new one gave a code"
    answer = confirm(browser, offer, code_for(secret))
    fresh = CODE.findall(answer.text)
    assert not set(fresh) & set(codes)
    third = new_client()
    give_password(third, mara)
    for gone in (codes[5], old):
        assert give_code(third, gone).status_code == 422
    assert give_code(third, fresh[0]).status_code == 303


def test_turning_it_off_asks_for_password_and_code(signed_in, new_client, session, mara):
    browser = signed_in(mara)
    give_factor(session, mara)
    assert prove(browser, mara, "/turn-off", code=wrong_code(mara)).status_code == 422
    assert prove(browser, mara, "/turn-off", password="wrong one", code=code_of(mara)).status_code == 422
    assert mara.has_second_factor
    answer = prove(browser, mara, "/turn-off", code=code_of(mara))
    assert (answer.status_code, answer.location) == (303, "/profile#second-factor")
    assert not mara.has_second_factor
    assert mara.second_factor_nonce is None
    assert row_count(session, RecoveryCode) == 0
    assert verbs(session) == ["second_factor_failed", "second_factor_turned_off"]
    assert give_password(new_client(), mara).location == "/"


def test_a_recovery_code_turns_it_off_too(signed_in, session, mara):
    browser = signed_in(mara)
    codes = give_factor(session, mara)
    assert prove(browser, mara, "/turn-off", code=codes[0]).status_code == 303
    assert verbs(session) == ["recovery_code_used", "second_factor_turned_off"]


@pytest.mark.parametrize("path", ["/turn-off", "/codes"])
def test_without_one_there_is_nothing_to_turn_off_or_renew(signed_in, mara, path):
    browser = signed_in(mara)
    assert browser.get(PAGE + path).status_code == 409
    assert browser.submit(PAGE + path, {"current_password": PASSWORD}, page="/profile").status_code == 409


def test_new_recovery_codes_take_the_place_of_all_old_ones(signed_in, new_client, session, mara):
    browser = signed_in(mara)
    old = give_factor(session, mara)
    assert prove(browser, mara, "/codes", code=wrong_code(mara)).status_code == 422
    fresh = CODE.findall(prove(browser, mara, "/codes", code=code_of(mara)).text)
    assert len(set(fresh)) == 10
    assert verbs(session)[-1] == "recovery_codes_renewed"
    other = new_client()
    give_password(other, mara)
    assert give_code(other, old[0]).status_code == 422
    assert give_code(other, fresh[9]).status_code == 303


def test_the_codes_are_shown_this_once(signed_in, session, mara):
    browser = signed_in(mara)
    _secret, codes = set_up(browser, mara)
    for path in ("/profile", PAGE, f"{PAGE}/codes", "/profile"):
        page = browser.get(path).text
        assert not [code for code in codes if code in page]


def test_everybody_may_have_one(signed_in, new_client, session, pia):
    secret, _codes = set_up(signed_in(pia), pia)
    browser = new_client()
    assert give_password(browser, pia).location == "/sign-in/code"
    assert give_code(browser, code_for(secret, steps=1)).status_code == 303


def test_the_database_and_another_key_open_nothing(app, client, session, mara):
    codes = give_factor(session, mara)
    code = code_of(mara)
    app.config["SECRET_KEY"], kept = "another key altogether, as long", app.config["SECRET_KEY"]
    try:
        give_password(client, mara)
        assert give_code(client, code).status_code == 422
        assert give_code(client, codes[0]).status_code == 422
    finally:
        app.config["SECRET_KEY"] = kept


# Reset by an administrator


def reset(browser, user):
    return browser.submit(f"/setup/users/{user.ref}/second-factor/reset", page=f"/setup/users/{user.ref}")


def test_an_administrator_resets_it_and_ends_the_sessions(signed_in, new_client, api, session, ada, pia):
    theirs, browser = signed_in(pia), signed_in(ada)
    give_factor(session, pia)
    program = api(pia)
    page = browser.get(f"/setup/users/{pia.ref}").text
    assert "10 recovery codes left" in page
    assert browser.get(f"/setup/users/{pia.ref}/second-factor/reset").status_code == 200
    assert reset(browser, pia).status_code == 303
    assert not pia.has_second_factor
    assert row_count(session, RecoveryCode) == 0
    assert theirs.get("/profile").status_code == 303
    assert give_password(new_client(), pia).location == "/"
    [event] = [e for e in rows(session, Event) if e.verb == "second_factor_reset"]
    assert (event.record_ref, event.actor_id) == (pia.ref, ada.id)
    assert ("second_factor", pia.email, "due") in mailed(session, pia)
    assert program.get("/leads").status_code == 200, "tokens go on"
    assert reset(browser, pia).status_code == 409


def test_a_wait_for_a_code_ends_with_a_reset(signed_in, client, session, ada, mara):
    give_factor(session, mara)
    give_password(client, mara)
    reset(signed_in(ada), mara)
    assert client.get("/sign-in/code").status_code == 410


def test_nobody_resets_their_own_or_without_the_permission(signed_in, session, ada, mara, pia):
    give_factor(session, ada)
    give_factor(session, pia)
    assert reset(signed_in(ada), ada).status_code == 409
    assert reset(signed_in(mara), pia).status_code == 403
    assert reset(signed_in(pia), pia).status_code == 403
    assert ada.has_second_factor
    assert pia.has_second_factor


def test_a_command_resets_it_for_whoever_sits_at_the_machine(app, session, ada):
    give_factor(session, ada)
    run = app.test_cli_runner().invoke
    assert run(args=["user", "reset-second-factor", "nobody@vendor.example"]).exit_code == 1
    session.commit()
    done = run(args=["user", "reset-second-factor", "ADA@vendor.example"])
    assert done.exit_code == 0, done.output
    session.expire_all()
    assert not ada.has_second_factor
    assert run(args=["user", "reset-second-factor", ada.email]).exit_code == 1


def test_whoever_comes_back_after_a_deactivation_still_has_it(new_client, session, mara):
    give_factor(session, mara)
    mara.state = UserState.DEACTIVATED
    session.commit()
    mara.state = UserState.ACTIVE
    session.commit()
    assert give_password(new_client(), mara).location == "/sign-in/code"
