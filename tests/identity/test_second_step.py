"""Signing in with a second factor: no session before the code, each code once, no try too many."""

import pytest
import time_machine
from sqlalchemy import select

from app.events.models import Event
from app.identity.credentials import send_reset
from app.identity.models import SignInStep, UserSession, UserState
from app.identity.second_factor import read_code
from app.identity.second_step import pass_step
from app.identity.signing_in import Browser, check_credentials, sign_in
from app.identity.steps import LIFETIME, MOST_TRIES
from app.kernel import clock
from app.kernel.db import db, transaction
from app.partners.models import PartnerState
from tests.factories import PASSWORD, row_count, rows
from tests.identity.letters import last_link, mailed
from tests.identity.second_factors import (
    code_of,
    give_code,
    give_factor,
    give_password,
    token_in,
    wrong_code,
)
from tests.races import together

WRONG_TEXT = "This code is wrong, has run out or was used already"


@pytest.fixture
def codes(session, mara):
    """Mara has a second factor; her recovery codes."""
    return give_factor(session, mara)


def verbs(session):
    return [event.verb for event in rows(session, Event)]


def test_the_password_alone_opens_nothing(client, session, mara, codes):
    answer = give_password(client, mara)
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    assert token_in(client) is None
    assert row_count(session, UserSession) == 0
    assert client.get("/profile").location.startswith("/sign-in?")
    assert "canal_device" not in (answer.headers.get("Set-Cookie") or "")
    assert verbs(session) == []


def test_the_page_for_the_code_speaks_the_language_of_whose_password_it_was(client, session, mara, codes):
    mara.language = "ca"
    session.commit()
    english = {"Accept-Language": "en"}
    assert 'lang="en"' in client.get("/sign-in", headers=english).text
    refused = client.submit("/sign-in", {"email": mara.email, "password": "another one"}, headers=english)
    assert 'lang="en"' in refused.text
    give_password(client, mara, headers=english)
    assert 'lang="ca"' in client.get("/sign-in/code", headers=english).text
    assert 'lang="ca"' in give_code(client, wrong_code(mara), headers=english).text


def test_a_code_signs_in(client, session, mara, codes):
    before = mara.last_sign_in_at
    give_password(client, mara)
    answer = give_code(client, code_of(mara))
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.get("/profile").status_code == 200
    assert verbs(session) == ["signed_in"]
    assert mara.last_sign_in_at > before


def test_the_way_on_is_kept_and_stays_on_this_site(client, mara, codes):
    answer = client.submit("/sign-in?next=/leads", {"email": mara.email, "password": PASSWORD})
    assert answer.location == "/sign-in/code?next=/leads"
    page = client.get(answer.location).text
    assert "recovery=1&amp;next=/leads" in page or "next=/leads&amp;recovery=1" in page
    assert client.submit(answer.location, {"code": code_of(mara)}).location == "/leads"


def test_the_way_on_never_leaves_this_site(client, mara, codes):
    give_password(client, mara)
    token = client.csrf("/sign-in/code")
    data = {"code": code_of(mara), "csrf_token": token}
    assert client.post("/sign-in/code?next=//evil.example", data=data).location == "/"


@pytest.mark.parametrize("typed", ["{code} ", " {start} {end}"])
def test_blanks_in_a_code_are_nothing(client, mara, codes, typed):
    give_password(client, mara)
    code = code_of(mara)
    text = typed.format(code=code, start=code[:3], end=code[3:])
    assert give_code(client, text).status_code == 303


@pytest.mark.parametrize(
    "typed",
    ["", "   ", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00" * 6, "x" * 5000, "abcd-efgh-jkmn", "🙂" * 6],
)
def test_what_is_no_code_of_theirs_is_refused(client, session, mara, codes, typed):
    give_password(client, mara)
    answer = give_code(client, typed)
    assert answer.status_code == 422
    assert token_in(client) is None
    assert row_count(session, UserSession) == 0


def test_a_wrong_code_is_refused_and_on_record(client, session, mara, codes):
    give_password(client, mara)
    answer = give_code(client, wrong_code(mara))
    assert answer.status_code == 422
    assert WRONG_TEXT in answer.text
    [event] = rows(session, Event)
    assert (event.verb, event.record_ref, event.actor_id) == ("sign_in_failed", mara.ref, None)
    assert (event.detail["reason"], event.detail["address"]) == ("code", "127.0.0.1")
    assert give_code(client, code_of(mara)).status_code == 303


def test_a_code_is_taken_once(client, new_client, session, mara, codes):
    code = code_of(mara)
    give_password(client, mara)
    assert give_code(client, code).status_code == 303
    other = new_client()
    give_password(other, mara)
    answer = give_code(other, code)
    assert answer.status_code == 422
    assert WRONG_TEXT in answer.text
    assert give_code(other, code_of(mara, steps=1)).status_code == 303


def test_no_older_code_is_taken_after_a_newer_one(client, new_client, session, mara, codes):
    give_password(client, mara)
    assert give_code(client, code_of(mara, steps=1)).status_code == 303
    other = new_client()
    give_password(other, mara)
    assert give_code(other, code_of(mara)).status_code == 422
    assert give_code(other, code_of(mara, steps=-1)).status_code == 422


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
def test_clocks_may_differ_by_one_step(client, session, mara, codes, steps, status):
    with time_machine.travel(clock.now(), tick=False):
        give_password(client, mara)
        assert give_code(client, code_of(mara, steps=steps)).status_code == status


@pytest.mark.race
def test_of_two_with_the_same_code_one_gets_in(app, session, mara):
    give_factor(session, mara)
    code = code_of(mara)
    tokens = []
    for _ in range(4):
        checked = check_credentials(session, mara.email, PASSWORD)
        tokens.append(sign_in(session, checked, now=clock.now(), browser=Browser()).token)
    typed = read_code(mara, code)
    session.commit()

    def give(token):
        def act():
            with transaction() as own:
                return pass_step(own, token, typed, now=clock.now(), browser=Browser())

        return act

    answers = together(app, [give(token) for token in tokens])
    assert sorted(answer is None for answer in answers) == [False, True, True, True], answers
    db.session.expire_all()
    assert row_count(session, UserSession) == 1


def test_a_recovery_code_signs_in_once(client, new_client, session, mara, codes):
    give_password(client, mara)
    assert client.get("/sign-in/code?recovery=1").status_code == 200
    answer = give_code(client, codes[3].upper().replace("-", " "), follow_redirects=True)
    assert "You have 9 left" in answer.text
    assert verbs(session) == ["recovery_code_used", "signed_in"]
    assert [kind for kind, _to, _state in mailed(session, mara)] == ["second_factor", "new_device"]
    other = new_client()
    give_password(other, mara)
    assert give_code(other, codes[3]).status_code == 422
    assert give_code(other, codes[4]).status_code == 303


def test_another_persons_codes_open_nothing(client, session, mara, ada, codes):
    others = give_factor(session, ada)
    give_password(client, mara)
    assert give_code(client, others[0]).status_code == 422
    assert give_code(client, code_of(ada)).status_code == (303 if code_of(ada) == code_of(mara) else 422)


def test_five_wrong_codes_end_the_wait_and_the_person_is_told(client, session, mara, codes):
    give_password(client, mara)
    for _ in range(MOST_TRIES):
        assert give_code(client, wrong_code(mara)).status_code == 422
    assert client.get("/sign-in/code").status_code == 410
    token = client.csrf("/sign-in")
    late = client.post("/sign-in/code", data={"code": code_of(mara), "csrf_token": token})
    assert late.status_code == 410
    assert verbs(session) == ["sign_in_failed"] * MOST_TRIES
    assert mailed(session, mara) == [("second_factor", mara.email, "due")]
    give_password(client, mara)
    assert give_code(client, code_of(mara)).status_code == 303


def test_the_wait_is_short(client, session, mara, codes):
    with time_machine.travel(clock.now(), tick=False) as traveller:
        give_password(client, mara)
        token = client.csrf("/sign-in/code")
        traveller.shift(LIFETIME)
        answer = client.post("/sign-in/code", data={"code": code_of(mara), "csrf_token": token})
        assert answer.status_code == 410
        assert client.get("/sign-in/code").status_code == 410


def test_a_wait_that_was_passed_opens_nothing_again(client, new_client, session, mara, codes):
    give_password(client, mara)
    with client.session_transaction() as cookie:
        kept = dict(cookie["second_step"])
    give_code(client, code_of(mara))
    other = new_client()
    with other.session_transaction() as cookie:
        cookie["second_step"] = kept
    assert other.get("/sign-in/code").status_code == 410


def test_without_the_password_there_is_no_page(client, session, mara, codes):
    assert client.get("/sign-in/code").status_code == 410
    with client.session_transaction() as cookie:
        cookie["second_step"] = {"token": "made up", "email": mara.email, "counted_as": ""}
    assert client.get("/sign-in/code").status_code == 410
    with client.session_transaction() as cookie:
        cookie["second_step"] = "not even a mapping"
    assert client.get("/sign-in/code").status_code == 410


def test_a_cookie_of_somebodys_own_making_is_no_wait(client, session, mara, codes):
    give_password(client, mara)
    kept = session.scalars(select(SignInStep)).one()
    client.set_cookie("canal", f"{kept.token_hash.hex()}.x.y")
    assert client.get("/sign-in/code").status_code == 410


@pytest.mark.parametrize("change", ["deactivated", "suspended", "password"])
def test_what_was_taken_away_meanwhile_counts(client, session, pia, northwind, change):
    give_factor(session, pia)
    give_password(client, pia)
    token = client.csrf("/sign-in/code")
    if change == "deactivated":
        pia.state = UserState.DEACTIVATED
    elif change == "suspended":
        northwind.state = PartnerState.SUSPENDED
    else:
        from app.identity.sessions import revoke_keys

        revoke_keys(session, pia.id, now=clock.now())
    session.commit()
    answer = client.post("/sign-in/code", data={"code": code_of(pia), "csrf_token": token})
    assert answer.status_code == 410
    assert row_count(session, UserSession) == 0


def test_a_reset_by_link_does_not_pass_the_second_factor_by(client, session, mara, codes):
    send_reset(session, mara.email, now=clock.now())
    path = last_link(session, mara)
    new = "winds turn at dawn"
    answer = client.submit(path, {"password": new, "password_again": new})
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    assert token_in(client) is None
    assert row_count(session, UserSession) == 0
    assert give_code(client, code_of(mara)).status_code == 303
    assert client.get("/profile").status_code == 200


def test_the_token_is_fresh_and_nothing_from_before_is_left(client, session, mara, codes):
    with client.session_transaction() as cookie:
        cookie["left_over"] = "from before"
    give_password(client, mara)
    with client.session_transaction() as cookie:
        assert "left_over" not in cookie
    give_code(client, code_of(mara))
    with client.session_transaction() as cookie:
        assert "second_step" not in cookie
        assert cookie["_user_id"]


def test_whoever_is_signed_in_already_is_sent_on(signed_in, mara):
    assert signed_in(mara).get("/sign-in/code").location == "/"


def test_tokens_of_the_api_go_on_as_before(api, client, session, mara, codes):
    assert api(mara).get("/leads").status_code == 200


def test_the_form_asks_for_its_token(client, mara, codes):
    give_password(client, mara)
    assert client.post("/sign-in/code", data={"code": code_of(mara)}).status_code == 400


def test_the_answer_to_a_wrong_password_is_the_same_with_a_second_factor(client, session, mara, ada, codes):
    without = give_password(client, ada, "a wrong password")
    with_one = give_password(client, mara, "a wrong password")
    assert (without.status_code, with_one.status_code) == (422, 422)
    assert "do not open an account" in with_one.text
    assert row_count(session, SignInStep) == 0
